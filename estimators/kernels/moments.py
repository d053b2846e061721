"""Sums over draws for the harness's moments, draws last: of entries, of what each draw's square weighs, of squares.

A strip of draws is gone through twice, since |h|^2 of a draw weighs all of its entries. All sums are in float64 and
carried from strip to strip; where all strips but the last are multiples of 256 draws, they have the bits of one strip.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import intrinsic

from .compiled import inlined, kernel
from .elementary import fma
from .weighing import add_chunk, add_four

LANES = 64  # sums of draws apart by their number mod this
_TILE = 1024  # draws at a time: what belongs to a draw stays in the first cache


def _larger(typingctx: Any, x: Any, most: Any) -> Any:
    """Return the larger number, ``most`` if one is NaN: what numba makes of max is a store that depends."""

    def select(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return most(x, most), select


larger: Any = intrinsic(_larger)


@kernel
def add_strip(g, stride, place, rows, shift, offset, sq, error, powers, h, h2h, batches):  # type: ignore[no-untyped-def]
    """Add a strip of draws to the sums over a block, with h = g - shift.

    Args:
        g: entry j of draw i stands at j stride + i.
        stride: of an entry, at least the number of draws in the strip.
        place: of the strip's first draw in its block, a multiple of 64.
        rows: draws in the block.
        shift: [n].
        offset: shift - exact [n], or empty without a truth.
        sq: set to |h|^2 of each draw in the strip.
        error: set to |g - exact|^2 - |shift - exact|^2 of each draw; empty without a truth.
        powers: raised by the sums of sq, error and their squares over draws of equal place mod 64 [4, 64].
        h: set to the sum over the block's draws of h [n] once they are all there.
        h2h: raised by the sum over draws of |h|^2 h [n].
        batches: set, then raised by the sums of h over draws of equal place mod B [n, B]; B holds the block or is a
            multiple of 64.

    Returns:
        max |g|, NaN entries passed over; whether all sq are finite.
    """
    most, total = 0.0, 0.0
    for first in range(0, sq.size, _TILE):
        here, there = sq[first : first + _TILE], error[first : first + _TILE]
        most = max(most, _squares(g[first:], stride, shift, offset, here, there))
        total += _powers(here, there, powers)
        _weigh(g[first:], stride, place + first, rows, shift, here, h, h2h, batches)
    return most, np.isfinite(total)


@inlined
def _four(rows, shift, offset, i, square, cross, most):  # type: ignore[no-untyped-def]
    """Return |h|^2, h . offset and max |g| of draw i with four more of its entries."""
    x0, x1, x2, x3 = rows[0][i], rows[1][i], rows[2][i], rows[3][i]
    h0, h1 = np.float64(x0) - shift[0], np.float64(x1) - shift[1]
    h2, h3 = np.float64(x2) - shift[2], np.float64(x3) - shift[3]
    square = fma(h0, h0, fma(h1, h1, fma(h2, h2, fma(h3, h3, square))))
    cross = fma(h0, offset[0], fma(h1, offset[1], fma(h2, offset[2], fma(h3, offset[3], cross))))
    most = larger(larger(larger(abs(x0), abs(x1)), larger(abs(x2), abs(x3))), most)
    return square, cross, most


@inlined
def _rows(g, stride, j, size):  # type: ignore[no-untyped-def]
    first = j * stride
    second, third, fourth = first + stride, first + 2 * stride, first + 3 * stride
    return (
        g[first : first + size],
        g[second : second + size],
        g[third : third + size],
        g[fourth : fourth + size],
    )


@kernel
def _squares(g, stride, shift, offset, sq, error):  # type: ignore[no-untyped-def]
    """Set sq and error of each draw and return max |g|."""
    n, N, known = shift.size, sq.size, error.size > 0
    largest = np.zeros(N, g.dtype)
    sq[:] = 0
    error[:] = 0
    whole = n - n % 8
    none = (0.0, 0.0, 0.0, 0.0)
    for j in range(0, whole, 8):  # eight entries at a time: what belongs to the draw is read and written as seldom
        above, below = _rows(g, stride, j, N), _rows(g, stride, j + 4, N)
        s = (shift[j], shift[j + 1], shift[j + 2], shift[j + 3])
        t = (shift[j + 4], shift[j + 5], shift[j + 6], shift[j + 7])
        if known:
            o = (offset[j], offset[j + 1], offset[j + 2], offset[j + 3])
            p = (offset[j + 4], offset[j + 5], offset[j + 6], offset[j + 7])
            for i in range(N):
                square, cross, most = _four(above, s, o, i, sq[i], error[i], largest[i])
                sq[i], error[i], largest[i] = _four(below, t, p, i, square, cross, most)
        else:
            for i in range(N):
                square, cross, most = _four(above, s, none, i, sq[i], 0.0, largest[i])
                sq[i], cross, largest[i] = _four(below, t, none, i, square, cross, most)
    for j in range(whole, n):
        row, s0 = g[j * stride : j * stride + N], shift[j]
        for i in range(N):
            x, h = row[i], np.float64(row[i]) - s0
            sq[i] = fma(h, h, sq[i])
            largest[i] = larger(abs(x), largest[i])
        if known:
            o0 = offset[j]
            for i in range(N):
                error[i] = fma(np.float64(row[i]) - s0, o0, error[i])
    if known:
        for i in range(N):
            error[i] = fma(2.0, error[i], sq[i])
    return np.float64(largest.max())


@kernel
def _powers(sq, error, powers):  # type: ignore[no-untyped-def]
    """Raise the sums of sq, error and their squares; return the sum of sq."""
    total = 0.0
    for start in range(0, sq.size, LANES):
        here = sq[start : start + LANES]
        first, second = powers[0], powers[2]
        for b in range(here.size):
            first[b] += here[b]
            second[b] = fma(here[b], here[b], second[b])
            total += here[b]
        there = error[start : start + LANES]
        first, second = powers[1], powers[3]
        for b in range(there.size):
            first[b] += there[b]
            second[b] = fma(there[b], there[b], second[b])
    return total


@kernel
def _weigh(g, stride, place, rows, shift, sq, h, h2h, batches):  # type: ignore[no-untyped-def]
    """Raise the sums of h and of |h|^2 h."""
    N, B = sq.size, batches.shape[1]
    fours, whole = N - N % (4 * LANES) if B == LANES else 0, N - N % LANES
    for j in range(shift.size):
        row, s, sums = g[j * stride : j * stride + N], shift[j], batches[j]
        if place == 0:
            sums[:] = 0
        batch, weighed = place % B, h2h[j]
        for start in range(0, fours, 4 * LANES):
            weighed = add_four(row, start, s, sq, sums, weighed)
        for start in range(fours, whole, LANES):
            weighed = add_chunk(row, start, s, sq, sums[batch : batch + LANES], weighed)
            batch += LANES
            if batch >= B:
                batch = 0
        for i in range(whole, N):
            one = np.float64(row[i]) - s
            sums[batch + i - whole] += one
            weighed = fma(one, sq[i], weighed)
        h2h[j] = weighed
        if place + N == rows:
            all_of_them = 0.0
            for b in range(B):
                all_of_them += sums[b]
            h[j] = all_of_them
