"""Points of a simplex and their squared distance from a corner."""

import torch

from ...estimators.families.dirichlet import Dirichlet
from ..problem import Problem


def problem(name: str, *, classes: int, concentration: float, dim: int) -> Problem:
    """Return f(x) = mean_d |x_d - (1, 0, ..., 0)|^2, concentrations a from 1 to 2 times the given one.

    E f = M / (A (A + 1)) - 2 a_1 / A + 1, A = sum a, M = sum a (a + 1); gradient in a_j
    (2 a_j + 1) / (A (A + 1)) - M (2 A + 1) / (A (A + 1))^2 - 2 (1[j = 1] - a_1 / A) / A, over D.
    """
    a = concentration * torch.linspace(1, 2, classes, dtype=torch.float64)
    corner = torch.eye(classes, dtype=torch.float64)[0]
    A, M = a.sum(), (a * (a + 1)).sum()
    square = A * (A + 1)
    gradient = (2 * a + 1) / square - M * (2 * A + 1) / square**2 - 2 * (corner - a[0] / A) / A
    node = Dirichlet(a.repeat(dim, 1))
    return Problem(
        name,
        node,
        lambda x: (x - corner.to(x)).square().sum(-1).mean(-1),
        exact_grad=gradient.repeat(dim, 1) / dim,
    )
