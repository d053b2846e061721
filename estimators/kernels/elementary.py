"""log and exp of float32 and float64 without a branch, which a compiler turns into vectors: libm's are calls."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import float32, float64, int32, int64, njit, types
from numba.extending import intrinsic, overload

# log 2 in two parts: n times the first is exact
_HIGH, _LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_HIGH_DOUBLE, _LOW_DOUBLE = 0.693147180369123816490, 1.90821492927058770002e-10
_LOG2_E = 1.4426950408889634


def _bitcast(argument: Any, result: Any, llvm: Any) -> Any:
    @intrinsic
    def cast(typingctx: Any, number: Any) -> Any:
        return result(argument), lambda context, builder, signature, args: builder.bitcast(args[0], llvm)

    return cast


_bits = _bitcast(types.float32, types.int32, ir.IntType(32))
_number = _bitcast(types.int32, types.float32, ir.FloatType())
_bits_double = _bitcast(types.float64, types.int64, ir.IntType(64))
_number_double = _bitcast(types.int64, types.float64, ir.DoubleType())


def _fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, rounded once and one instruction: numba by itself multiplies, rounds and adds."""
    return c(c, c, c), lambda context, builder, signature, args: builder.fma(*args)


fma: Any = intrinsic(_fma)


@njit(inline="always")
def log_single(x):  # type: ignore[no-untyped-def]
    """Return log x of a normal, positive float32; see ``log``."""
    bits = _bits(x)
    e = int32(bits - int32(0x3F3504F3)) >> int32(23)
    f = _number(bits - (e << int32(23))) - np.float32(1)
    s = f / (f + np.float32(2))
    q = s * s
    t = np.float32(0.14789975)
    t = fma(t, q, np.float32(0.1999439))
    t = fma(t, q, np.float32(0.33333343))
    n = float32(e)
    return fma(n, _HIGH, f - fma(s, fma(np.float32(-2) * q, t, f), -n * _LOW))


@njit(inline="always")
def log_double(x):  # type: ignore[no-untyped-def]
    """Return log x of a normal, positive float64; see ``log``."""
    bits = _bits_double(x)
    e = (bits - int64(0x3FE6A09E667F3BCD)) >> int64(52)
    f = _number_double(bits - (e << int64(52))) - 1.0
    s = f / (f + 2.0)
    q = s * s
    t = 0.073082248425217029
    t = fma(t, q, 0.076658608002780206)
    t = fma(t, q, 0.090914445626308610)
    t = fma(t, q, 0.11111105567397540)
    t = fma(t, q, 0.14285714312987743)
    t = fma(t, q, 0.19999999999949752)
    t = fma(t, q, 0.33333333333333348)
    n = float64(e)
    return fma(n, _HIGH_DOUBLE, f - fma(s, fma(-2.0 * q, t, f), -n * _LOW_DOUBLE))


@njit(inline="always")
def exp_single(x):  # type: ignore[no-untyped-def]
    """Return e^x of a float32, that of -87 below it and that of 88 above; see ``exp``."""
    x = min(max(x, np.float32(-87)), np.float32(88))
    n = np.floor(fma(x, np.float32(_LOG2_E), np.float32(0.5)))
    r = fma(-n, _LOW, fma(-n, _HIGH, x))
    t = np.float32(0.0013926176)
    t = fma(t, r, np.float32(0.008363173))
    t = fma(t, r, np.float32(0.041666555))
    t = fma(t, r, np.float32(0.16666577))
    t = fma(t, r, np.float32(0.5))
    t = fma(t, r, np.float32(1))
    return fma(t, r, np.float32(1)) * _number((int32(n) + int32(127)) << int32(23))


@njit(inline="always")
def exp_double(x):  # type: ignore[no-untyped-def]
    """Return e^x of a float64, that of -708 below it and that of 709 above; see ``exp``."""
    x = min(max(x, -708.0), 709.0)
    n = np.floor(fma(x, _LOG2_E, 0.5))
    r = fma(-n, _LOW_DOUBLE, fma(-n, _HIGH_DOUBLE, x))
    t = 2.5100375832561234e-8
    t = fma(t, r, 2.7620075879983366e-7)
    t = fma(t, r, 2.7557268480310025e-6)
    t = fma(t, r, 2.4801521322368693e-5)
    t = fma(t, r, 1.9841269863040545e-4)
    t = fma(t, r, 0.0013888888917196719)
    t = fma(t, r, 0.0083333333333300644)
    t = fma(t, r, 0.041666666666624162)
    t = fma(t, r, 0.16666666666666667)
    t = fma(t, r, 0.5)
    t = fma(t, r, 1.0)
    return fma(t, r, 1.0) * _number_double((int64(n) + int64(1023)) << int64(52))


def log(x: Any) -> Any:
    """Return log x of a normal, positive number, to a few units in the last place.

    x = 2^n (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), and log(1 + f) = 2 artanh(s) = 2 s + 2 s (s^2/3 + s^4/5 + ...),
    s = f / (2 + f), of which 2 s = f - s f is taken so; the series is a polynomial in s^2 through Chebyshev's nodes.
    """
    raise NotImplementedError("for kernels only")


def exp(x: Any) -> Any:
    """Return e^x to a few units in the last place, held within what the dtype can show.

    x = n log 2 + r, |r| <= log(2) / 2; (e^r - 1 - r) / r^2 is a polynomial through Chebyshev's nodes.
    """
    raise NotImplementedError("for kernels only")


@overload(log, inline="always")
def _log(x):  # type: ignore[no-untyped-def]
    if x == types.float32:
        return lambda x: log_single(x)
    return lambda x: log_double(x)


@overload(exp, inline="always")
def _exp(x):  # type: ignore[no-untyped-def]
    if x == types.float32:
        return lambda x: exp_single(x)
    return lambda x: exp_double(x)
