"""Kernels of straight-through Gumbel-Softmax on categorical variables."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..families.categorical import Categorical
from .arrays import choices, draws_last, event, zeros
from .compiled import kernel
from .gumbel import TILE, add_pullback, hardest, soften
from .noise import KernelNoise, exponentials
from .table import CostTable


def sample(node: Categorical, noise: KernelNoise, S: int) -> Tensor:
    """Return D = argmax(log p + G) as one-hot points [N, S, *B, D, K]."""
    theta = choices(node)
    E = noise.draws_last("exponential", (S, *theta.shape))
    out = zeros((noise.rows, S, theta.V, theta.J), theta.dtype)
    _sample(E, theta.probs, out)
    return event(out, theta)


def combine(
    node: Categorical, noise: KernelNoise, x: Tensor, values: Tensor | None, slopes: Tensor, *, temperature: float
) -> Tensor:
    """Return mean_i J(y_i) f'(D_i) / tau, y = softmax((log p + G) / tau)."""
    theta, S = choices(node), x.shape[1]
    E = noise.draws_last("exponential", (S, *theta.shape))
    out = zeros((theta.V * theta.J, noise.rows), theta.dtype)
    _combine(E, theta.probs, theta.log_probs, draws_last(slopes, theta), theta.dtype.type(temperature), out)
    return theta.draws(out)


def fused(node: Categorical, noise: KernelNoise, table: CostTable, S: int, *, temperature: float) -> Tensor:
    """Return the draws of sample and combine for a separable cost, from noise to gradient tile by tile."""
    assert table.slopes is not None
    theta = choices(node)
    shape = (S, *theta.shape)
    out = zeros((theta.V * theta.J, noise.rows), theta.dtype)
    _fused(
        noise.key("exponential", "x", shape),
        noise.block,
        noise.stride,
        theta.probs,
        theta.log_probs,
        table.slopes.transpose(1, 2).contiguous().numpy(),
        S,
        theta.dtype.type(temperature),
        out,
    )
    return theta.draws(out)


@kernel
def _sample(E, probs, out):  # type: ignore[no-untyped-def]
    N, S, V, K = out.shape
    ratio, which = np.empty(TILE, probs.dtype), np.empty(TILE, np.int32)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        for s in range(S):
            for v in range(V):
                hardest(E, (s * V + v) * K, first, m, probs[v], ratio, which)
                for i in range(m):
                    out[first + i, s, v, which[i]] = 1


@kernel
def _combine(E, probs, log_probs, slopes, temperature, out):  # type: ignore[no-untyped-def]
    S, V, K, N = slopes.shape
    scale = 1 / (S * temperature)
    most, total, dot = np.empty(TILE, probs.dtype), np.empty(TILE, probs.dtype), np.empty(TILE, probs.dtype)
    which = np.empty(TILE, np.int32)
    y, slope = np.empty((K, TILE), probs.dtype), np.empty((K, TILE), probs.dtype)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        for s in range(S):
            for v in range(V):
                soften(E, (s * V + v) * K, first, m, probs[v], log_probs[v], temperature, most, which, total, y)
                for k in range(K):
                    slope[k, :m] = slopes[s, v, k, first : first + m]
                add_pullback(y, slope, scale, m, dot, first, v * K, out)


@kernel
def _fused(key, block, stride, probs, log_probs, slopes, S, temperature, out):  # type: ignore[no-untyped-def]
    N, (V, K) = out.shape[1], probs.shape
    scale = 1 / (S * temperature)
    word, E, which = np.empty(TILE, np.uint32), np.empty((K, TILE), np.float32), np.empty(TILE, np.int32)
    most, total, dot = np.empty(TILE, probs.dtype), np.empty(TILE, probs.dtype), np.empty(TILE, probs.dtype)
    y, slope = np.empty((K, TILE), probs.dtype), np.empty((K, TILE), probs.dtype)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for s in range(S):
            for v in range(V):
                for k in range(K):
                    exponentials(key, block, ((s * V + v) * K + k) * stride + first, word[:filled], E[k, :filled])
                soften(E, 0, 0, m, probs[v], log_probs[v], temperature, most, which, total, y)
                for k in range(K):
                    column = slopes[v, k]
                    for i in range(m):
                        slope[k, i] = column[which[i]]
                add_pullback(y, slope, scale, m, dot, first, v * K, out)
