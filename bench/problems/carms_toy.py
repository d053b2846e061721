"""The toy problem of CARMS: three choices among three and a linear cost, at probabilities between even and uneven."""

import numpy as np
import torch
from torch import Tensor

from ...estimators.families.categorical import Categorical
from ..problem import Problem


def problem(name: str, *, alpha: float) -> Problem:
    """Return f(x) = sum_dk w_dk x_dk, w = 3 (1, 2, 3; 4, 5, 6; 7, 8, 9); gradient p_dk (w_dk - sum_k p_dk w_dk).

    p_d ~ Dirichlet(alpha, alpha, alpha), drawn once from a fixed seed: the larger alpha, the more even. The paper draws
    them anew. Source: Dimitriev & Zhou 2021 (2110.14002), w as in the authors' published code.
    """
    weight = 3 * torch.arange(1, 10, dtype=torch.float64).reshape(3, 3)

    def terms(x: Tensor) -> Tensor:
        return (x * weight.to(x)).sum(-1)  # [..., D]

    p = torch.from_numpy(np.random.default_rng(0).dirichlet([alpha] * 3, 3))
    return Problem(name, Categorical(p.log()), lambda x: terms(x).sum(-1), terms=terms)
