"""A Normal vector and the square of its sum."""

import torch

from ...estimators.errors import InputError
from ...estimators.families.multivariate_normal import MultivariateNormal
from ..problem import Problem


def problem(name: str, *, correlation: float, dim: int, k: float) -> Problem:
    """Return f(x) = (sum_d x_d - k)^2 at mu = 1, unit variances and equal correlations.

    E f = (1^T mu - k)^2 + |L^T 1|^2: gradient 2 (1^T mu - k) in each mu_i and 2 (L^T 1)_j in each L_ij.
    """
    if not (dim - 1) * correlation > -1 or correlation >= 1:
        raise InputError(f"problem '{name}': correlation={correlation:g}; it must lie in (-1 / (dim - 1), 1)")
    one = torch.ones(dim, dtype=torch.float64)
    L = torch.linalg.cholesky((1 - correlation) * torch.eye(dim, dtype=torch.float64) + correlation)
    node = MultivariateNormal.of(one, L)
    gradient = MultivariateNormal.packed(2 * (dim - k) * one, (2 * L.sum(0)).expand(dim, dim))
    return Problem(name, node, lambda x: (x.sum(-1) - k).square(), exact_grad=gradient)
