"""Three coins that share one logit."""

import torch
from torch import Tensor

from ...estimators.families.bernoulli import Bernoulli
from ..problem import Problem


def problem(name: str, *, logit: float) -> Problem:
    """Return f(b) = sum_d (b_d - c_d)^2, c = (0.6, 0.51, 0.48); gradient in the one logit.

    Source: Liu et al. 2019 (1810.04777); Kool et al. 2020 (2002.06043).
    """
    c = torch.tensor([0.6, 0.51, 0.48], dtype=torch.float64)

    def terms(b: Tensor) -> Tensor:
        return (b - c.to(b)).square()

    node, tie = Bernoulli(torch.full((3,), logit, dtype=torch.float64)), torch.ones(1, 3, dtype=torch.float64)
    return Problem(name, node, lambda b: terms(b).sum(-1), terms=terms, tie=tie)
