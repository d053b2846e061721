"""A Gaussian and the cost cos(k x)."""

import torch

from ...estimators.families.normal import Normal
from ..problem import Problem


def problem(name: str, *, k: float) -> Problem:
    """Return f(x) = cos(k x) at N(1, 1): gradient -k sin(k mu) exp(-k^2 sigma^2 / 2) in the location.

    Source: Mohamed et al. 2020 (1906.10652), figure 3.
    """
    node = Normal(torch.ones(2, 1, dtype=torch.float64))
    return Problem(name, node, lambda x: torch.cos(k * x).sum(-1))
