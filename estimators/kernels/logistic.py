"""The steps of logistic methods on coins; arrays are draws last."""

from __future__ import annotations

import numpy as np

from ..families.bernoulli import Bernoulli
from .arrays import empty, logits
from .compiled import kernel
from .elementary import exp, log
from .noise import KernelNoise, every_odds

TILE = 256  # draws: what a step needs stays in the nearest cache


def perturbed(node: Bernoulli, noise: KernelNoise, S: int) -> np.ndarray:
    """Return z = phi + log((1 - u) / u) [S, V, M], made once for a noise."""
    return noise.kept(("perturbed", node, S), lambda: _perturbed(node, noise, S))


def _perturbed(node: Bernoulli, noise: KernelNoise, S: int) -> np.ndarray:
    phi = logits(node)
    z = empty((S, len(phi), noise.width), phi.dtype)
    _perturb(noise.key("uniform", "x", (S, *node.theta.shape)), noise.block, noise.stride, noise.first, phi, z)
    return z


@kernel
def _perturb(key, block, stride, first, logits, z):  # type: ignore[no-untyped-def]
    S, V, M = z.shape
    word = np.empty(M, np.uint32)
    for s in range(S):
        for v in range(V):
            here, logit = z[s, v], logits[v]
            every_odds(key, block, (s * V + v) * stride + first, word, here)
            for i in range(M):
                here[i] = logit + log(here[i])


@kernel
def flatten(z, rate, t):  # type: ignore[no-untyped-def]
    """Set ``t`` to exp(-|z| / tau): sigmoid(|z| / tau) = 1 / (1 + t), and sigmoid(-|z| / tau) = t / (1 + t).

    Args:
        z: [m].
        rate: 1 / tau in the working dtype.
        t: [m].
    """
    for i in range(t.size):
        t[i] = exp(-abs(z[i]) * rate)
