"""The toy problem of ARSM: one choice among many, with rewards that hardly differ."""

import torch
from torch import Tensor

from ...estimators.families.categorical import Categorical
from ..problem import Problem


def problem(name: str, *, classes: int, scale: float) -> Problem:
    """Return f(z) = 0.5 + z / (K scale), z = 1, ..., K, at equal logits; gradient (z - (K + 1) / 2) / (K^2 scale).

    Source: Yin et al. 2019 (1905.01413), where K and the scale are 30.
    """
    reward = 0.5 + torch.arange(1, classes + 1, dtype=torch.float64) / (classes * scale)

    def cost(x: Tensor) -> Tensor:
        return (x @ reward.to(x)).sum(-1)

    return Problem(name, Categorical(torch.zeros(1, classes, dtype=torch.float64)), cost)
