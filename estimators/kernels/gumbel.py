"""The steps of Gumbel methods on one variable of K classes, over a tile of draws; arrays are [K, draws].

Rows are cut to the tile before a loop: an index first + i, which for all that numba knows may be negative, would keep
the loop from becoming vectors. Both arms of a choice are loaded before it, or each would be loaded under a mask.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .elementary import exp, log

TILE = 512  # draws: what a step needs stays in the nearest cache


@kernel
def hardest(E, row, first, m, probs, ratio, which):  # type: ignore[no-untyped-def]
    """Set ``which`` [m] to argmax_k log p_k - log E_k = argmin_k E_k / p_k.

    Args:
        E: exponentials [rows, M], this variable's from ``row`` on.
        row: of its first class.
        first: draw of the tile.
        m: draws in it.
        probs: p [K].
        ratio: [m], overwritten with the least E / p.
        which: int32 [m].
    """
    ratio[:m] = np.inf
    which[:m] = 0
    for k in range(probs.size):
        e, p, this = E[row + k, first : first + m], probs[k], np.int32(k)
        for i in range(m):
            here, least, before = e[i] / p, ratio[i], which[i]
            which[i] = this if here < least else before
            ratio[i] = min(here, least)


@kernel
def soften(E, row, first, m, probs, log_probs, temperature, most, which, total, y):  # type: ignore[no-untyped-def]
    """Set ``y`` [K, m] to softmax((log p - log E) / tau), at tau = 1 p / E over its sum, and ``which`` to its argmax.

    Args:
        E, row, first, m: see ``hardest``.
        probs, log_probs: of the classes [K].
        temperature: tau, in the working dtype.
        most, total: [m], overwritten.
        which: int32 [m].
        y: [K, m].
    """
    K, one = probs.size, probs.dtype.type(1)
    total[:m] = 0
    most[:m] = -np.inf
    which[:m] = 0
    if temperature == one:
        for k in range(K):
            e, p, here, this = E[row + k, first : first + m], probs[k], y[k], np.int32(k)
            for i in range(m):
                z, greatest, before = p / e[i], most[i], which[i]
                here[i] = z
                total[i] += z
                which[i] = this if z > greatest else before
                most[i] = max(z, greatest)
    else:
        for k in range(K):
            e, p, here, this = E[row + k, first : first + m], log_probs[k], y[k], np.int32(k)
            for i in range(m):
                z, greatest, before = p - log(one * e[i]), most[i], which[i]
                here[i] = z
                which[i] = this if z > greatest else before
                most[i] = max(z, greatest)
        rate = one / temperature
        for k in range(K):
            here, shown = y[k], one if log_probs[k] > -np.inf else one - one
            for i in range(m):
                z = shown * exp((here[i] - most[i]) * rate)
                here[i] = z
                total[i] += z
    for i in range(m):
        total[i] = one / total[i]
    for k in range(K):
        here = y[k]
        for i in range(m):
            here[i] *= total[i]


@kernel
def add_pullback(y, v, scale, m, dot, first, row, out):  # type: ignore[no-untyped-def]
    """Add scale (diag(y) - y y^T) v to the gradient.

    Args:
        y: [K, m].
        v: slopes [K, m].
        scale: a number in the working dtype.
        m: draws in the tile.
        dot: [m], overwritten.
        first: draw of the tile.
        row: of the gradient's first entry.
        out: the gradient [rows, N].
    """
    dot[:m] = 0
    for k in range(len(y)):
        here, slope = y[k], v[k]
        for i in range(m):
            dot[i] += here[i] * slope[i]
    for k in range(len(y)):
        here, slope, sums = y[k], v[k], out[row + k, first : first + m]
        for i in range(m):
            sums[i] += scale * here[i] * (slope[i] - dot[i])
