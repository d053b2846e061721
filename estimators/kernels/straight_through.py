"""Kernels of straight-through; for a separable cost its torch form, tabulated at every outcome."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from .. import straight_through as form
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
    identity: bool = False,
) -> Tensor:
    """Return mean_i J(softmax(phi / tau)) f'(D_i) / tau, or mean_i f'(D_i) with identity."""
    if identity or isinstance(node, Bernoulli):
        return form.combine(node, noise, x, values, slopes, temperature=temperature, identity=identity)
    theta = choices(node)
    return theta.draws(
        pulled_back(node, noise, draws_last(slopes, theta), node.tempered(temperature), 0.0, 1 / temperature)
    )


def fused(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    table: CostTable,
    S: int,
    *,
    temperature: float = 1.0,
    identity: bool = False,
) -> Tensor:
    """Return the same for a separable cost."""
    return averaged(node, noise, S, tabulated(form.combine, node, table, temperature=temperature, identity=identity))


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
