"""A Gaussian and the cost exp(-k x^2)."""

import torch

from ...estimators.families.normal import Normal
from ..problem import Problem


def problem(name: str, *, k: float) -> Problem:
    """Return f(x) = exp(-k x^2) at N(1, 1): a bump at 0.

    Source: Mohamed et al. 2020 (1906.10652), figure 3.
    """
    node = Normal(torch.ones(2, 1, dtype=torch.float64))
    return Problem(name, node, lambda x: torch.exp(-k * x.square()).sum(-1))
