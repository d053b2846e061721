"""A Student t variable and the cost (x - k)^2."""

import torch

from ...estimators.errors import InputError
from ...estimators.families.student_t import StudentT
from ..problem import Problem


def problem(name: str, *, df: float, k: float) -> Problem:
    """Return f(x) = (x - k)^2 at location and scale 1: E f = (mu - k)^2 + sigma^2 df / (df - 2) for df > 2.

    Gradient 2 (mu - k), 2 sigma df / (df - 2) and -2 sigma^2 / (df - 2)^2. Draws of implicit and of reinforce, whose
    score is bounded but for a logarithm, have a variance for df > 4.
    """
    if df <= 2:
        raise InputError(f"problem 'student_t_square': df={df:g}; the cost has a mean for df > 2 only")
    theta = torch.tensor([[1.0], [1.0], [df]], dtype=torch.float64)
    gradient = torch.tensor([[2 * (1 - k)], [2 * df / (df - 2)], [-2 / (df - 2) ** 2]], dtype=torch.float64)
    return Problem(name, StudentT(theta), lambda x: (x - k).square().sum(-1), exact_grad=gradient)
