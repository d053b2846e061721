"""Gamma variables and the cost (x - k)^2."""

import torch

from ...estimators.families.gamma import Gamma
from ..problem import Problem


def problem(name: str, *, concentration: float, dim: int, k: float, rate: float) -> Problem:
    """Return f(x) = mean_d (x_d - k)^2 at one concentration a and rate r.

    E f = a (a + 1) / r^2 - 2 k a / r + k^2; gradient ((2 a + 1) / r^2 - 2 k / r) / D in a and
    (-2 a (a + 1) / r^3 + 2 k a / r^2) / D in r.
    """
    one = torch.ones(dim, dtype=torch.float64)
    a, r = concentration * one, rate * one
    in_a = (2 * a + 1) / r**2 - 2 * k / r
    in_r = -2 * a * (a + 1) / r**3 + 2 * k * a / r**2
    node = Gamma(torch.stack([a, r]))
    return Problem(name, node, lambda x: (x - k).square().mean(-1), exact_grad=torch.stack([in_a, in_r]) / dim)
