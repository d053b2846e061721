"""A straight-through form as people run it for many draws: theta expanded to a leaf, one backward pass."""

from collections.abc import Callable

import torch
from torch import Tensor

from . import cases
from .torch_costs import cost

Run = Callable[[int], tuple[list[float], float]]


def expanded(sampled: Callable[[Tensor], Tensor], f: str, latents: int, classes: int, rows: int) -> Run:
    """Return run(seed): N draws of the gradient of f(sampled(logits)), each of a row of its own.

    Args:
        sampled: from logits [N, L, K] to points of that shape that carry gradients.
        f: name of the cost.
        latents: L.
        classes: K.
        rows: N.
    """
    torch.set_num_threads(1)
    logits = torch.from_numpy(cases.logits(latents, classes))
    value = cost(f, latents, classes)

    def run(seed: int) -> tuple[list[float], float]:
        torch.manual_seed(seed)
        leaf = logits.expand(rows, latents, classes).clone().requires_grad_()
        value(sampled(leaf)).sum().backward()
        assert leaf.grad is not None
        return mean_and_trace(leaf.grad)

    return run


def mean_and_trace(draws: Tensor) -> tuple[list[float], float]:
    """Return the mean of draws [N, ...] and the trace of their covariance, two-pass in float64."""
    g = draws.detach().flatten(1).double()
    mean = g.mean(0)
    return mean.tolist(), float((g - mean).square().sum()) / (len(g) - 1)
