"""Statistics of one cell, with 95 % intervals, from its moments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy import special
from torch import Tensor

from .moments import NUM_REPLICATES, Frame, Moments
from .records import MARKS
from .tails import pareto_k

Z = float(special.ndtri(0.975))
LEVEL = 0.025  # in each tail
FLOOR = 1e-4  # asymptotic p-values below it are not to be believed
_ROUNDING = 64  # times eps: differences below it are equal
# where |h|^2 is constant the estimate of the first term is 2 chi^2_1 times the second: below 40 times in all but 1e-5
_DEGENERATE = 40
_DOMINATES = 0.2  # of the sum of |h|^4, by one draw; see reports/coverage
_UNDERFLOW = 1e-140  # variances below it have squares that are no numbers
_FAR = 5.0  # standard errors of bias_sq from zero, beyond which it is Normal
SEEN = 30  # an outcome expected fewer times than that is rare
_LARGE = 1e4  # noncentral chi^2 beyond it is Normal to better than the asymptotics that led to it


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Statistics:
    """What the draws say; bias, mse and cosine are None without a truth; replicates are empty for few draws."""

    mean: Tensor
    variance: Interval
    bias_sq: Interval | None
    unbiased_p: float | None
    mse: Interval | None
    snr: float | None
    cosine: float | None
    pareto_k: float | None
    marks: list[str]
    replicates: dict[str, list[float]]


@dataclass(frozen=True)
class Covariance:
    """Invariants of the covariance Sigma of one draw, and of its spread v = |g - mean|^2."""

    trace: float  # tr Sigma
    square: float  # tr Sigma^2
    spread: float  # Var v
    fourth: float  # sum of v^2
    along: float  # e' Sigma e for e = mean - exact, 0 without a truth


def statistics(moments: Moments, frame: Frame, rounding: float, rarest: float | None, certain: bool) -> Statistics:
    """Return every statistic of one cell.

    Args:
        moments: sums over all N draws.
        frame: what the blocks shared.
        rounding: the size of the largest term that entered a draw, times eps of the working dtype.
        rarest: expected number of times that the rarest outcome was seen, None where outcomes are too many.
        certain: whether draws that are all equal show that the estimator has no variance; if not, an outcome that
            was never drawn may be behind it.
    """
    N = moments.count
    equal = _ROUNDING * rounding
    mean = frame.shift + moments.h / N
    cov = covariance(moments, frame)
    k = pareto_k(np.asarray(moments.top.cpu()), N)
    if cov.trace <= max(equal**2, _UNDERFLOW):
        variance, k, marks = Interval(0.0, 0.0, 0.0 if certain else math.inf), None, ["zero_variance"]
        cov = Covariance(0.0, 0.0, 0.0, 0.0, 0.0)
    else:
        variance, marks = _variance(cov, N, float(moments.top[0]), k)
        certain = True
    if (rarest is not None and rarest < SEEN) or not certain:
        marks.append("rare_outcome")
    bias_sq = p = mse = cosine = None
    if frame.exact is not None:
        distance = float((mean - frame.exact).square().sum())
        error = _error_of_distance(cov, frame, N, distance)
        if not certain:
            bias_sq, p = Interval(distance - error.trace, 0.0, math.inf), 1.0
        elif error.trace > 0:
            bias_sq, p = _bias_sq(distance, error, equal)
        else:
            bias_sq, p = _known_bias(distance, equal)
        mse = _mse(moments, frame, bias_sq.value + variance.value, distance)
        mse = mse if certain else Interval(mse.value, 0.0, math.inf)
        cosine = _cosine(mean, frame.exact)
    snr = _snr(mean, variance.value, N)
    replicates = {} if variance.value == 0 or N < 2 * NUM_REPLICATES else _replicates(moments, frame)
    return Statistics(
        mean, variance, bias_sq, p, mse, snr, cosine, k, [mark for mark in MARKS if mark in marks], replicates
    )


def _variance(cov: Covariance, N: int, top: float, k: float | None) -> tuple[Interval, list[str]]:
    """Return tr Sigma with se^2 = Var |h|^2 / N + 2 tr Sigma^2 / (N (N - 1)), and what makes that dishonest."""
    first, second = cov.spread / N, 2 * cov.square / (N * (N - 1))
    marks = []
    if k is not None and k > 0.5:
        marks.append("heavy_tail")
    if top**2 > _DOMINATES * cov.fourth:
        marks.append("one_draw_dominates")
    if first < _DEGENERATE * second:
        marks.append("degenerate")
    return _positive(cov.trace, first + second), marks


def _positive(value: float, se_sq: float) -> Interval:
    """Return the interval of a mean of squares: nu value / scale is chi^2_nu, nu = 2 value^2 / se^2.

    Satterthwaite 1946 (Biometrics Bulletin 2): the chi^2 with the mean and the variance of the estimate. Its ends are
    positive and lean upwards, as the error of a mean of squares does: value +- z se misses too often above.
    """
    nu = 2 * value**2 / se_sq
    return Interval(
        value, nu * value / float(special.chdtri(nu, LEVEL)), nu * value / float(special.chdtri(nu, 1 - LEVEL))
    )


def _replicates(m: Moments, frame: Frame) -> dict[str, list[float]]:
    """Return the means of |g - mean|^2 and of |g - exact|^2 over 64 interleaved parts of the draws.

    Part k holds the draws i with i mod 64 = k: cells on common noise move together part by part, which is what an
    interval for the ratio of their variances needs.
    """
    N, d = m.count, m.h / m.count
    size = _sizes(N, NUM_REPLICATES, d)
    spread, error = m.parts / size
    part = torch.arange(frame.num_batches, device=d.device) % NUM_REPLICATES
    along = torch.zeros_like(size).index_add_(0, part, m.batches @ d)
    found = {"variance": (spread - 2 * along / size + d @ d).tolist()}
    if frame.exact is not None:
        found["mse"] = (error + (frame.shift - frame.exact).square().sum()).tolist()
    return found


def _sizes(N: int, B: int, like: Tensor) -> Tensor:
    """Return how many of N draws have equal i mod B [B]."""
    return N // B + (torch.arange(B, device=like.device) < N % B).to(like)


def covariance(m: Moments, frame: Frame) -> Covariance:
    """Return the invariants, moved from the pilot shift to the mean: h - d with d = mean h."""
    N = m.count
    d = m.h / N
    dd = float(d @ d)
    e = torch.zeros_like(d) if frame.exact is None else frame.shift + d - frame.exact
    trace = max(0.0, float(m.h2) - N * dd) / (N - 1)
    if m.outer is not None:
        centred = m.outer - N * torch.outer(d, d)
        dHd = float(d @ m.outer @ d)
        along = float(e @ centred @ e) / (N - 1)
    else:
        B = frame.num_batches
        size = _sizes(N, B, d)
        w = (m.batches - size[:, None] * d) / size.sqrt()[:, None]  # B vectors with covariance Sigma
        dHd = float((w @ d).square().sum()) * N / B + N * dd**2
        along = float((w @ e).square().sum()) / (B - 1)
    # sum of (|h|^2 - 2 h.d + |d|^2)^2
    fourth = float(m.h4) + 4 * dHd + N * dd**2 - 4 * float(d @ m.h2h) + 2 * dd * float(m.h2) - 4 * dd * N * dd
    fourth = max(fourth, (trace * (N - 1)) ** 2 / N)
    if m.outer is not None:
        square = _trace_of_square(N, float(centred.square().sum()), trace, fourth)
    else:
        gram = w @ w.T
        squares = float(gram.square().sum())
        square = _trace_of_square(B, squares, float(gram.trace()) / (B - 1), float(gram.diag().square().sum()))
    square = min(max(square, trace**2 / len(d)), trace**2)
    return Covariance(trace, square, max(0.0, fourth / N - (trace * (N - 1) / N) ** 2), fourth, along)


def _trace_of_square(n: int, squares: float, trace: float, fourth: float) -> float:
    """Return an estimate of tr Sigma^2 that is unbiased for every law with four moments.

    With S the sample covariance of n vectors and Q = sum |x_i - mean|^4 / (n - 1),
    (n-1) / (n (n-2) (n-3)) [(n-1)(n-2) tr S^2 + (tr S)^2 - n Q]
    (Srivastava 2005; Himeno & Yamada 2014, J. Multivariate Analysis 130).

    Args:
        n: number of vectors.
        squares: squared Frobenius norm of the centred sum of outer products, or of the centred Gram matrix.
        trace: tr S.
        fourth: sum of |x_i - mean|^4.
    """
    tr_S2 = squares / (n - 1) ** 2
    if n < 4:
        return tr_S2
    return (n - 1) / (n * (n - 2) * (n - 3)) * ((n - 1) * (n - 2) * tr_S2 + trace**2 - n * fourth / (n - 1))


@dataclass(frozen=True)
class _Error:
    """Invariants of the covariance A of mean - exact."""

    trace: float  # tr A
    square: float  # tr A^2
    along: float  # e' A e for e = mean - exact


def _error_of_distance(cov: Covariance, frame: Frame, N: int, distance: float) -> _Error:
    """Return those of A = Sigma / N + C, C the covariance of the error of an estimated truth.

    Of tr A^2 = tr Sigma^2 / N^2 + 2 tr(Sigma C) / N + tr C^2 the middle term is taken at its largest,
    sqrt(tr Sigma^2 tr C^2), and e' C e at |e|^2 sqrt(tr C^2): the interval becomes no shorter by that.
    """
    sigma, C = math.sqrt(cov.square) / N, math.sqrt(frame.error_square)
    if cov.trace == 0 and frame.error_trace == 0:
        return _Error(0.0, 0.0, 0.0)
    return _Error(cov.trace / N + frame.error_trace, (sigma + C) ** 2, cov.along / N + distance * C)


def _bias_sq(distance: float, error: _Error, equal: float) -> tuple[Interval, float]:
    """Return bias_sq = |e|^2 - tr A, e = mean - exact, its interval, and the p-value of "unbiased".

    A is the covariance of e, Sigma / N for an exact truth. Without bias |e|^2 / c is about chi^2 with nu degrees of
    freedom, c = tr A^2 / tr A, nu = (tr A)^2 / tr A^2; with bias b about noncentral chi^2 with noncentrality |b|^2 / c,
    which the interval inverts. That would be the end of it if A were alike in all directions: |e|^2 varies by
    2 tr A^2 + 4 b'Ab, and noncentral chi^2 has 4 c |b|^2 for the last term. So the interval is stretched to the spread
    that e'Ae - tr A^2, an estimate of b'Ab, gives it, where that is larger; and far from zero it is the Normal one.
    Its upper end is never below the one that the median of an unbiased estimator would give, so that a lucky draw
    does not promise more than N draws can show (Cowan et al. 2011, 1105.3166).
    """
    c = error.square / error.trace
    nu = error.trace**2 / error.square
    T = distance / c
    p = min(1.0, max(float(special.gammaincc(nu / 2, T / 2)), FLOOR))
    value = distance - error.trace
    spread_sq = 2 * error.square + 4 * max(0.0, error.along - error.square)
    if distance <= equal**2:
        return Interval(value, 0.0, max(c * _upper(T, nu), equal**2)), 1.0
    if value > _FAR * math.sqrt(spread_sq):
        half = Z * math.sqrt(spread_sq)
        return Interval(value, value - half, value + half), p
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


def _known_bias(distance: float, equal: float) -> tuple[Interval, float]:
    """Return bias_sq of an estimator without variance: known to rounding."""
    if distance <= equal**2:
        return Interval(distance, 0.0, equal**2), 1.0
    root = math.sqrt(distance)
    return Interval(distance, max(0.0, root - equal) ** 2, (root + equal) ** 2), FLOOR


def _mse(m: Moments, frame: Frame, value: float, distance: float) -> Interval:
    """Return mse = bias_sq + variance, the mean of |g - exact|^2, with the interval of a mean of squares.

    The error d of an estimated truth adds -2 b.d + |d|^2, b the bias: of variance at most 4 |b|^2 sqrt(tr C^2)
    + 2 tr C^2.
    """
    N = m.count
    spread = max(0.0, float(m.error2) - float(m.error) ** 2 / N) / (N - 1)
    truth = 4 * distance * math.sqrt(frame.error_square) + 2 * frame.error_square
    se_sq = spread / N + truth
    if value**2 > se_sq > 0:
        return _positive(value, se_sq)
    half = float(special.stdtrit(N - 1, 0.975)) * math.sqrt(
        se_sq
    )  # the error of the truth outweighs what it is taken from
    return Interval(value, max(0.0, value - half), value + half)


def _snr(mean: Tensor, variance: float, N: int) -> float | None:
    """Return |E g| / sqrt(variance), with |E g|^2 estimated by |mean|^2 - variance / N, at least 0."""
    if variance == 0:
        return None
    return math.sqrt(max(0.0, float(mean @ mean) - variance / N) / variance)


def _cosine(mean: Tensor, exact: Tensor) -> float | None:
    """Return the cosine of the angle between the mean and the exact gradient, None at zero."""
    norms = float(mean.norm()) * float(exact.norm())
    return None if norms == 0 else max(-1.0, min(1.0, float(mean @ exact) / norms))
