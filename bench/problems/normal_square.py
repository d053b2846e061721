"""A Gaussian and the cost (x - k)^2."""

import torch

from ...estimators.families.normal import Normal
from ..problem import Problem


def problem(name: str, *, k: float) -> Problem:
    """Return f(x) = (x - k)^2 at N(1, 1): gradient 2 (mu - k) in the location and 2 sigma in the scale.

    Source: Mohamed et al. 2020 (1906.10652), figure 2.
    """
    node = Normal(torch.ones(2, 1, dtype=torch.float64))
    square = torch.tensor([[k**2, -2 * k, 1.0]], dtype=torch.float64)
    return Problem(name, node, lambda x: (x - k).square().sum(-1), coefficients=square)
