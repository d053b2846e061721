"""Kernels of the pathwise estimator on Normal variables, fused where the cost is a polynomial in each."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..families.normal import Normal
from .arrays import transposed, zeros
from .compiled import kernel
from .noise import KernelNoise, normals
from .table import Polynomial

TILE = 512  # draws


def sample(node: Normal, noise: KernelNoise, S: int) -> Tensor:
    """Return x = mu + sigma e [N, S, *B, D]."""
    loc, scale = _rows(node)
    out = zeros((S * loc.size, noise.rows), loc.dtype)
    _sample(noise.key("normal", "x", (S, *node.loc.shape)), noise.block, noise.stride, loc, scale, out)
    return torch.from_numpy(transposed(out)).reshape(noise.rows, S, *node.loc.shape)


def combine(node: Normal, noise: KernelNoise, x: Tensor, values: Tensor | None, slopes: Tensor) -> Tensor:
    """Return mean_i f'(x_i) in the location and mean_i f'(x_i) (x_i - mu) / sigma in the scale."""
    loc, scale = _rows(node)
    at, slope = (transposed(np.ascontiguousarray(each.detach().reshape(len(x), -1).numpy())) for each in (x, slopes))
    out = zeros((node.theta.numel(), noise.rows), loc.dtype)
    _combine(at, slope, loc, scale, node.theta.shape[-1], out)
    return _draws(out, node)


def fused(node: Normal, noise: KernelNoise, cost: Polynomial, S: int) -> Tensor:
    """Return the draws of sample and combine for f(x) = sum_d sum_m c_dm x_d^m."""
    loc, scale = _rows(node)
    out = zeros((node.theta.numel(), noise.rows), loc.dtype)
    slope = cost.slope.to(node.theta.dtype).contiguous().numpy()
    _fused(noise.key("normal", "x", (S, *node.loc.shape)), noise.block, noise.stride, loc, scale, slope, S, out)
    return _draws(out, node)


def _rows(node: Normal) -> tuple[np.ndarray, np.ndarray]:
    """Return mu and sigma of all variables in a row [V]."""
    return tuple(each.detach().reshape(-1).numpy() for each in (node.loc, node.scale))  # type: ignore[return-value]


def _draws(out: np.ndarray, node: Normal) -> Tensor:
    """Return gradients [entries of theta, N] as draws [N, *B, 2, D]."""
    return torch.from_numpy(out).T.unflatten(1, tuple(node.theta.shape))


@kernel
def _sample(key, block, stride, loc, scale, out):  # type: ignore[no-untyped-def]
    V, N = loc.size, out.shape[1]
    word, e = np.empty(TILE, np.uint32), np.empty(TILE, np.float32)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for j in range(len(out)):
            mu, sigma, x = loc[j % V], scale[j % V], out[j, first : first + m]
            normals(key, block, j * stride + first, word[:filled], e[:filled])
            for i in range(m):
                x[i] = mu + sigma * e[i]


@kernel
def _combine(points, slopes, loc, scale, D, out):  # type: ignore[no-untyped-def]
    V, N = loc.size, out.shape[1]
    share = loc.dtype.type(V / len(points))  # 1 / S
    for j in range(len(points)):
        v = j % V
        mu, rate, x, slope = loc[v], share / scale[v], points[j], slopes[j]
        row = v // D * 2 * D + v % D
        in_loc, in_scale = out[row], out[row + D]
        for i in range(N):
            in_loc[i] += share * slope[i]
            in_scale[i] += rate * slope[i] * (x[i] - mu)


@kernel
def _fused(key, block, stride, loc, scale, coefficients, S, out):  # type: ignore[no-untyped-def]
    """Add mean_i f'(x_i) (1, e_i), f' by Horner's rule from its coefficients [D, M]."""
    V, N, (D, M) = loc.size, out.shape[1], coefficients.shape
    word, e = np.empty(TILE, np.uint32), np.empty(TILE, np.float32)
    x, slope = np.empty(TILE, loc.dtype), np.empty(TILE, loc.dtype)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for j in range(S * V):
            v = j % V
            mu, sigma, row = loc[v], scale[v], v // D * 2 * D + v % D
            normals(key, block, j * stride + first, word[:filled], e[:filled])
            for i in range(m):
                x[i] = mu + sigma * e[i]
            slope[:m] = coefficients[v % D, M - 1]
            for power in range(M - 2, -1, -1):
                c = coefficients[v % D, power]
                for i in range(m):
                    slope[i] = slope[i] * x[i] + c
            in_loc, in_scale = out[row, first : first + m], out[row + D, first : first + m]
            share = loc.dtype.type(1) / S
            for i in range(m):
                part = loc.dtype.type(share) * slope[i]
                in_loc[i] += part
                in_scale[i] += part * e[i]
