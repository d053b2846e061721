"""Statistics of one cell, with 95 % intervals, from its moments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy import special
from torch import Tensor

from .bias import bias_sq_of, error_of_distance, known_bias
from .covariance import Covariance, covariance, part_sizes
from .estimate import Interval, of_positive
from .moments import NUM_REPLICATES, Frame, Moments
from .records import MARKS
from .tails import pareto_k

_ROUNDING = 64  # times eps: differences below it are equal
# where |h|^2 is constant the estimate of the first term is 2 chi^2_1 times the second: below 40 times in all but 1e-5
_DEGENERATE = 40
_DOMINATES = 0.2  # of the sum of |h|^4, by one draw; see reports/coverage
_UNDERFLOW = 1e-140  # variances below it have squares that are no numbers
SEEN = 30  # an outcome expected fewer times than that is rare


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
        error = error_of_distance(cov, frame, N, distance)
        if not certain:
            bias_sq, p = Interval(distance - error.trace, 0.0, math.inf), 1.0
        elif error.trace > 0:
            bias_sq, p = bias_sq_of(distance, error, equal)
        else:
            bias_sq, p = known_bias(distance, equal)
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
    return of_positive(cov.trace, first + second), marks


def _replicates(m: Moments, frame: Frame) -> dict[str, list[float]]:
    """Return the means of |g - mean|^2 and of |g - exact|^2 over 64 interleaved parts of the draws.

    Part k holds the draws i with i mod 64 = k: cells on common noise move together part by part, which is what an
    interval for the ratio of their variances needs.
    """
    N, d = m.count, m.h / m.count
    size = part_sizes(N, NUM_REPLICATES, d)
    spread, error = m.parts / size
    part = torch.arange(frame.num_batches, device=d.device) % NUM_REPLICATES
    along = torch.zeros_like(size).index_add_(0, part, m.batches.whole() @ d)
    found = {"variance": (spread - 2 * along / size + d @ d).tolist()}
    if frame.exact is not None:
        found["mse"] = (error + (frame.shift - frame.exact).square().sum()).tolist()
    return found


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
        return of_positive(value, se_sq)
    # the error of the truth outweighs what it is taken from
    half = float(special.stdtrit(N - 1, 0.975)) * math.sqrt(se_sq)
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
