"""Gradients that are looked up: sum_s w_s T[v, x_sv], where a variable's outcome alone decides its share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import Choices, choices, zeros
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


def looked_up(node: Bernoulli | Categorical, noise: KernelNoise, S: int, shares: Tensor, weights: np.ndarray) -> Tensor:
    """Return sum_s w_sb T[v, x_sv] as draws [N, *B, *param], x the S independent points of ``node.draw``.

    Args:
        node: of V variables.
        noise: of the block.
        S: number of points.
        shares: T, the gradient's share at each of ``every_outcome`` [J, *B, *param].
        weights: w [S, nodes of the batch, N], one for each node in the order of rows.
    """
    theta = choices(node)
    table = shares.detach().reshape(theta.J, theta.V, theta.width).permute(1, 2, 0).contiguous().numpy()
    out = zeros((theta.V * theta.width, noise.rows), theta.dtype)
    _look_up(outcomes(node, noise, S), weights, table, out)
    return theta.draws(out)


def weighted_scores(node: Bernoulli | Categorical, noise: KernelNoise, weights: np.ndarray) -> Tensor:
    """Return sum_s w_sb s(x_s) [N, *B, *param]: the score of a variable depends on its outcome alone."""
    return looked_up(node, noise, len(weights), node.score(every_outcome(node)), weights)


def averaged(node: Bernoulli | Categorical, noise: KernelNoise, S: int, shares: Tensor) -> Tensor:
    """Return mean_s T[v, x_sv] [N, *B, *param]; see ``looked_up``."""
    return looked_up(node, noise, S, shares, np.full((S, 1, noise.rows), 1 / S, choices(node).dtype))


def samples_first(values: Tensor) -> np.ndarray:
    """Return values [N, S, *B] as an array [S, nodes of the batch, N]."""
    N, S = values.shape[:2]
    return values.detach().reshape(N, S, -1).permute(1, 2, 0).contiguous().numpy()


def costs(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int) -> np.ndarray:
    """Return f at the S independent points of a node without a batch, in theta's dtype [S, 1, N]."""
    out = zeros((S, noise.rows), choices(node).dtype)
    _costs(outcomes(node, noise, S), table.values.numpy(), out)
    return out[:, None]


def slopes_at(which: np.ndarray, table: CostTable, theta: Choices, N: int) -> np.ndarray:
    """Return the slopes of a separable cost at outcomes [S, V, M] of N draws, in theta's dtype [S, V, width, N]."""
    assert table.slopes is not None
    out = zeros((*which.shape[:2], theta.width, N), theta.dtype)
    _slopes_at(which, table.slopes.transpose(1, 2).contiguous().numpy(), out)
    return out


@kernel
def _look_up(which, weights, table, out):  # type: ignore[no-untyped-def]
    S, B, N = weights.shape
    V, width, _ = table.shape
    for v in range(V):
        b = v * B // V
        for c in range(width):
            share, sums = table[v, c], out[v * width + c]
            for s in range(S):
                here, weight = which[s, v], weights[s, b]
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


@kernel
def _slopes_at(which, slopes, out):  # type: ignore[no-untyped-def]
    S, V, width, N = out.shape
    for s in range(S):
        for v in range(V):
            here = which[s, v]
            for c in range(width):
                slope, sums = slopes[v, c], out[s, v, c]
                for n in range(N):
                    sums[n] = slope[here[n]]
