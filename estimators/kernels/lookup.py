"""Gradients that are looked up: sum_s w_s T[v, x_sv], where a variable's outcome alone decides its share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import Choices, choices, empty
from .cells import Sums, add_to, tile_memory
from .compiled import kernel
from .draw import levels, outcomes, tell, uniforms_of
from .noise import KernelNoise
from .philox import filled
from .table import CostTable
from .turning import columns, lanes

TILE = 256  # draws: what a step needs stays in the nearest cache


def every_outcome(node: Bernoulli | Categorical) -> Tensor:
    """Return points [J, *B, *event] of which the j-th shows outcome j in all variables."""
    theta = node.theta.detach()
    if isinstance(node, Bernoulli):
        return torch.stack([torch.zeros_like(theta), torch.ones_like(theta)])
    K = theta.shape[-1]
    return torch.eye(K, dtype=theta.dtype).reshape(K, *(1,) * (theta.ndim - 1), K).expand(K, *theta.shape)


@lru_cache(maxsize=256)
def tabulated(
    combine: Callable[..., Tensor], node: Bernoulli | Categorical, table: CostTable, **config: Any
) -> np.ndarray:
    """Return the draws of a torch form at every outcome, as ``rows``: made once for each node, cost and config."""
    x, slopes = every_outcome(node).unsqueeze(1), table.slopes_at_every_outcome(node.theta).unsqueeze(1)
    noise = KernelNoise(0, "every outcome", 0, len(x))  # as many draws; what depends on noise is in no table
    return rows(combine(node, noise, x, None, slopes, **config), choices(node))


@lru_cache(maxsize=16)
def scores(node: Bernoulli | Categorical) -> np.ndarray:
    """Return the scores at every outcome, as ``rows``."""
    return rows(node.score(every_outcome(node)), choices(node))


def rows(shares: Tensor, theta: Choices) -> np.ndarray:
    """Return shares of a gradient at ``every_outcome`` [J, *B, *param] as rows [V, J, W], padded with zeros."""
    by_outcome = shares.detach().reshape(theta.J, theta.V, theta.width).transpose(0, 1)
    return _padded(by_outcome.numpy())


def weighted_scores(node: Bernoulli | Categorical, noise: KernelNoise, weights: np.ndarray) -> Tensor:
    """Return sum_s w_sb s(x_s) [N, *B, *param], x the S independent points of ``node.draw``.

    The score of a variable depends on its outcome alone.

    Args:
        node: of V variables.
        noise: of the block.
        weights: w [S, nodes of the batch, N], one for each node in the order of rows.
    """
    theta = choices(node)
    out = empty((theta.V * theta.width, noise.rows), theta.dtype)
    _weigh(outcomes(node, noise, len(weights)), weights, scores(node), out)
    return theta.draws(out)


def averaged(node: Bernoulli | Categorical, noise: KernelNoise, S: int, table: np.ndarray) -> Tensor:
    """Return mean_s T[v, x_sv] [N, *B, *param] of a table of ``rows``."""
    theta = choices(node)
    out = empty((theta.V * theta.width, noise.rows), theta.dtype)
    _average(outcomes(node, noise, S), table, out)
    return theta.draws(out)


def add_averaged(
    node: Bernoulli | Categorical, noise: KernelNoise, S: int, tables: Sequence[np.ndarray], cells: Sums
) -> None:
    """Add the draws of ``averaged`` to sums, table after table: the outcomes are those of all."""
    least, bounds = levels(node)
    place = uniforms_of(node, noise, S), noise.block, noise.stride, noise.first
    _sum(
        *place,
        least,
        bounds,
        isinstance(node, Bernoulli),
        S,
        np.stack(tables),
        tile_memory(cells, choices(node).dtype),
        cells,
    )


def samples_first(values: Tensor) -> np.ndarray:
    """Return values [N, S, *B] as an array [S, nodes of the batch, N]."""
    N, S = values.shape[:2]
    return values.detach().reshape(N, S, -1).permute(1, 2, 0).contiguous().numpy()


def costs(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int) -> np.ndarray:
    """Return f at the S independent points of a node without a batch, in theta's dtype [S, 1, N]."""
    return noise.kept(("costs", table, S), lambda: _summed(node, noise, table, S))


