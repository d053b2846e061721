"""Kernels of REINFORCE with the leave-one-out baseline on discrete variables."""

import numpy as np
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .lookup import costs, samples_first, weighted_scores
from .noise import KernelNoise
from .table import CostTable


def combine(
    node: Bernoulli | Categorical, noise: KernelNoise, x: Tensor, values: Tensor, slopes: Tensor | None
) -> Tensor:
    """Return 1/(S-1) sum_i (f_i - mean f) s(x_i)."""
    return weighted_scores(node, noise, _centred(samples_first(values)))


def fused(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int) -> Tensor:
    """Return the same for a separable cost."""
    return weighted_scores(node, noise, _centred(costs(node, noise, table, S)))


def _centred(f: np.ndarray) -> np.ndarray:
    return (f - f.mean(0)) / (len(f) - 1)
