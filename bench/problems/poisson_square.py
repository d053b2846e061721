"""Poisson counts and the cost (x - k)^2."""

import torch

from ...estimators.families.poisson import Poisson
from ..problem import Problem


def problem(name: str, *, dim: int, k: float, rate: float) -> Problem:
    """Return f(x) = mean_d (x_d - k)^2 at one rate r: E f = r + (r - k)^2, gradient (1 + 2 (r - k)) / D each."""
    node = Poisson(torch.full((dim,), rate, dtype=torch.float64))
    gradient = (1 + 2 * (node.rate - k)) / dim
    return Problem(name, node, lambda x: (x - k).square().mean(-1), exact_grad=gradient)
