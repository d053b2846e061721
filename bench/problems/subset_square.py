"""Subsets and the square of the sum of what they choose."""

import numpy as np
import torch

from ...estimators.families.subset import Subset
from ..problem import Problem


def problem(name: str, *, k: int, n: int) -> Problem:
    """Return f(x) = (<c, x> - k / 3)^2, c from 0 to 1 in equal steps, at fixed seeded Normal logits; by enumeration."""
    level = torch.linspace(0, 1, n, dtype=torch.float64)
    logits = torch.from_numpy(np.random.default_rng(0).standard_normal(n))
    return Problem(name, Subset(logits, k), lambda x: (x @ level.to(x) - k / 3).square())
