"""The toy problem of REBAR and RELAX, in any dimension."""

import torch
from torch import Tensor

from ...estimators.families.bernoulli import Bernoulli
from ..problem import Problem


def problem(name: str, *, dim: int, logit: float, target: float) -> Problem:
    """Return f(b) = mean_d (b_d - t)^2 on D coins of one logit; gradient p q (1 - 2 t) / D each.

    Source: Tucker et al. 2017 (1703.07370).
    """

    def terms(b: Tensor) -> Tensor:
        return (b - target).square() / dim

    node = Bernoulli(torch.full((dim,), logit, dtype=torch.float64))
    return Problem(name, node, lambda b: terms(b).sum(-1), terms=terms)
