"""What both sides of a row agree on: logits, weights of a small network, levels of classes; numpy alone."""

import numpy as np

HIDDEN = 32
TARGET = 0.45


def logits(latents: int, classes: int) -> np.ndarray:
    """Return the logits [L, K] of varbench's problem ``polynomial``, a fixed Normal draw, in float32."""
    return np.random.default_rng(0).standard_normal((latents, classes)).astype(np.float32)


def levels(classes: int) -> np.ndarray:
    """Return z = class / (classes - 1), float32 [K]."""
    return (np.arange(classes) / (classes - 1)).astype(np.float32)


def network(inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights [inputs, 32] and [32] of f(x) = tanh(x W) v, float32."""
    draw = np.random.default_rng(1)
    W = draw.standard_normal((inputs, HIDDEN)) / 4
    v = draw.standard_normal(HIDDEN) / HIDDEN
    return W.astype(np.float32), v.astype(np.float32)


def vectors(rows: int, dim: int, entries: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows [rows, dim] and the entries of a codebook [entries, dim], fixed Normal draws in float32."""
    draw = np.random.default_rng(2)
    x, codebook = draw.standard_normal((rows, dim)), draw.standard_normal((entries, dim))
    return x.astype(np.float32), codebook.astype(np.float32)
