"""A Laplace variable and the cost (x - k)^2."""

import torch

from ...estimators.families.laplace import Laplace
from ..problem import Problem


def problem(name: str, *, k: float) -> Problem:
    """Return f(x) = (x - k)^2 at location and scale 1: gradient 2 (mu - k) and 4 sigma."""
    node = Laplace(torch.ones(2, 1, dtype=torch.float64))
    gradient = torch.tensor([[2 * (1 - k)], [4]], dtype=torch.float64)
    return Problem(name, node, lambda x: (x - k).square().sum(-1), exact_grad=gradient)
