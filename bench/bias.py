"""The bias of a mean, squared: its interval, and whether there is any."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from .covariance import Covariance
from .estimate import LEVEL, Interval, Z
from .moments import Frame

FLOOR = 1e-4  # asymptotic p-values below it are not to be believed
_FAR = 5.0  # standard errors of bias_sq from zero, beyond which it is Normal
_LARGE = 1e4  # noncentral chi^2 beyond it is Normal to better than the asymptotics that led to it


@dataclass(frozen=True)
class Error:
    """Invariants of the covariance A of mean - exact."""

    trace: float  # tr A
    square: float  # tr A^2
    along: float  # e' A e for e = mean - exact


def error_of_distance(cov: Covariance, frame: Frame, N: int, distance: float) -> Error:
    """Return those of A = Sigma / N + C, C the covariance of the error of an estimated truth.

    Of tr A^2 = tr Sigma^2 / N^2 + 2 tr(Sigma C) / N + tr C^2 the middle term is taken at its largest,
    sqrt(tr Sigma^2 tr C^2), and e' C e at |e|^2 sqrt(tr C^2): the interval becomes no shorter by that.
    """
    sigma, C = math.sqrt(cov.square) / N, math.sqrt(frame.error_square)
    if cov.trace == 0 and frame.error_trace == 0:
        return Error(0.0, 0.0, 0.0)
    return Error(cov.trace / N + frame.error_trace, (sigma + C) ** 2, cov.along / N + distance * C)


def bias_sq_of(distance: float, error: Error, equal: float) -> tuple[Interval, float]:
    """Return bias_sq = |e|^2 - tr A, e = mean - exact, its interval, and the p-value of "unbiased".

    A is the covariance of e, Sigma / N for an exact truth. Without bias |e|^2 / c is about chi^2 with nu degrees of
    freedom, c = tr A^2 / tr A, nu = (tr A)^2 / tr A^2; with bias b about noncentral chi^2 with noncentrality |b|^2 / c,
    which the interval inverts. That would be the end of it if A were alike in all directions: |e|^2 varies by
    2 tr A^2 + 4 b'Ab, and noncentral chi^2 has 4 c |b|^2 for the last term. So the interval is stretched to the spread
    that e'Ae - tr A^2, an estimate of b'Ab, gives it, where that is larger; far from zero |e| is Normal, and |b| has
    the interval |e| +- z sd(|e|^2) / (2 |e|). The estimate of b'Ab is never taken below e'Ae / 2: it falls with e along
    wide directions, just where value falls too. A bias along a narrow direction is covered too often for that.
    The upper end is never below the one that the median of an unbiased estimator would give, so that a lucky draw
    does not promise more than N draws can show (Cowan et al. 2011, 1105.3166). reports/coverage has the rates.
    """
    c = error.square / error.trace
    nu = error.trace**2 / error.square
    T = distance / c
    p = min(1.0, max(float(special.gammaincc(nu / 2, T / 2)), FLOOR))
    value = distance - error.trace
    spread_sq = 2 * error.square + 4 * max(error.along - error.square, error.along / 2)
    if distance <= equal**2:
        return Interval(value, 0.0, max(c * _upper(T, nu), equal**2)), 1.0
    if value > _FAR * math.sqrt(spread_sq):
        root = math.sqrt(value)
        half = Z * math.sqrt(spread_sq) / (2 * root)
        return Interval(value, (root - half) ** 2, (root + half) ** 2), p
    stretch = math.sqrt(max(1.0, spread_sq / (2 * error.square + 4 * c * max(0.0, value))))
    lower = c * _noncentrality(T, nu, 1 - LEVEL)
    lower = max(0.0, value - stretch * (value - lower)) if lower > 0 else 0.0
    return Interval(value, lower, value + stretch * (c * _upper(T, nu) - value)), p


def _upper(T: float, nu: float) -> float:
    """Return the upper end of the noncentrality."""
    return _noncentrality(max(T, float(special.chdtri(nu, 0.5))), nu, LEVEL)


def _noncentrality(T: float, nu: float, probability: float) -> float:
    """Return the L >= 0 with P(chi^2_nu(L) <= T) = probability, or 0 if even L = 0 gives less."""
    if special.chdtr(nu, T) <= probability:
        return 0.0
    if T > _LARGE:
        # T = nu + L + z sqrt(2 (nu + 2 L)), solved for L
        z = float(special.ndtri(probability))
        return max(0.0, T - nu + 2 * z * z - z * math.sqrt(4 * z * z + 2 * (2 * T - nu)))
    return float(special.chndtrinc(T, nu, probability))


def known_bias(distance: float, equal: float) -> tuple[Interval, float]:
    """Return bias_sq of an estimator without variance: known to rounding."""
    if distance <= equal**2:
        return Interval(distance, 0.0, equal**2), 1.0
    root = math.sqrt(distance)
    return Interval(distance, max(0.0, root - equal) ** 2, (root + equal) ** 2), FLOOR
