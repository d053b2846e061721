"""Kernels of Gumbel-Rao: the conditional noise is drawn where it is used, tile by tile, and never stored."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import choices, draws_last, zeros
from .compiled import kernel
from .draw import outcomes
from .elementary import exp, log
from .lookup import slopes_at
from .noise import KernelNoise, every_odds, exponentials
from .table import CostTable

TILE = 128  # draws: the K rows of four arrays stay in the nearest cache


def combine(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    x: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    temperature: float,
    conditional_samples: int = 10,
) -> Tensor:
    """Return mean_i mean_k J(y_ik) f'(D_i) / tau, y_ik = softmax((phi + G_ik) / tau), G_ik given D_i."""
    theta = choices(node)
    hot = draws_last(x, theta) > 0.5
    which = hot[:, :, 0] if theta.width == 1 else hot.argmax(2)
    return _averaged(node, noise, which.astype(np.int32), draws_last(slopes, theta), temperature, conditional_samples)


def fused(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    table: CostTable,
    S: int,
    *,
    temperature: float,
    conditional_samples: int = 10,
) -> Tensor:
    """Return the draws of ``combine`` at the points of ``node.draw``, for a separable cost."""
    which = outcomes(node, noise, S)
    slopes = slopes_at(which, table, choices(node), noise.rows)
    return _averaged(node, noise, which, slopes, temperature, conditional_samples)


def _averaged(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    which: np.ndarray,
    slopes: np.ndarray,
    temperature: float,
    conditional_samples: int,
) -> Tensor:
    """Return the gradient draws, given outcomes [S, V, N or more] and the slopes there [S, V, width, N]."""
    theta = choices(node)
    law, average = ("uniform", _of_coins) if isinstance(node, Bernoulli) else ("exponential", _of_choices)
    key = noise.key(law, "conditional", (len(which), conditional_samples, *theta.shape))
    out = zeros((theta.V * theta.width, noise.rows), theta.dtype)
    tau = theta.dtype.type(temperature)
    average(key, noise.block, noise.stride, theta.probs, theta.log_probs, which, slopes, conditional_samples, tau, out)
    return theta.draws(out)


@kernel
def _of_choices(key, block, stride, probs, log_probs, which, slopes, C, temperature, out):  # type: ignore[no-untyped-def]
    S, V, K, N = slopes.shape
    scale = 1 / (S * C * temperature)
    word, E, shown = np.empty(TILE, np.uint32), np.empty((K, TILE), np.float32), np.empty(TILE, np.int32)
    E_D, log_E_D = np.empty(TILE, probs.dtype), np.empty(TILE, probs.dtype)
    y, total, dot = np.empty((K, TILE), probs.dtype), np.empty(TILE, probs.dtype), np.empty(TILE, probs.dtype)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for s in range(S):
            for v in range(V):
                shown[:m] = which[s, v, first : first + m]
                for c in range(C):
                    for k in range(K):
                        number = (((s * C + c) * V + v) * K + k) * stride + first
                        exponentials(key, block, number, word[:filled], E[k, :filled])
                    _relax(E, shown[:m], probs[v], log_probs[v], temperature, E_D, log_E_D, y)
                    _add_pullback(y, slopes[s, v], first, m, scale, total, dot, v * K, out)


@kernel
def _relax(E, shown, probs, log_probs, temperature, E_D, log_E_D, y):  # type: ignore[no-untyped-def]
    """Set ``y`` [K, m] to exp((z_k - z_D) / tau), z given D: 1 at k = D, else (p_k E_D / (E_k + p_k E_D))^(1/tau).

    Args:
        E: exponentials [K, m].
        shown: D, int32 [m].
        probs, log_probs: of the classes [K].
        temperature: tau, in the working dtype.
        E_D, log_E_D: [m], overwritten.
        y: [K, m].
    """
    m, one, rate = shown.size, probs.dtype.type(1), probs.dtype.type(1) / temperature
    for k in range(len(E)):
        e, this = E[k], np.int32(k)
        for i in range(m):
            here, before = e[i], E_D[i]
            E_D[i] = here if shown[i] == this else before
    if temperature == one:
        for k in range(len(E)):
            e, p, here, this = E[k], probs[k], y[k], np.int32(k)
            for i in range(m):
                ours = p * E_D[i]
                here[i] = one if shown[i] == this else ours / (e[i] + ours)
    else:
        for i in range(m):
            log_E_D[i] = log(E_D[i])
        for k in range(len(E)):
            e, p, log_p, here, this = E[k], probs[k], log_probs[k], y[k], np.int32(k)
            if log_p == -np.inf:
                for i in range(m):
                    here[i] = 0
                continue
            for i in range(m):
                below = log_p + log_E_D[i] - log(e[i] + p * E_D[i])
                here[i] = one if shown[i] == this else exp(below * rate)


@kernel
def _add_pullback(y, slopes, first, m, scale, total, dot, row, out):  # type: ignore[no-untyped-def]
    """Add scale (diag(y) - y y^T) f' to rows of the gradient [rows, N], y [K, m] yet to be divided by its sum."""
    total[:m] = 0
    dot[:m] = 0
    for k in range(len(y)):
        here, slope = y[k], slopes[k, first : first + m]
        for i in range(m):
            total[i] += here[i]
            dot[i] += here[i] * slope[i]
    for i in range(m):
        dot[i] /= total[i]
        total[i] = scale / total[i]
    for k in range(len(y)):
        here, slope, sums = y[k], slopes[k, first : first + m], out[row + k, first : first + m]
        for i in range(m):
            sums[i] += total[i] * here[i] * (slope[i] - dot[i])


@kernel
def _of_coins(key, block, stride, probs, log_probs, which, slopes, C, temperature, out):  # type: ignore[no-untyped-def]
    """Add mean_k y_k (1 - y_k) f' / tau with y = sigmoid(z / tau), z given D, of which |z| alone counts.

    With odds (1 - u) / u and r the probability of the other side, |z| = log(1 + odds / r) = log(odds + r) - log r.
    """
    S, V, _, N = slopes.shape
    one, rate = probs.dtype.type(1), probs.dtype.type(1) / temperature
    scale = 1 / (S * C * temperature)
    word, odds, sums = np.empty(TILE, np.uint32), np.empty(TILE, probs.dtype), np.empty(TILE, probs.dtype)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for s in range(S):
            for v in range(V):
                q, p, log_q, log_p = probs[v, 0], probs[v, 1], log_probs[v, 0], log_probs[v, 1]
                if log_p == -np.inf:
                    continue
                shown, slope = which[s, v, first : first + m], slopes[s, v, 0, first : first + m]
                total = out[v, first : first + m]
                sums[:m] = 0
                for c in range(C):
                    number = ((s * C + c) * V + v) * stride + first
                    every_odds(key, block, number, word[:filled], odds[:filled])
                    for i in range(m):
                        up = shown[i] == 1
                        r, log_r = q if up else p, log_q if up else log_p
                        t = exp((log_r - log(odds[i] + r)) * rate)
                        sums[i] += t / ((one + t) * (one + t))
                for i in range(m):
                    total[i] += scale * sums[i] * slope[i]
