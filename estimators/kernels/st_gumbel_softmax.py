"""Kernels of straight-through Gumbel-Softmax on choices and coins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import Choices, choices, draws_last, empty, event, logits, points, zeros
from .cells import Sums, add_to, tile_memory
from .compiled import kernel
from .draw import as_one_hot
from .gumbel import finish, finish_logs, powers, pull_back, pull_back_weights, race, run, stream, tile, weigh
from .logistic import TILE, flatten, perturbed
from .lookup import slope_rows, slopes_at
from .noise import KernelNoise
from .philox import filled
from .rates import whole_rate
from .table import CostTable
from .turning import columns


def sample(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> Tensor:
    """Return D = argmax(log p + G) as one-hot points, of coins 1[phi + L > 0] [N, S, *B, *event]."""
    theta = choices(node)
    if isinstance(node, Bernoulli):
        last = empty((S, theta.V, 1, noise.rows), theta.dtype)
        _show(perturbed(node, noise, S), last[:, :, 0])
        return points(last, theta)
    out = zeros((noise.rows, S, theta.V, theta.J), theta.dtype)
    as_one_hot(race(node, noise, S)[2], out)
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
    theta = choices(node)
    return _gradient(node, noise, theta, draws_last(slopes, theta), temperature)


def fused(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int, *, temperature: float) -> Tensor:
    """Return the draws of sample and combine for a separable cost."""
    theta = choices(node)
    if isinstance(node, Bernoulli):
        z = perturbed(node, noise, S)
        up = empty(z.shape, np.int32)
        _show(z, up)
        return _gradient(node, noise, theta, slopes_at(up, table, theta, noise.rows), temperature)
    out = empty((theta.V * theta.J, noise.rows), theta.dtype)
    _sweep(*_data(node, noise, table, S, [temperature]), out[None])
    return theta.draws(out)


def summed(
    node: Categorical,
    noise: KernelNoise,
    table: CostTable,
    S: int,
    configs: Sequence[Mapping[str, Any]],
    cells: Sums,
) -> None:
    """Add the draws of ``fused`` at each temperature to sums."""
    data = _data(node, noise, table, S, [config["temperature"] for config in configs])
    _sum(*data, tile_memory(cells, choices(node).dtype), cells)


def _data(
    node: Categorical, noise: KernelNoise, table: CostTable, S: int, temperatures: Sequence[float]
) -> tuple[Any, ...]:
    """Return noise, node, slopes and temperatures as ``_sweep`` takes them."""
    theta = choices(node)
    rates = _rates(tuple(temperatures), S, theta.dtype)
    return *stream(node, noise, S), theta.probs, theta.log_probs, slope_rows(table), S, *rates


@lru_cache(maxsize=64)
def _rates(temperatures: tuple[float, ...], S: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 1 / tau as a whole number or 0, 1 / tau, and 1 / (S tau)."""
    return (
        np.array([whole_rate(temperature) for temperature in temperatures]),
        np.array([1 / temperature for temperature in temperatures], dtype),
        np.array([1 / (S * temperature) for temperature in temperatures], dtype),
    )


def _gradient(
    node: Bernoulli | Categorical, noise: KernelNoise, theta: Choices, slopes: np.ndarray, temperature: float
) -> Tensor:
    """Return the gradient draws, given the slopes [S, V, width, N]."""
    S, out = len(slopes), empty((theta.V * theta.width, noise.rows), theta.dtype)
    scale = theta.dtype.type(1 / (S * temperature))
    if isinstance(node, Bernoulli):
        rate = theta.dtype.type(1 / temperature)
        _pull_back_coins(perturbed(node, noise, S), rate, logits(node), slopes[:, :, 0], scale, out)
    else:
        pull_back(*powers(node, noise, S, temperature), theta.log_probs, slopes, scale, out)
    return theta.draws(out)


@kernel
def _sweep(key, block, stride, start, probs, log_probs, slopes, S, wholes, rates, scales, outs):  # type: ignore[no-untyped-def]
    """Set the gradients ``outs`` [T, V K, N] of T temperatures: noise, outcomes and slopes are those of all."""
    (V, K), N, number = probs.shape, outs.shape[2], probs.dtype
    M = tile(K)
    word, E = np.empty(M, np.uint32), np.empty((K, M), np.float32)
    speeds, inverse, which = np.empty((K, M), number), np.empty(M, number), np.empty(M, np.int32)
    z, most, w = np.empty((K, M), number), np.empty(M, number), np.empty((K, M), number)
    slope, dot, total = np.empty((slopes.shape[2], M), number), np.empty(M, number), np.empty(M, number)
    logs = wholes.min() == 0
    for first in range(0, N, M):
        m = min(M, N - first)
        full = filled(m)
        for v in range(V):
            for s in range(S):
                run(key, block, (s * V + v) * K * stride + start + first, stride, word[:full], E)
                finish(E, probs[v], full, speeds, inverse, which, 0)
                if logs:
                    finish_logs(E, log_probs[v], m, z, most, 0)
                columns(slopes[v], which[:full], K, slope)
                for t in range(len(outs)):
                    whole, rate = wholes[t], rates[t]
                    r, level = (speeds, inverse) if whole else (z, most)
                    for k in range(K):
                        weigh(r[k, :m], level[:m], log_probs[v, k], whole, rate, w[k, :m])
                    pull_back_weights(w, 0, slope, 0, m, scales[t], s > 0, dot, total, outs[t], v * K, first)


@kernel
def _sum(key, block, stride, start, probs, log_probs, slopes, S, wholes, rates, scales, memory, cells):  # type: ignore[no-untyped-def]
    """Add the draws of ``_sweep`` to sums, a tile of draws at a time."""
    (T, n), N = cells.shift.shape, cells.sq.shape[1]
    M = memory.size // (T * n)
    for first in range(0, N, M):
        m = min(M, N - first)
        out = memory[: T * n * m].reshape(T, n, m)
        _sweep(key, block, stride, start + first, probs, log_probs, slopes, S, wholes, rates, scales, out)
        for t in range(T):
            add_to(cells, t, out[t].reshape(n * m), m, first, m)


@kernel
def _show(z, out):  # type: ignore[no-untyped-def]
    S, V, N = out.shape
    for s in range(S):
        for v in range(V):
            here, up = z[s, v], out[s, v]
            for n in range(N):
                up[n] = here[n] > 0


@kernel
def _pull_back_coins(z, rate, logits, slopes, scale, out):  # type: ignore[no-untyped-def]
    """Set ``out`` [V, N] to scale sum_s y_s (1 - y_s) f', y (1 - y) = t / (1 + t)^2 with t of ``flatten``."""
    (S, V, _), N = slopes.shape, out.shape[1]
    one, t = out.dtype.type(1), np.empty(TILE, out.dtype)
    for v in range(V):
        out[v] = 0
        if logits[v] == -np.inf:
            continue
        for first in range(0, N, TILE):
            m = min(TILE, N - first)
            sums = out[v, first : first + m]
            for s in range(S):
                flatten(z[s, v, first : first + m], rate, t[:m])
                slope = slopes[s, v, first : first + m]
                for i in range(m):
                    sums[i] += scale * t[i] / ((one + t[i]) * (one + t[i])) * slope[i]
