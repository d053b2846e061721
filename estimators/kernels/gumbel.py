"""The steps of Gumbel methods on variables of K classes; arrays are draws last.

z_k = log p_k - log E_k, E exponential: class k runs at speed p_k / E_k and the fastest is argmax z, so that neither the
outcome nor, where 1 / tau is a small whole number, softmax(z / tau) takes a logarithm. What temperatures share is kept
with the noise.

Rows are cut to the tile before a loop: an index first + i, which for all that numba knows may be negative, would keep
the loop from becoming vectors. Both arms of a choice are loaded before it, or each would be loaded under a mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..families.categorical import Categorical
from .arrays import choices, empty
from .compiled import inlined, kernel
from .elementary import exp, log
from .noise import KernelNoise, exponentials
from .rates import whole_rate

_NEAR = 2**14  # numbers of each array of a tile: they stay in the second cache
_LEAST = -80.0  # log of the weight, of 1 at most, below which a power counts as 0: subnormal numbers are slow


def race(node: Categorical, noise: KernelNoise, S: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the speeds p / E [S, V, K, M], 1 / max_k of them and the first argmax_k [S, V, M], kept with the noise."""
    return noise.kept(("race", node, S), lambda: _raced(node, noise, S))


def powers(node: Categorical, noise: KernelNoise, S: int, temperature: float) -> tuple[Any, ...]:
    """Return ``r``, ``level``, ``whole`` and ``rate`` of ``weigh``: speeds where 1 / tau is whole and small, else z."""
    whole = whole_rate(temperature)
    if whole:
        r, level, _ = race(node, noise, S)
    else:
        r, level = noise.kept(("log race", node, S), lambda: _logs(node, noise, S))
    return r, level, whole, choices(node).dtype.type(1 / temperature)


def stream(node: Categorical, noise: KernelNoise, S: int) -> tuple[np.ndarray, int, int, int]:
    """Return where the race's exponentials stand: key, block, stride and first draw, as kernels take them."""
    return noise.key("exponential", "x", (S, *node.theta.shape)), noise.block, noise.stride, noise.first


