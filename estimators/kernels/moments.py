"""Sums over draws for the harness's moments, draws last: one pass for each draw's square, one for what it weighs."""

from __future__ import annotations

import numpy as np

from .compiled import kernel


@kernel
def squares(g, shift, offset, sq, cross):  # type: ignore[no-untyped-def]
    """Sum over the entries of each draw, with h = g - shift.

    Args:
        g: draws [n, N].
        shift: [n], float64.
        offset: shift - exact [n]; zeros without a truth.
        sq: zeros, raised by |h|^2 of each draw [N].
        cross: zeros, raised by h . offset of each draw [N].

    Returns:
        max |g|; NaN entries are passed over.
    """
    n, N = g.shape
    largest = np.zeros(N)
    for j in range(n):
        row, s, o = g[j], shift[j], offset[j]
        for i in range(N):
            x = np.float64(row[i])
            h = x - s
            sq[i] += h * h
            cross[i] += h * o
            largest[i] = max(largest[i], abs(x))
    return largest.max()


@kernel
def sums(g, shift, sq, h2h, batches):  # type: ignore[no-untyped-def]
    """Sum over draws, in interleaved batches.

    Args:
        g: draws [n, N].
        shift: [n].
        sq: |h|^2 [N].
        h2h: set to the sum over draws of |h|^2 h [n].
        batches: zeros, raised by the sums of h over draws of equal i mod B [n, B].
    """
    n, N = g.shape
    B = batches.shape[1]
    weighted = np.empty(B)
    for j in range(n):
        row, s, total = g[j], shift[j], batches[j]
        weighted[:] = 0
        for start in range(0, N, B):
            part, square = row[start : start + B], sq[start : start + B]
            for b in range(part.size):
                h = np.float64(part[b]) - s
                total[b] += h
                weighted[b] += h * square[b]
        h2h[j] = weighted.sum()
