"""Ratios of two cells' numbers: interval and p-value, paired part by part where the draws allow it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frame import Record
from ..statistics import Estimate, estimate

METRICS = ("variance", "mse", "seconds_per_draw")
PARTS = 64  # the store keeps this many interleaved parts of the draws
T = 1.9983405425207412  # 97.5 % point of Student's t with 63 degrees of freedom
Z = 1.9599639845400545  # of the Normal law
_ROUNDING = 64  # times eps, as in the harness: what differs by less is equal
_EPS = {"float32": 2.0**-23}


@dataclass(frozen=True)
class Ratio:
    """B / A of one number, on the log scale: where an interval of a ratio is nearly symmetric.

    Args:
        a: the number of A, None where there is none.
        b: the number of B.
        log: log(b / a); None where there is no ratio.
        below: length of the 95 % interval below ``log``.
        above: length above it.
        parts: r_k [64] of a paired comparison, None of an unpaired one.
        rounding: relative differences up to this are no differences.
        note: why there is no ratio, or no test.
    """

    a: float | None
    b: float | None
    log: float | None = None
    below: float = 0.0
    above: float = 0.0
    parts: NDArray[np.float64] | None = None
    rounding: float = 0.0
    note: str = ""

    @property
    def interval(self) -> Estimate | None:
        """The ratio with its 95 % interval, whose upper end may be infinite; None where there is no ratio."""
        if self.log is None:
            return None
        value = self.b / self.a if self.a and self.b else 1.0
        return Estimate(value, value * math.exp(-self.below), value * math.exp(self.above))

    @property
    def tested(self) -> bool:
        """Whether chance has a part in the ratio, so that it counts as a comparison."""
        return self.log is not None and not self.note

    def p(self, threshold: float = 1.0) -> float | None:
        """Return the two-sided p-value of "the ratio is ``threshold``"; below 0.05 where the interval leaves it out."""
        if self.log is None:
            return None
        distance = self.log - math.log(threshold)
        half = self.below if distance > 0 else self.above
        if abs(distance) <= self.rounding or half == math.inf:
            return 1.0
        if half == 0:
            return 0.0
        if self.parts is not None:
            return student_p(T * distance / half)
        return math.erfc(abs(Z * distance / half) / math.sqrt(2))


def ratio_of(
    a: Record, b: Record, replicates_a: Mapping[str, Sequence[float]], replicates_b: Mapping[str, Sequence[float]],
    metric: str,
) -> Ratio:  # fmt: skip
    """Return the ratio B / A of one of ``METRICS`` of two measured cells.

    Paired, from the means a_k and b_k of |g - mean|^2 (variance) or |g - exact|^2 (mse) over the same 64 interleaved
    parts of the draws: by the delta method log(b / a) moves with

        r_k = b_k / mean(b) - a_k / mean(a),    se^2 = var(r) / 64,    log(b / a) +- t_63 se.

    Noise that both cells share cancels in r_k; where they share none the parts are uncorrelated, and the interval is
    as long as it must be. Valid for 64 parts of several draws each, with finite fourth moments (else marked).

    Without parts (fewer than 128 draws, seconds) the ends of the two cells' own intervals are put together on
    the log scale as if independent: with a in [a_l, a_u], log(b / a) reaches down by
    hypot(log(b / b_l), log(a_u / a)) and up by hypot(log(b_u / b), log(a / a_l)) (MOVER; Zou & Donner 2008,
    Statistics in Medicine 27, 1693-1702, eq. 5, on logarithms).

    Returns:
        The ratio; without one, and with a note, where a number is missing or one of the two is 0; exactly 1, with a
        note, where both are 0.
    """
    found = [_positive_or_zero(record, metric) for record in (a, b)]
    x, y = found
    if x is None or y is None:
        lacking = " and ".join(name for name, one in zip("AB", found, strict=True) if one is None)
        return Ratio(x.value if x else None, y.value if y else None, note=f"not measured in {lacking}")
    if x.value == 0 and y.value == 0:
        return Ratio(0.0, 0.0, 0.0, note="zero on both sides")
    if x.value == 0 or y.value == 0:
        return Ratio(x.value, y.value, note=f"zero in {'A' if x.value == 0 else 'B'} only: no ratio")
    log = math.log(y.value / x.value)
    first, second = (np.asarray(parts.get(metric, ()), dtype=np.float64) for parts in (replicates_a, replicates_b))
    if len(first) == len(second) == PARTS:
        r = second / second.mean() - first / first.mean()
        below = above = T * float(r.std(ddof=1)) / math.sqrt(PARTS)
    else:
        r = None
        below = math.hypot(_log(y.value, y.lower), _log(x.upper, x.value))
        above = math.hypot(_log(y.upper, y.value), _log(x.value, x.lower))
    rounding = _rounding(a, x, metric) + _rounding(b, y, metric)
    if 0 < abs(log) <= rounding:
        below, above = max(below, rounding), max(above, rounding)
    return Ratio(x.value, y.value, log, below, above, r, rounding)


def geometric_mean(ratios: Sequence[Ratio]) -> Estimate | None:
    """Return the geometric mean of the ratios that have a test, with its 95 % interval; None for none.

    The interval is about these cells, no population of problems. Cells share noise; their errors add up part by part,
    mean_c r_ck, and the 64 parts' spread tells the error of the sum whatever the cells have in common. The intervals
    of unpaired ratios are averaged end by end, which holds at least 95 % however they hang together.
    """
    tested = [ratio for ratio in ratios if ratio.tested]
    if not tested:
        return None
    log = sum(ratio.log or 0.0 for ratio in tested) / len(tested)
    paired = [ratio.parts for ratio in tested if ratio.parts is not None]
    half = 0.0
    if paired:
        half = T * float((np.sum(paired, axis=0) / len(tested)).std(ddof=1)) / math.sqrt(PARTS)
    unpaired = [ratio for ratio in tested if ratio.parts is None]
    below = half + sum(ratio.below for ratio in unpaired) / len(tested)
    above = half + sum(ratio.above for ratio in unpaired) / len(tested)
    return Estimate(math.exp(log), math.exp(log - below), math.exp(log + above))


def student_p(t: float) -> float:
    """Return P(|T| >= |t|) for Student's t with 63 degrees of freedom, exactly.

    For odd nu, with theta = atan(t / sqrt(nu)) (Abramowitz & Stegun 1964, 26.7.3),

        P(|T| <= t) = 2/pi {theta + sin theta [cos theta + 2/3 cos^3 theta + ... + (2 4 ... (nu-3)) / (1 3 ... (nu-2))
                      cos^(nu-2) theta]}.

    Good to 1e-15 absolute: far tails are 0 to rounding.
    """
    nu = PARTS - 1
    theta = math.atan(abs(t) / math.sqrt(nu))
    cosine = math.cos(theta)
    term = total = cosine
    for k in range(3, nu, 2):
        term *= (k - 1) / k * cosine * cosine
        total += term
    return max(0.0, 1 - 2 / math.pi * (theta + math.sin(theta) * total))


def _positive_or_zero(record: Record, name: str) -> Estimate | None:
    """Return a number with its interval; an mse that rounding alone keeps from zero is zero."""
    found = estimate(record, name)
    if found is not None and name == "mse" and record.get("variance") == 0 and not record.get("bias_sq_lower"):
        return Estimate(0.0, 0.0, 0.0)
    return found


def _rounding(record: Record, found: Estimate, metric: str) -> float:
    """Return the relative error that rounding may leave in a variance or mse: 64 eps of the largest draw."""
    if metric == "seconds_per_draw":
        return 0.0
    if record.get("variance") == 0:  # mse is the bias alone, and its interval is its rounding
        return _log(float(record["bias_sq_upper"]), float(record["bias_sq_lower"]))
    largest = math.hypot(*(record.get("gradient_mean") or [0.0])) + math.sqrt(float(record["variance"]))
    return _ROUNDING * _EPS.get(str(record.get("dtype")), 2.0**-52) * largest / math.sqrt(found.value)


def _log(upper: float, lower: float) -> float:
    """Return log(upper / lower), infinite where the lower end is 0."""
    return math.log(upper / lower) if lower > 0 else math.inf
