"""From a random word to a number: uniform, exponential, Gumbel and normal laws, each a formula without a branch.

A word w stands for the middle of its cell, u = (w + 1/2) / 2^32. Whatever is small near u = 1 is computed from
1 - u = (~w + 1/2) / 2^32, so that both tails have the same resolution: 2^-32, and no law gives 0 or infinity.
Numbers but the uniform are float32; their rounding, 6e-8 of each, is far below what 1e9 draws can tell.
"""

from __future__ import annotations

import numpy as np
from numba import float32, float64, int32, njit, uint32

from .elementary import fma
from .elementary import log_single as log

_CELL = 2.0**-32
_CELL_SINGLE = np.float32(_CELL)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)


@njit(inline="always")
def _tail(w):  # type: ignore[no-untyped-def]
    """Return min(u, 1 - u), in (0, 1/2], and whether u is the smaller."""
    sign = int32(int32(w) >> int32(31))  # 0 where u is the smaller, else all ones
    return (float32(int32(int32(w) ^ sign)) + _HALF) * _CELL_SINGLE, sign == 0


@njit(inline="always")
def uniform(w):  # type: ignore[no-untyped-def]
    """Return u in (0, 1), a float64, which alone is as fine near 1 as near 0."""
    return (float64(w) + 0.5) * _CELL


@njit(inline="always")
def odds(w, half):  # type: ignore[no-untyped-def]
    """Return (1 - u) / u, the exponential of the logistic number log((1 - u) / u), in the dtype of ``half`` = 1/2."""
    return (type(half)(uint32(~w)) + half) / (type(half)(w) + half)


@njit(inline="always")
def exponential(w):  # type: ignore[no-untyped-def]
    """Return -log(1 - u) > 0, from 1.2e-10 to 22.9.

    Below 1/2, 1 - u is rounded to y, and log(1 - u) = log y + log((1 - u) / y), whose last term is d / y with
    d = (1 - y) - u of at most 2^-25 (1 - y is exact), and 1 / y = 1 + u to what counts.
    """
    t, lower = _tail(w)
    y = _ONE - t if lower else t
    lost = ((_ONE - y) - t) * (_ONE + t)
    return -(log(y) + (lost if lower else float32(0.0)))


@njit(inline="always")
def gumbel(w):  # type: ignore[no-untyped-def]
    """Return -log of the exponential, from -3.1 to 22.9."""
    return -log(exponential(w))


@njit(inline="always")
def normal(w):  # type: ignore[no-untyped-def]
    """Return the quantile sqrt(2) erfinv(x) of N(0, 1), x = 2u - 1, within 6.4 of 0, to 1e-6 of itself.

    sqrt(2) erfinv(x) / x by two polynomials of least largest relative error, fitted to 4e-7: in v = -log(1 - x^2) up to
    5, in sqrt(v) beyond (the form is that of Giles 2012, "Approximating the erfinv function").
    """
    lower = w < uint32(0x80000000)
    cells = float32(int32(w if lower else ~w)) + _HALF  # min(u, 1 - u) 2^32; powers of 2 scale it without rounding
    x = (float32(int32(w ^ uint32(0x80000000))) + _HALF) * (_CELL_SINGLE + _CELL_SINGLE)
    v = -log(cells * (np.float32(4.0) * _CELL_SINGLE) * fma(cells, -_CELL_SINGLE, _ONE))
    c = v - np.float32(2.5)
    p = np.float32(4.035463506e-08)
    p = fma(p, c, np.float32(4.861039342e-07))
    p = fma(p, c, np.float32(-4.990565211e-06))
    p = fma(p, c, np.float32(-6.217992736e-06))
    p = fma(p, c, np.float32(3.091502028e-04))
    p = fma(p, c, np.float32(-1.773010156e-03))
    p = fma(p, c, np.float32(-5.908170970e-03))
    p = fma(p, c, np.float32(3.488026599e-01))
    p = fma(p, c, np.float32(2.123313567e00))
    s = np.sqrt(v) - np.float32(3.25)
    q = np.float32(-1.941844251e-05)
    q = fma(q, s, np.float32(-2.181309945e-04))
    q = fma(q, s, np.float32(1.262743753e-03))
    q = fma(q, s, np.float32(-2.646477976e-03))
    q = fma(q, s, np.float32(3.625759156e-03))
    q = fma(q, s, np.float32(-5.211765063e-03))
    q = fma(q, s, np.float32(7.569405716e-03))
    q = fma(q, s, np.float32(1.421640869e00))
    q = fma(q, s, np.float32(4.361273720e00))
    return x * (p if v < np.float32(5.0) else q)
