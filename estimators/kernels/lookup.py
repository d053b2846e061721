"""Gradients that are looked up: sum_s w_s T[v, x_sv], where a variable's outcome alone decides its share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import choices, zeros
from .compiled import kernel
from .draw import outcomes
from .noise import KernelNoise
from .table import CostTable


def every_outcome(node: Bernoulli | Categorical) -> Tensor:
    """Return points [J, *B, *event] of which the j-th shows outcome j in all variables."""
    theta = node.theta.detach()
    if isinstance(node, Bernoulli):
        return torch.stack([torch.zeros_like(theta), torch.ones_like(theta)])
    K = theta.shape[-1]
    return torch.eye(K, dtype=theta.dtype).reshape(K, *(1,) * (theta.ndim - 1), K).expand(K, *theta.shape)


def looked_up(
    node: Bernoulli | Categorical, noise: KernelNoise, S: int, shares: Tensor, weights: np.ndarray | None = None
) -> Tensor:
    """Return sum_s w_s T[v, x_sv] as draws [N, *B, *param], x the S independent points of ``node.draw``.

    Args:
        node: of V variables.
        noise: of the block.
        S: number of points.
        shares: T, the gradient's share at each of ``every_outcome`` [J, *B, *param].
        weights: w [S, N], 1/S by default.
    """
    theta = choices(node)
    table = shares.detach().reshape(theta.J, theta.V, theta.width).permute(1, 2, 0).contiguous().numpy()
    out = zeros((theta.V * theta.width, noise.rows), theta.dtype)
    if weights is None:
        weights = np.full((S, noise.rows), 1 / S, theta.dtype)
    _look_up(outcomes(node, noise, S), weights, table, out)
    return theta.draws(out)


def costs(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int) -> np.ndarray:
    """Return f at the S independent points, in theta's dtype [S, N]."""
    out = zeros((S, noise.rows), choices(node).dtype)
    _costs(outcomes(node, noise, S), table.values.numpy(), out)
    return out


@kernel
def _look_up(which, weights, table, out):  # type: ignore[no-untyped-def]
    S, N = weights.shape
    V, width, _ = table.shape
    for v in range(V):
        for c in range(width):
            share, sums = table[v, c], out[v * width + c]
            for s in range(S):
                here, weight = which[s, v], weights[s]
                for n in range(N):
                    sums[n] += weight[n] * share[here[n]]


@kernel
def _costs(which, values, out):  # type: ignore[no-untyped-def]
    S, N = out.shape
    for s in range(S):
        f = out[s]
        for v in range(len(values)):
            here, value = which[s, v], values[v]
            for n in range(N):
                f[n] += value[here[n]]
