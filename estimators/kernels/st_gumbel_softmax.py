"""Kernels of straight-through Gumbel-Softmax on choices and coins."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import choices, draws_last, event, logits, points, zeros
from .compiled import kernel
from .gumbel import TILE, add_pullback, hardest, soften
from .logistic import flatten, perturb
from .noise import KernelNoise, exponentials
from .table import CostTable


def sample(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> Tensor:
    """Return D = argmax(log p + G) as one-hot points, of coins 1[phi + L > 0] [N, S, *B, *event]."""
    theta, shape = choices(node), (S, *node.theta.shape)
    if isinstance(node, Bernoulli):
        last = zeros((S, theta.V, 1, noise.rows), theta.dtype)
        _sample_coins(noise.key("uniform", "x", shape), noise.block, noise.stride, logits(node), last)
        return points(last, theta)
    out = zeros((noise.rows, S, theta.V, theta.J), theta.dtype)
    _sample(noise.draws_last("exponential", shape), theta.probs, out)
    return event(out, theta)


def combine(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    x: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    temperature: float,
) -> Tensor:
    """Return mean_i J(y_i) f'(D_i) / tau, y = softmax((log p + G) / tau)."""
    theta, shape = choices(node), (x.shape[1], *node.theta.shape)
    last, tau = draws_last(slopes, theta), theta.dtype.type(temperature)
    out = zeros((theta.V * theta.width, noise.rows), theta.dtype)
    if isinstance(node, Bernoulli):
        _combine_coins(noise.key("uniform", "x", shape), noise.block, noise.stride, logits(node), last, tau, out)
    else:
        _combine(noise.draws_last("exponential", shape), theta.probs, theta.log_probs, last, tau, out)
    return theta.draws(out)


def fused(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int, *, temperature: float) -> Tensor:
    """Return the draws of sample and combine for a separable cost, from noise to gradient tile by tile."""
    assert table.slopes is not None
    theta, shape = choices(node), (S, *node.theta.shape)
    slopes, tau = table.slopes.transpose(1, 2).contiguous().numpy(), theta.dtype.type(temperature)
    out = zeros((theta.V * theta.width, noise.rows), theta.dtype)
    if isinstance(node, Bernoulli):
        _fused_coins(noise.key("uniform", "x", shape), noise.block, noise.stride, logits(node), slopes, S, tau, out)
    else:
        key = noise.key("exponential", "x", shape)
        _fused(key, noise.block, noise.stride, theta.probs, theta.log_probs, slopes, S, tau, out)
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


@kernel
def _sample_coins(key, block, stride, logits, out):  # type: ignore[no-untyped-def]
    S, V, _, N = out.shape
    word, odds, z = np.empty(TILE, np.uint32), np.empty(TILE, logits.dtype), np.empty(TILE, logits.dtype)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for s in range(S):
            for v in range(V):
                if logits[v] > -np.inf:
                    perturb(key, block, (s * V + v) * stride + first, word[:filled], odds[:filled], logits[v], z[:m])
                    out[s, v, 0, first : first + m] = z[:m] > 0


@kernel
def _combine_coins(key, block, stride, logits, slopes, temperature, out):  # type: ignore[no-untyped-def]
    """Add mean_i y_i (1 - y_i) f' / tau, y (1 - y) = t / (1 + t)^2 with t of ``flatten``."""
    S, V, _, N = slopes.shape
    one, scale = logits.dtype.type(1), 1 / (S * temperature)
    word, odds, z = np.empty(TILE, np.uint32), np.empty(TILE, logits.dtype), np.empty(TILE, logits.dtype)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for s in range(S):
            for v in range(V):
                if logits[v] > -np.inf:
                    perturb(key, block, (s * V + v) * stride + first, word[:filled], odds[:filled], logits[v], z[:m])
                    flatten(z[:m], temperature)
                    slope, sums = slopes[s, v, 0, first : first + m], out[v, first : first + m]
                    for i in range(m):
                        t = z[i]
                        sums[i] += scale * t / ((one + t) * (one + t)) * slope[i]


@kernel
def _fused_coins(key, block, stride, logits, slopes, S, temperature, out):  # type: ignore[no-untyped-def]
    V, N = out.shape
    one, scale = logits.dtype.type(1), 1 / (S * temperature)
    word, odds, z = np.empty(TILE, np.uint32), np.empty(TILE, logits.dtype), np.empty(TILE, logits.dtype)
    slope = np.empty(TILE, logits.dtype)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for s in range(S):
            for v in range(V):
                if logits[v] > -np.inf:
                    perturb(key, block, (s * V + v) * stride + first, word[:filled], odds[:filled], logits[v], z[:m])
                    at_0, at_1 = slopes[v, 0, 0], slopes[v, 0, 1]
                    for i in range(m):
                        slope[i] = at_1 if z[i] > 0 else at_0
                    flatten(z[:m], temperature)
                    sums = out[v, first : first + m]
                    for i in range(m):
                        t = z[i]
                        sums[i] += scale * t / ((one + t) * (one + t)) * slope[i]
