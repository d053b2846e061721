"""A Gaussian of which one parameter is asked for: the location or the scale."""

from collections.abc import Callable

import torch
from torch import Tensor

from ...estimators.errors import InputError
from ...estimators.families.normal import Normal
from ..problem import Problem

PARTS = ("loc", "scale")
COSTS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "square": lambda x, k: (x - k).square(),
    "exp": lambda x, k: torch.exp(-k * x.square()),
    "cos": lambda x, k: torch.cos(k * x),
}


def problem(name: str, *, cost: str, k: float, part: str) -> Problem:
    """Return (x - k)^2, exp(-k x^2) or cos(k x) at N(1, 1), its gradient in the location or in the scale alone.

    normal_square, normal_exp and normal_cos hold both parts at once; the figures of the paper hold them apart.
    Source: Mohamed et al. 2020 (1906.10652), figures 2 and 3.

    Raises:
        InputError: for another cost or part.
    """
    for key, given, allowed in (("cost", cost, tuple(COSTS)), ("part", part, PARTS)):
        if given not in allowed:
            raise InputError(f"problem 'normal_part': {key}={given}; it must be one of {', '.join(allowed)}")
    f = COSTS[cost]
    tie = torch.tensor([[float(part == one) for one in PARTS]], dtype=torch.float64)
    node = Normal(torch.ones(2, 1, dtype=torch.float64))
    return Problem(name, node, lambda x: f(x, k).sum(-1), tie=tie)
