"""A logistic variable and the cost (x - k)^2."""

import math

import torch

from ...estimators.families.logistic import Logistic
from ..problem import Problem


def problem(name: str, *, k: float) -> Problem:
    """Return f(x) = (x - k)^2 at location and scale 1: gradient 2 (mu - k) and 2 pi^2 / 3 sigma."""
    node = Logistic(torch.ones(2, 1, dtype=torch.float64))
    gradient = torch.tensor([[2 * (1 - k)], [2 * math.pi**2 / 3]], dtype=torch.float64)
    return Problem(name, node, lambda x: (x - k).square().sum(-1), exact_grad=gradient)
