"""REINFORCE with a running mean of the cost as its baseline."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .errors import InputError
from .estimator import independent, weighted
from .node import Node
from .noise import Noise

sample = independent


def fit(
    node: Node,
    evaluate: Callable[..., Any],
    stream: Callable[..., Any],
    S: int,
    *,
    decay: float = 0.9,
    steps: int = 100,
) -> Tensor:
    """Return the exponential moving average b [*B] of the cost over a stream of batches of S points.

    b_1 = f_1, b_t = decay b_{t-1} + (1 - decay) f_t with f_t the mean of f over batch t, at the theta that is measured;
    each node of a batch has a mean of its own.

    Raises:
        InputError: if decay is not in [0, 1).
    """
    if not 0 <= decay < 1:
        raise InputError(f"decay={decay}; it must be at least 0 and below 1, e.g. 0.9")
    values, _ = evaluate(node.draw(stream(0, steps), S))  # [steps, S, *B]: one row is one batch
    age = torch.arange(steps - 1, -1, -1, dtype=values.dtype, device=values.device)
    weights = (1 - decay) * decay**age
    weights[0] = decay ** (steps - 1)  # the average starts at the first batch, not at 0
    return torch.einsum("t,t...->...", weights, values.mean(1))


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None, *, state: Tensor) -> Tensor:
    """Return mean_i (f(x_i) - b) s(x_i), b the running mean, frozen: unbiased, since b shares no noise with x.

    In training b lags behind a moving theta; here it has settled. Source: Williams 1992, Machine Learning 8;
    Mnih & Gregor 2014 (1402.0030).
    """
    return weighted(values - state, node.score(x)).mean(1)
