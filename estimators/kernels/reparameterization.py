"""Kernels of the pathwise estimator on Normal variables, fused where the cost is a polynomial in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..families.normal import Normal
from .arrays import empty, transposed
from .cells import Sums, add_to, tile_memory
from .compiled import kernel
from .noise import KernelNoise, normals
from .philox import filled
from .table import Polynomial


def sample(node: Normal, noise: KernelNoise, S: int) -> Tensor:
    """Return x = mu + sigma e [N, S, *B, D]."""
    loc, scale = _rows(node)
    out = empty((S * loc.size, noise.rows), loc.dtype)
    word = np.empty(noise.width, np.uint32)
    _sample(_key(node, noise, S), noise.block, noise.stride, noise.first, word, loc, scale, out)
    return torch.from_numpy(transposed(out)).reshape(noise.rows, S, *node.loc.shape)


def combine(node: Normal, noise: KernelNoise, x: Tensor, values: Tensor | None, slopes: Tensor) -> Tensor:
    """Return mean_i f'(x_i) in the location and mean_i f'(x_i) (x_i - mu) / sigma in the scale."""
    loc, scale = _rows(node)
    at, slope = (transposed(np.ascontiguousarray(each.detach().reshape(len(x), -1).numpy())) for each in (x, slopes))
    out = empty((node.theta.numel(), noise.rows), loc.dtype)
    _combine(at, slope, loc, scale, node.theta.shape[-1], out)
    return _draws(out, node)


def fused(node: Normal, noise: KernelNoise, cost: Polynomial, S: int) -> Tensor:
    """Return the draws of sample and combine for f(x) = sum_d sum_m c_dm x_d^m."""
    loc, scale = _rows(node)
    out = empty((2 * loc.size, noise.rows), loc.dtype)
    place = _key(node, noise, S), noise.block, noise.stride, noise.first
    _fused(*place, loc, scale, _shares(cost, loc.dtype, S), S, out)
    return _draws(out, node)


def summed(
    node: Normal, noise: KernelNoise, cost: Polynomial, S: int, configs: Sequence[Mapping[str, Any]], cells: Sums
) -> None:
    """Add the draws of ``fused``, which has no config, to the sums of each cell."""
    loc, scale = _rows(node)
    place = _key(node, noise, S), noise.block, noise.stride, noise.first
    _sum(*place, loc, scale, _shares(cost, loc.dtype, S), S, tile_memory(cells, loc.dtype), cells)


def _key(node: Normal, noise: KernelNoise, S: int) -> np.ndarray:
    return noise.key("normal", "x", (S, *node.loc.shape))


@lru_cache(maxsize=16)
def _rows(node: Normal) -> tuple[np.ndarray, np.ndarray]:
    """Return mu and sigma of all variables in a row [V]."""
    return tuple(each.detach().reshape(-1).numpy() for each in (node.loc, node.scale))  # type: ignore[return-value]


@lru_cache(maxsize=16)
def _shares(cost: Polynomial, dtype: np.dtype, S: int) -> np.ndarray:
    """Return the coefficients of df/dx_d / S [D, M], lowest power first."""
    return (cost.slope.numpy() / S).astype(dtype)


def _draws(out: np.ndarray, node: Normal) -> Tensor:
    """Return gradients [entries of theta, N] as draws [N, *B, 2, D]."""
    axes = node.theta.ndim
    return torch.from_numpy(out.reshape(*node.theta.shape, -1).transpose(axes, *range(axes)))


@kernel
def _sample(key, block, stride, first, word, loc, scale, out):  # type: ignore[no-untyped-def]
    V, N = loc.size, out.shape[1]
    e = np.empty(word.size, np.float32)
    for j in range(len(out)):
        mu, sigma, x = loc[j % V], scale[j % V], out[j]
        normals(key, block, j * stride + first, word, e)
        for n in range(N):
            x[n] = mu + sigma * e[n]


@kernel
def _combine(points, slopes, loc, scale, D, out):  # type: ignore[no-untyped-def]
    V, N = loc.size, out.shape[1]
    share = loc.dtype.type(V / len(points))  # 1 / S
    for j in range(len(points)):
        v = j % V
        mu, rate, x, slope = loc[v], share / scale[v], points[j], slopes[j]
        row = v // D * 2 * D + v % D
        in_loc, in_scale = out[row], out[row + D]
        if j < V:
            in_loc[:], in_scale[:] = 0, 0
        for n in range(N):
            in_loc[n] += share * slope[n]
            in_scale[n] += rate * slope[n] * (x[n] - mu)


@kernel
def _fused(key, block, stride, first, loc, scale, shares, S, out):  # type: ignore[no-untyped-def]
    """Set sum_i g(x_i) (1, e_i), g = f' / S by Horner's rule from its coefficients [D, M]."""
    V, N, (D, M) = loc.size, out.shape[1], shares.shape
    word, e, slope = np.empty(filled(N), np.uint32), np.empty(filled(N), np.float32), np.empty(N, loc.dtype)
    for j in range(S * V):
        v = j % V
        mu, sigma, row, c = loc[v], scale[v], v // D * 2 * D + v % D, shares[v % D]
        normals(key, block, j * stride + first, word, e)
        if M == 1:
            slope[:] = c[0]
        else:  # the two highest together: a quadratic cost has no others
            high, low = c[M - 1], c[M - 2]
            for n in range(N):
                slope[n] = low + high * (mu + sigma * e[n])
        for power in range(M - 3, -1, -1):
            low = c[power]
            for n in range(N):
                slope[n] = low + slope[n] * (mu + sigma * e[n])
        in_loc, in_scale = out[row], out[row + D]
        if j < V:
            for n in range(N):
                in_loc[n], in_scale[n] = slope[n], slope[n] * e[n]
        else:
            for n in range(N):
                in_loc[n] += slope[n]
                in_scale[n] += slope[n] * e[n]


@kernel
def _sum(key, block, stride, start, loc, scale, shares, S, memory, cells):  # type: ignore[no-untyped-def]
    (T, n), N = cells.shift.shape, cells.sq.shape[1]
    M = memory.size // (T * n)
    for first in range(0, N, M):
        m = min(M, N - first)
        out = memory[: n * m].reshape(n, m)
        _fused(key, block, stride, start + first, loc, scale, shares, S, out)
        for t in range(T):
            add_to(cells, t, out.reshape(out.size), m, first, m)
