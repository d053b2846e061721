"""Mean squared errors compared on common noise: how far the first may be above another one, at a level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .records import NUM_REPLICATES, Measurement

Z = float(special.ndtri(0.975))


@dataclass(frozen=True)
class Score:
    """An estimate of mse(n) = bias_sq + variance / n, and how it moves with the noise.

    Args:
        value: the estimate; a negative bias_sq counts as 0.
        parts: its estimates from 64 interleaved parts of the draws, None where draws are too few for that; candidates
            on common noise move together part by part.
        apart: variance of what the parts do not show: of |mean - exact|^2 in second order, of an estimated truth.
        factor: at least 1, by which the price of a draw, and n with it, may be off.
        settled: whether it has an upper end; an estimator without variance may only have missed a rare outcome.
    """

    value: float
    parts: NDArray[np.float64] | None
    apart: float
    settled: bool
    factor: float = 1.0


def score(found: Measurement, num_averaged: int, unbiased: bool, error_square: float, factor: float) -> Score:
    """Return the score of a measured candidate.

    Args:
        found: its measurement.
        num_averaged: n.
        unbiased: known to be so: bias_sq is 0.
        error_square: tr C^2, C the covariance of the error of the gradient that bias_sq refers to.
        factor: by which the price of a draw may be off, n = budget / price.
    """
    assert found.variance is not None
    N, n, variance = found.num_draws, num_averaged, found.variance
    bias_sq = 0.0 if unbiased else max(0.0, found.bias_sq or 0.0)
    settled = found.variance_upper is not None
    apart = 0.0
    if not unbiased:
        C = math.sqrt(error_square)
        # 2 tr A^2 of the mean's error, tr Sigma^2 <= variance^2; an error of the truth moves two scores together,
        # by -2 (b - b') . error, |b - b'|^2 <= 2 |b|^2 + 2 |b'|^2
        apart += 2 * (variance / N + C) ** 2 + 8 * bias_sq * C
    if not found.replicates:
        half = _half(found, "variance") / n + (0.0 if unbiased else _half(found, "bias_sq"))
        return Score(bias_sq + variance / n, None, apart + (half / Z) ** 2, settled, factor)
    spread = np.array(found.replicates["variance"])
    parts = spread / n if unbiased else np.array(found.replicates["mse"]) - (1 - 1 / n) * spread
    return Score(bias_sq + variance / n, parts, apart, settled, factor)


def _half(found: Measurement, name: str) -> float:
    value, upper = getattr(found, name), getattr(found, f"{name}_upper")
    return math.inf if value is None or upper is None else upper - max(0.0, value)


def excess(first: Score, other: Score, level: float, paired: bool = True) -> float:
    """Return the upper end of mse(first) / mse(other) - 1, one-sided at a level; infinity where there is none.

    Fieller's limit: the largest r for which T_first - r T_other is not shown to be below 0, with the covariance of
    the two from the parts.

    Args:
        first: the numerator.
        other: the denominator.
        level: probability that the ratio lies above the end.
        paired: whether both were measured on the same draws of the noise; if not, the worst correlation is assumed.
    """
    a, b = first.value, other.value
    if paired:
        aa, bb, ab = _covariance(first, other)
    else:
        aa, bb = standard_error(first) ** 2, standard_error(other) ** 2
        ab = -math.sqrt(aa * bb)
    if first.settled and a == 0 and aa == 0:
        return 0.0  # nothing has less
    if not first.settled or not other.settled:
        return math.inf
    if a == b and aa + bb - 2 * ab <= 1e-24 * b * b:
        return 0.0  # two names of one thing
    z = -float(special.stdtrit(NUM_REPLICATES - 1, level))
    lead = b * b - z * z * bb
    if lead <= 0:
        return math.inf
    middle = a * b - z * z * ab
    root = math.sqrt(max(0.0, middle * middle - lead * (a * a - z * z * aa)))
    return (middle + root) / lead * first.factor * other.factor - 1


def _covariance(first: Score, other: Score) -> tuple[float, float, float]:
    """Return the variances of two scores and their covariance."""
    if first.parts is None or other.parts is None:
        own = [one.apart + (0.0 if one.parts is None else _of_mean(one.parts)) for one in (first, other)]
        return own[0], own[1], 0.0
    (aa, ab), (_, bb) = np.cov(np.stack([first.parts, other.parts])) / NUM_REPLICATES
    return float(aa) + first.apart, float(bb) + other.apart, float(ab)


def _of_mean(parts: NDArray[np.float64]) -> float:
    return float(parts.var(ddof=1)) / len(parts)


def standard_error(one: Score) -> float:
    """Return the standard error of a score."""
    return math.sqrt(_covariance(one, one)[0])


def optimistic(one: Score) -> float:
    """Return the score less two standard errors, at its least price: who might still be the best."""
    return (one.value - 2 * standard_error(one)) / one.factor
