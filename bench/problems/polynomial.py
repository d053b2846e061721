"""Polynomial programming: many small categorical variables and a separable cost."""

import numpy as np
import torch
from torch import Tensor

from ...estimators.families.categorical import Categorical
from ..problem import Problem


def problem(name: str, *, dim: int, classes: int, degree: float) -> Problem:
    """Return f(z) = mean_d |z_d - 0.45|^degree, z = class / (classes - 1), at fixed seeded Normal logits.

    Between the classes z is linear in the relaxed one-hot vector. Source: Liu et al. 2023 (2304.08612).
    """
    level = torch.arange(classes, dtype=torch.float64) / (classes - 1)

    def powers(x: Tensor) -> Tensor:
        z = x @ level.to(x)  # [..., D]
        return (z - 0.45).abs().pow(degree)

    logits = torch.from_numpy(np.random.default_rng(0).standard_normal((dim, classes)))
    return Problem(name, Categorical(logits), lambda x: powers(x).sum(-1) / dim, terms=lambda x: powers(x) / dim)
