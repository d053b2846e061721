"""Kernels of ReinMax; for a separable cost its torch form, tabulated at every outcome."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from .. import reinmax as form
from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import choices, draws_last
from .cells import Sums
from .lookup import add_averaged, averaged, tabulated
from .mixed import pulled_back
from .noise import KernelNoise
from .table import CostTable


def combine(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    x: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    temperature: float = 1.0,
) -> Tensor:
    """Return mean_i 2 J((softmax(phi / tau) + D_i) / 2) f'(D_i) - 1/2 J(softmax(phi)) f'(D_i)."""
    if isinstance(node, Bernoulli):
        return form.combine(node, noise, x, values, slopes, temperature=temperature)
    theta = choices(node)
    last = draws_last(slopes, theta)
    half = pulled_back(node, noise, last, node.tempered(temperature), 0.5, 2.0)
    return theta.draws(pulled_back(node, noise, last, node.probs, 0.0, -0.5, half))


def fused(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    table: CostTable,
    S: int,
    *,
    temperature: float = 1.0,
) -> Tensor:
    """Return the same for a separable cost."""
    return averaged(node, noise, S, tabulated(form.combine, node, table, temperature=temperature))


def summed(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    table: CostTable,
    S: int,
    configs: Sequence[Mapping[str, Any]],
    cells: Sums,
) -> None:
    """Add the draws of ``fused`` at each config to sums."""
    add_averaged(node, noise, S, [tabulated(form.combine, node, table, **config) for config in configs], cells)
