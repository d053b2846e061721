"""Kernels of Gumbel-Rao: the conditional noise is drawn where it is used, tile by tile, and never stored."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import choices, draws_last, empty
from .compiled import kernel
from .draw import outcomes
from .elementary import log
from .gumbel import pull_back_weights, tile, weigh
from .logistic import TILE
from .lookup import slopes_at
from .noise import KernelNoise, every_odds, exponentials
from .philox import filled
from .rates import whole_rate
from .table import CostTable


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
    theta, C = choices(node), conditional_samples
    law, average = ("uniform", _of_coins) if isinstance(node, Bernoulli) else ("exponential", _of_choices)
    key = noise.key(law, "conditional", (len(which), C, *theta.shape))
    out, number = empty((theta.V * theta.width, noise.rows), theta.dtype), theta.dtype.type
    whole, rate, scale = whole_rate(temperature), number(1 / temperature), number(1 / (len(which) * C * temperature))
    place = key, noise.block, noise.stride, noise.first
    average(*place, theta.probs, theta.log_probs, which, slopes, C, whole, rate, scale, out)
    return theta.draws(out)


@kernel
def _of_choices(  # type: ignore[no-untyped-def]
    key, block, stride, start, probs, log_probs, which, slopes, C, whole, rate, scale, out
):
    (S, V, K, _), N = slopes.shape, out.shape[1]
    T, number = tile(K), out.dtype
    word, E, shown = np.empty(T, np.uint32), np.empty((K, T), np.float32), np.empty(T, np.int32)
    E_D, log_E_D, level = np.empty(T, number), np.empty(T, number), np.full(T, number.type(whole > 0))
    w, total, dot = np.empty((K, T), number), np.empty(T, number), np.empty(T, number)
    for first in range(0, N, T):
        m = min(T, N - first)
        full = filled(m)
        for v in range(V):
            for s in range(S):
                shown[:m] = which[s, v, first : first + m]
                for c in range(C):
                    for k in range(K):
                        place = (((s * C + c) * V + v) * K + k) * stride + start + first
                        exponentials(key, block, place, word[:full], E[k, :full])
                    _relax(E, shown[:m], probs[v], log_probs[v], whole, rate, level[:m], E_D, log_E_D, w)
                    pull_back_weights(w, 0, slopes[s, v], first, m, scale, s + c > 0, dot, total, out, v * K, first)


@kernel
def _relax(E, shown, probs, log_probs, whole, rate, level, E_D, log_E_D, w):  # type: ignore[no-untyped-def]
    """Set ``w`` [K, m] to exp((z_k - z_D) / tau), z given D: 1 at k = D, else (p_k E_D / (E_k + p_k E_D))^(1/tau).

    Args:
        E: exponentials [K, m].
        shown: D, int32 [m].
        probs, log_probs: of the classes [K].
        whole, rate: 1 / tau; see ``gumbel.weigh``.
        level: of no effect there [m].
        E_D, log_E_D: [m], overwritten.
        w: [K, m].
    """
    m, one, zero = shown.size, probs.dtype.type(1), probs.dtype.type(0)
    row = np.empty(m, probs.dtype)
    for k in range(len(E)):
        e, this = E[k], np.int32(k)
        for i in range(m):
            here, before = e[i], E_D[i]
            E_D[i] = here if shown[i] == this else before
    if whole == 0:
        for i in range(m):
            log_E_D[i] = log(E_D[i])
    for k in range(len(E)):
        e, p, log_p, this = E[k], probs[k], log_probs[k], np.int32(k)
        if whole > 0:
            for i in range(m):
                ours = p * E_D[i]
                ratio = ours / (e[i] + ours)
                row[i] = one if shown[i] == this else ratio
        else:
            for i in range(m):
                below = log_p + log_E_D[i] - log(e[i] + p * E_D[i])
                row[i] = zero if shown[i] == this else below
        weigh(row, level, log_p, whole, rate, w[k, :m])


@kernel
def _of_coins(  # type: ignore[no-untyped-def]
    key, block, stride, start, probs, log_probs, which, slopes, C, whole, rate, scale, out
):
    """Set ``out`` to mean_k y_k (1 - y_k) f' / tau with y = sigmoid(z / tau), z given D, of which |z| alone counts.

    With odds (1 - u) / u and r the probability of the other side, |z| = log(1 + odds / r) = log(odds + r) - log r.
    """
    (S, V, _, _), N = slopes.shape, out.shape[1]
    one = out.dtype.type(1)
    word, odds, level = np.empty(TILE, np.uint32), np.empty(TILE, out.dtype), np.full(TILE, out.dtype.type(whole > 0))
    row, t, sums = np.empty(TILE, out.dtype), np.empty(TILE, out.dtype), np.empty(TILE, out.dtype)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        full = filled(m)
        for v in range(V):
            q, p, log_q, log_p = probs[v, 0], probs[v, 1], log_probs[v, 0], log_probs[v, 1]
            total = out[v, first : first + m]
            total[:] = 0
            if log_p == -np.inf:
                continue
            for s in range(S):
                shown, slope = which[s, v, first : first + m], slopes[s, v, 0, first : first + m]
                sums[:m] = 0
                for c in range(C):
                    number = ((s * C + c) * V + v) * stride + start + first
                    every_odds(key, block, number, word[:full], odds[:full])
                    if whole > 0:
                        for i in range(m):
                            r = q if shown[i] == 1 else p
                            row[i] = r / (odds[i] + r)
                    else:
                        for i in range(m):
                            up = shown[i] == 1
                            r, log_r = q if up else p, log_q if up else log_p
                            row[i] = log_r - log(odds[i] + r)
                    weigh(row[:m], level[:m], log_p, whole, rate, t[:m])
                    for i in range(m):
                        sums[i] += t[i] / ((one + t[i]) * (one + t[i]))
                for i in range(m):
                    total[i] += scale * sums[i] * slope[i]
