"""The distance of random class numbers from a fixed vector: the synthetic problem of IndeCateR."""

import numpy as np
import torch
from torch import Tensor

from ...estimators.families.categorical import Categorical
from ..problem import Problem


def problem(name: str, *, dim: int, classes: int) -> Problem:
    """Return f(X) = |X - b|_1 = sum_d |X_d - b_d|, X_d the class number 0, ..., K - 1, at seeded Normal logits.

    A one-hot x_d stands for X_d = sum_k k x_dk, so that a relaxed one lies between its classes. The b_d are a fixed
    seeded draw, uniform in (0, K - 1), none of them a class number; logits and b of the paper are not known.

    Source: De Smet et al. 2023 (2311.12569), with (dim, classes) = (12, 3), (6, 10), (3, 100).
    """
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.standard_normal((dim, classes)))
    b = torch.from_numpy(rng.uniform(0, classes - 1, dim))
    number = torch.arange(classes, dtype=torch.float64)

    def terms(x: Tensor) -> Tensor:
        return (x @ number.to(x) - b.to(x)).abs()  # [..., D]

    return Problem(name, Categorical(logits), lambda x: terms(x).sum(-1), terms=terms)
