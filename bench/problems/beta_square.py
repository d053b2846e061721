"""Beta variables and the cost (x - k)^2."""

import torch

from ...estimators.families.beta import Beta
from ..problem import Problem


def problem(name: str, *, a: float, b: float, dim: int, k: float) -> Problem:
    """Return f(x) = mean_d (x_d - k)^2: E f = m n - 2 k m + k^2, m = a / c, n = (a + 1) / (c + 1), c = a + b.

    The derivatives of m and n are (b, -a) / c^2 and (b, -(a + 1)) / (c + 1)^2 in (a, b).
    """
    c = a + b
    m, n = a / c, (a + 1) / (c + 1)
    in_a = b / c**2 * (n - 2 * k) + m * b / (c + 1) ** 2
    in_b = -a / c**2 * (n - 2 * k) - m * (a + 1) / (c + 1) ** 2
    rows = torch.tensor([[a, in_a], [b, in_b]], dtype=torch.float64)
    node = Beta(rows[:, :1].repeat(1, dim))
    gradient = rows[:, 1:].repeat(1, dim) / dim
    return Problem(name, node, lambda x: (x - k).square().mean(-1), exact_grad=gradient)
