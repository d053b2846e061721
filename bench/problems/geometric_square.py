"""Geometric counts and the cost (x - k)^2."""

import torch

from ...estimators.families.geometric import Geometric
from ..problem import Problem


def problem(name: str, *, dim: int, k: float, logit: float) -> Problem:
    """Return f(x) = mean_d (x_d - k)^2 at one logit phi.

    With m = E x = exp(-phi): E f = m + 2 m^2 - 2 k m + k^2, gradient -m (1 + 4 m - 2 k) / D each.
    """
    node = Geometric(torch.full((dim,), logit, dtype=torch.float64))
    m = torch.exp(-node.logits)
    gradient = -m * (1 + 4 * m - 2 * k) / dim
    return Problem(name, node, lambda x: (x - k).square().mean(-1), exact_grad=gradient)
