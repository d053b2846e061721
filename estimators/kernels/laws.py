"""From a random word to a number: uniform, exponential, Gumbel and normal laws, each a formula without a branch.

A word w stands for the middle of its cell, u = (w + 1/2) / 2^32. Whatever is small near u = 1 is computed from
1 - u = (~w + 1/2) / 2^32, so that both tails have the same resolution: 2^-32, and no law gives 0 or infinity.
Numbers are float32; their rounding, 6e-8 of each, is far below what 1e9 draws can tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import float32, int32, njit, types, uint32
from numba.extending import intrinsic

_CELL = np.float32(2.0**-32)
_HALF = np.float32(0.5)
_ONE = np.float32(1.0)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_SQRT_HALF_BITS = int32(0x3F3504F3)
_EXPONENT = int32(23)
_BELOW_ONE = np.float32(1 - 2.0**-24)


@intrinsic
def _float_of(typingctx: Any, bits: Any) -> Any:
    """Return the float32 of these bits."""
    return types.float32(types.int32), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.FloatType()
    )


@intrinsic
def _bits_of(typingctx: Any, number: Any) -> Any:
    """Return the bits of a float32."""
    return types.int32(types.float32), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.IntType(32)
    )


@njit(inline="always")
def log(x):  # type: ignore[no-untyped-def]
    """Return log x of a positive, normal float32, to 2 units in the last place.

    x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); log(1 + f) = f - f^2/2 + f^3 P(f), P a least-maximum polynomial.
    """
    bits = _bits_of(x)  # type: ignore[call-arg,var-annotated]
    e = (bits - _SQRT_HALF_BITS) >> _EXPONENT
    f = _float_of(bits - (e << _EXPONENT)) - _ONE
    p = np.float32(7.0376836292e-2)
    p = p * f + np.float32(-1.1514610310e-1)
    p = p * f + np.float32(1.1676998740e-1)
    p = p * f + np.float32(-1.2420140846e-1)
    p = p * f + np.float32(1.4249322787e-1)
    p = p * f + np.float32(-1.6668057665e-1)
    p = p * f + np.float32(2.0000714765e-1)
    p = p * f + np.float32(-2.4999993993e-1)
    p = p * f + np.float32(3.3333331174e-1)
    n = float32(e)
    square = f * f
    tail = square * f * p + n * _LN2_LOW - _HALF * square
    return f + tail + n * _LN2_HIGH


@njit(inline="always")
def exp(x):  # type: ignore[no-untyped-def]
    """Return e^x of a float32 to 2 units in the last place; below -87 as e^-87, above 88 as e^88.

    x = n log 2 + r, |r| <= log(2)/2; e^r by its polynomial of degree 7.
    """
    x = min(max(x, np.float32(-87.0)), np.float32(88.0))
    n = np.floor(x * np.float32(1.4426950408889634) + _HALF)
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + _ONE
    return p * _float_of((int32(n) + int32(127)) << _EXPONENT)  # type: ignore[call-arg]


@njit(inline="always")
def _tail(w):  # type: ignore[no-untyped-def]
    """Return min(u, 1 - u), in (0, 1/2], and whether u is the smaller."""
    lower = w < uint32(0x80000000)
    nearer = w if lower else ~w
    return (float32(int32(nearer)) + _HALF) * _CELL, lower


@njit(inline="always")
def uniform(w):  # type: ignore[no-untyped-def]
    """Return u, in (0, 1): near 1 the nearest float32 below it."""
    t, lower = _tail(w)
    return t if lower else min(_ONE - t, _BELOW_ONE)


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
    t, _ = _tail(w)
    x = (float32(int32(w ^ uint32(0x80000000))) + _HALF) * (_CELL + _CELL)
    v = -log(np.float32(4.0) * t * (_ONE - t))
    c = v - np.float32(2.5)
    p = np.float32(4.035463506e-08)
    p = p * c + np.float32(4.861039342e-07)
    p = p * c + np.float32(-4.990565211e-06)
    p = p * c + np.float32(-6.217992736e-06)
    p = p * c + np.float32(3.091502028e-04)
    p = p * c + np.float32(-1.773010156e-03)
    p = p * c + np.float32(-5.908170970e-03)
    p = p * c + np.float32(3.488026599e-01)
    p = p * c + np.float32(2.123313567e00)
    s = np.sqrt(v) - np.float32(3.25)
    q = np.float32(-1.941844251e-05)
    q = q * s + np.float32(-2.181309945e-04)
    q = q * s + np.float32(1.262743753e-03)
    q = q * s + np.float32(-2.646477976e-03)
    q = q * s + np.float32(3.625759156e-03)
    q = q * s + np.float32(-5.211765063e-03)
    q = q * s + np.float32(7.569405716e-03)
    q = q * s + np.float32(1.421640869e00)
    q = q * s + np.float32(4.361273720e00)
    return x * (p if v < np.float32(5.0) else q)
