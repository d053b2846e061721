"""Sums over draws for the harness's moments, draws last: of entries, of what each draw's square weighs, of squares."""

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
    whole = n - n % 4
    for j in range(
        0, whole, 4
    ):  # four entries at a time: what belongs to the draw is read and written a quarter as often
        g0, g1, g2, g3 = g[j], g[j + 1], g[j + 2], g[j + 3]
        s0, s1, s2, s3 = shift[j], shift[j + 1], shift[j + 2], shift[j + 3]
        o0, o1, o2, o3 = offset[j], offset[j + 1], offset[j + 2], offset[j + 3]
        for i in range(N):
            x0, x1, x2, x3 = np.float64(g0[i]), np.float64(g1[i]), np.float64(g2[i]), np.float64(g3[i])
            h0, h1, h2, h3 = x0 - s0, x1 - s1, x2 - s2, x3 - s3
            sq[i] += (h0 * h0 + h1 * h1) + (h2 * h2 + h3 * h3)
            cross[i] += (h0 * o0 + h1 * o1) + (h2 * o2 + h3 * o3)
            largest[i] = max(largest[i], abs(x0), abs(x1), abs(x2), abs(x3))
    for j in range(whole, n):
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


@kernel
def powers(sq, error, parts):  # type: ignore[no-untyped-def]
    """Sum over draws what is one number a draw.

    Args:
        sq: |h|^2 [N].
        error: |g - exact|^2 - |shift - exact|^2 [N].
        parts: zeros, raised by the sums of both over draws of equal i mod their number [2, parts].

    Returns:
        The sums of sq, sq^2, error and error^2; whether all sq are finite.
    """
    B = parts.shape[1]
    of_sq, of_error = parts[0], parts[1]
    fourth, squared = np.zeros(B), np.zeros(B)
    for start in range(0, sq.size, B):
        here, there = sq[start : start + B], error[start : start + B]
        for b in range(here.size):
            of_sq[b] += here[b]
            of_error[b] += there[b]
            fourth[b] += here[b] * here[b]
            squared[b] += there[b] * there[b]
    return of_sq.sum(), fourth.sum(), of_error.sum(), squared.sum(), np.isfinite(of_sq.sum())
