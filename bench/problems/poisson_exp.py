"""A Poisson count and the cost exp(-k x)."""

import math

import torch

from ...estimators.families.poisson import Poisson
from ..problem import Problem


def problem(name: str, *, k: float, rate: float) -> Problem:
    """Return f(x) = exp(-k x): E f = exp(-r c), c = 1 - exp(-k), gradient -c exp(-r c)."""
    node = Poisson(torch.full((1,), rate, dtype=torch.float64))
    c = -math.expm1(-k)
    return Problem(name, node, lambda x: torch.exp(-k * x).sum(-1), exact_grad=-c * torch.exp(-c * node.rate))