def _raced(node: Categorical, noise: KernelNoise, S: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    theta = choices(node)
    speeds = empty((S, theta.V, theta.J, noise.width), theta.dtype)
    inverse = empty((S, theta.V, noise.width), theta.dtype)
    which = empty(inverse.shape, np.int32)
    _race(*stream(node, noise, S), theta.probs, speeds, inverse, which)
    return speeds, inverse, which


def _logs(node: Categorical, noise: KernelNoise, S: int) -> tuple[np.ndarray, np.ndarray]:
    theta = choices(node)
    z = empty((S, theta.V, theta.J, noise.width), theta.dtype)
    most = empty((S, theta.V, noise.width), theta.dtype)
    _log_race(*stream(node, noise, S), theta.log_probs, z, most)
    return z, most


@inlined
def tile(K):  # type: ignore[no-untyped-def]
    """Return the draws of a tile: many, for each loop over them has its price, and few enough for K numbers of each."""
    return max(64, min(1024, _NEAR // K // 64 * 64))


@kernel
def run(key, block, number, stride, word, E):  # type: ignore[no-untyped-def]
    """Fill ``E`` [K, m] with a variable's exponentials, the first class's from position ``number`` of the stream on.

    Args:
        key, block, stride: see ``stream``.
        number: a multiple of 64.
        word: [m], overwritten; m a multiple of 64.
        E: [K, m or more].
    """
    for k in range(len(E)):
        exponentials(key, block, number + k * stride, word, E[k, : word.size])


@kernel
def finish(E, probs, m, speeds, inverse, which, first):  # type: ignore[no-untyped-def]
    """Set a variable's speeds, 1 / their max and the first argmax, of m draws.

    Args:
        E: exponentials [K, m or more].
        probs: [K].
        m: draws.
        speeds: [K, M], of which the draws from ``first`` on are set.
        inverse, which: [M], likewise.
        first: draw.
    """
    one = probs.dtype.type(1)
    most, fastest = inverse[first : first + m], which[first : first + m]
    most[:] = 0
    fastest[:] = 0
    for k in range(len(probs)):
        e, p, this, speed = E[k], probs[k], np.int32(k), speeds[k, first : first + m]
        for i in range(m):
            here, greatest, before = p / e[i], most[i], fastest[i]
            speed[i] = here
            fastest[i] = this if here > greatest else before
            most[i] = max(here, greatest)
    for i in range(m):
        most[i] = one / most[i]


@kernel
def finish_logs(E, log_probs, m, z, most, first):  # type: ignore[no-untyped-def]
    """Set a variable's z and their max, of m draws; see ``finish``."""
    one, greatest = log_probs.dtype.type(1), most[first : first + m]
    greatest[:] = -np.inf
    for k in range(len(log_probs)):
        e, log_p, row = E[k], log_probs[k], z[k, first : first + m]
        for i in range(m):
            here, before = log_p - log(one * e[i]), greatest[i]
            row[i] = here
            greatest[i] = max(here, before)


@kernel
def _race(key, block, stride, start, probs, speeds, inverse, which):  # type: ignore[no-untyped-def]
    S, V, K, M = speeds.shape
    T = tile(K)
    word, E = np.empty(T, np.uint32), np.empty((K, T), np.float32)
    for first in range(0, M, T):
        m = min(T, M - first)
        for s in range(S):
            for v in range(V):
                run(key, block, (s * V + v) * K * stride + start + first, stride, word[:m], E)
                finish(E, probs[v], m, speeds[s, v], inverse[s, v], which[s, v], first)


@kernel
def _log_race(key, block, stride, start, log_probs, z, most):  # type: ignore[no-untyped-def]
    S, V, K, M = z.shape
    T = tile(K)
    word, E = np.empty(T, np.uint32), np.empty((K, T), np.float32)
    for first in range(0, M, T):
        m = min(T, M - first)
        for s in range(S):
            for v in range(V):
                run(key, block, (s * V + v) * K * stride + start + first, stride, word[:m], E)
                finish_logs(E, log_probs[v], m, z[s, v], most[s, v], first)


@kernel
def weigh(r, level, log_p, whole, rate, w):  # type: ignore[no-untyped-def]
    """Set ``w`` [m] to exp((z - max_k z) / tau) of one class.

    Args:
        r: its speeds where ``whole``, else its z [m].
        level: 1 / max_k of the speeds, else max_k z [m].
        log_p: its log-probability.
        whole: 1 / tau, or 0 if w is to be an exponential.
        rate: 1 / tau in the working dtype.
        w: [m].
    """
    zero, one = w.dtype.type(0), w.dtype.type(1)
    if whole == 0:
        shown = zero if log_p == -np.inf else one  # exp is never 0
        for i in range(w.size):
            w[i] = shown * exp((r[i] - level[i]) * rate)
        return
    least = exp(w.dtype.type(_LEAST) / rate)
    if whole <= 2:
        squared = whole == 2
        for i in range(w.size):
            base = r[i] * level[i]
            base = base if base > least else zero
            w[i] = base * base if squared else base
        return
    for i in range(w.size):
        base = r[i] * level[i]
        w[i] = base if base > least else zero
    bit = 1
    while 2 * bit <= whole:
        bit *= 2
    while bit > 1:
        bit //= 2
        if whole & bit:
            for i in range(w.size):
                w[i] *= w[i] * (r[i] * level[i])
        else:
            for i in range(w.size):
                w[i] *= w[i]


@kernel
def pull_back(r, level, whole, rate, log_probs, slopes, scale, out):  # type: ignore[no-untyped-def]
    """Set the gradient ``out`` [V K, N] to scale sum_s J(y_s) v_s, y = softmax(z / tau).

    Args:
        r, level, whole, rate: see ``powers``.
        log_probs: [V, K].
        slopes: v [S, V, K, N or more].
        scale: a number in the working dtype.
        out: overwritten.
    """
    (S, V, K, _), N = slopes.shape, out.shape[1]
    T = tile(K)
    w, dot, total = np.empty((K, T), out.dtype), np.empty(T, out.dtype), np.empty(T, out.dtype)
    for first in range(0, N, T):
        m = min(T, N - first)
        for v in range(V):
            for s in range(S):
                for k in range(K):
                    here, its = r[s, v, k, first : first + m], level[s, v, first : first + m]
                    weigh(here, its, log_probs[v, k], whole, rate, w[k, :m])
                pull_back_weights(w, 0, slopes[s, v], first, m, scale, s > 0, dot, total, out, v * K, first)


@kernel
def pull_back_weights(w, at_w, slopes, at_slope, m, scale, add, dot, total, out, row, first):  # type: ignore[no-untyped-def]
    """Set rows of the gradient to scale (diag(y) - y y^T) v, y = w / sum_k w, or add to them.

    Args:
        w: [K, draws], of which those from ``at_w`` on are meant.
        slopes: v [K or more, draws], likewise from ``at_slope`` on.
        m: draws.
        scale: a number in the working dtype.
        add: to what the rows hold.
        dot, total: [m], overwritten.
        out: the gradient [rows, N].
        row: of its entry that belongs to the first class.
        first: draw of the gradient.
    """
    K = len(w)
    dot[:m] = 0
    total[:m] = 0
    for k in range(0, K - 1, 2):  # two classes at a time: sums are read and written half as often
        here, there = w[k, at_w : at_w + m], w[k + 1, at_w : at_w + m]
        slope, its = slopes[k, at_slope : at_slope + m], slopes[k + 1, at_slope : at_slope + m]
        for i in range(m):
            total[i] = (total[i] + here[i]) + there[i]
            dot[i] = (dot[i] + here[i] * slope[i]) + there[i] * its[i]
    if K % 2:
        here, slope = w[K - 1, at_w : at_w + m], slopes[K - 1, at_slope : at_slope + m]
        for i in range(m):
            total[i] += here[i]
            dot[i] += here[i] * slope[i]
    for i in range(m):
        dot[i] /= total[i]
        total[i] = scale / total[i]
    for k in range(len(w)):
        here, slope = w[k, at_w : at_w + m], slopes[k, at_slope : at_slope + m]
        sums = out[row + k, first : first + m]
        if add:
            for i in range(m):
                sums[i] += total[i] * here[i] * (slope[i] - dot[i])
        else:
            for i in range(m):
                sums[i] = total[i] * here[i] * (slope[i] - dot[i])
