"""Angles and the cost cos(x - k)."""

import math

import torch
from scipy.special import i0e, i1e

from ...estimators.families.von_mises import VonMises
from ..problem import Problem


def problem(name: str, *, concentration: float, dim: int, k: float) -> Problem:
    """Return f(x) = mean_d cos(x_d - k) about m = 1: E f = A cos(m - k), A = I_1(c) / I_0(c), c the concentration.

    Gradient -A sin(m - k) / D in m and (1 - A / c - A^2) cos(m - k) / D in c.
    """
    one = torch.ones(dim, dtype=torch.float64)
    node = VonMises(torch.stack([one, concentration * one]))
    A = float(i1e(concentration) / i0e(concentration))
    in_m = -A * math.sin(1 - k)
    in_c = (1 - A / concentration - A**2) * math.cos(1 - k)
    gradient = torch.stack([in_m * one, in_c * one]) / dim
    return Problem(name, node, lambda x: torch.cos(x - k).mean(-1), exact_grad=gradient)