def _summed(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int) -> np.ndarray:
    out = empty((S, noise.rows), choices(node).dtype)
    _costs(outcomes(node, noise, S), table.values.numpy(), out)
    return out[:, None]


def slopes_at(which: np.ndarray, table: CostTable, theta: Choices, N: int) -> np.ndarray:
    """Return the slopes of a separable cost at outcomes [S, V, M] of N draws, in theta's dtype [S, V, width, N]."""
    out = empty((*which.shape[:2], theta.width, N), theta.dtype)
    _slopes_at(which, slope_rows(table), out)
    return out


@lru_cache(maxsize=16)
def slope_rows(table: CostTable) -> np.ndarray:
    """Return the slopes of a separable cost at every outcome, as ``rows``."""
    assert table.slopes is not None
    return _padded(table.slopes.numpy())


def _padded(table: np.ndarray) -> np.ndarray:
    width = table.shape[-1]
    return np.pad(table, ((0, 0), (0, 0), (0, -width % lanes(table.dtype))))


@kernel
def _average(which, table, out):  # type: ignore[no-untyped-def]
    (S, V, _), W, N = which.shape, table.shape[2], out.shape[1]
    width, share, tile = len(out) // V, out.dtype.type(1 / S), np.empty((W, TILE), out.dtype)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        for v in range(V):
            for s in range(S):
                columns(table[v], which[s, v, first : first + filled(m)], width, tile)
                for c in range(width):
                    sums, value = out[v * width + c, first : first + m], tile[c]
                    if s == 0:
                        for n in range(m):
                            sums[n] = share * value[n]
                    else:
                        for n in range(m):
                            sums[n] += share * value[n]


@kernel
def _sum(key, block, stride, start, least, bounds, coins, S, tables, memory, cells):  # type: ignore[no-untyped-def]
    (T, n), V, N = cells.shift.shape, len(least), cells.sq.shape[1]
    M = memory.size // (T * n)
    which = np.empty((S, V, filled(M)), np.int32)
    for first in range(0, N, M):
        m = min(M, N - first)
        out = memory[: n * m].reshape(n, m)
        tell(key, block, stride, start + first, least, bounds, coins, which)
        for t in range(T):
            _average(which, tables[t], out)
            add_to(cells, t, out.reshape(out.size), m, first, m)


@kernel
def _weigh(which, weights, table, out):  # type: ignore[no-untyped-def]
    (S, V, _), W, N = which.shape, table.shape[2], out.shape[1]
    B, width, tile = weights.shape[1], len(out) // V, np.empty((W, TILE), out.dtype)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        for v in range(V):
            for s in range(S):
                columns(table[v], which[s, v, first : first + filled(m)], width, tile)
                weight = weights[s, v * B // V, first : first + m]
                for c in range(width):
                    sums, value = out[v * width + c, first : first + m], tile[c]
                    if s == 0:
                        for n in range(m):
                            sums[n] = weight[n] * value[n]
                    else:
                        for n in range(m):
                            sums[n] += weight[n] * value[n]


@kernel
def _costs(which, values, out):  # type: ignore[no-untyped-def]
    S, N = out.shape
    for s in range(S):
        f = out[s]
        for v in range(len(values)):
            here, value = which[s, v], values[v]
            if v == 0:
                for n in range(N):
                    f[n] = value[here[n]]
            elif len(value) == 2:
                low, high = value
                for n in range(N):
                    f[n] += high if here[n] else low
            else:
                for n in range(N):
                    f[n] += value[here[n]]


@kernel
def _slopes_at(which, slopes, out):  # type: ignore[no-untyped-def]
    S, V, width, N = out.shape
    tile = np.empty((slopes.shape[2], TILE), out.dtype)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        for s in range(S):
            for v in range(V):
                columns(slopes[v], which[s, v, first : first + filled(m)], width, tile)
                for c in range(width):
                    out[s, v, c, first : first + m] = tile[c, :m]
