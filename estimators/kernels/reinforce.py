"""Kernels of REINFORCE on discrete variables."""

from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .lookup import costs, samples_first, weighted_scores
from .noise import KernelNoise
from .table import CostTable


def combine(
    node: Bernoulli | Categorical, noise: KernelNoise, x: Tensor, values: Tensor, slopes: Tensor | None
) -> Tensor:
    """Return mean_i f(x_i) s(x_i)."""
    return weighted_scores(node, noise, samples_first(values) / x.shape[1])


def fused(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int) -> Tensor:
    """Return the same for a separable cost."""
    return weighted_scores(node, noise, costs(node, noise, table, S) / S)
