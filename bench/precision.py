"""Draws until the variance is known to a stated precision, and the rule that says when it is."""

from __future__ import annotations

import math

from ..estimators.errors import InputError
from .cells import measure_requests
from .draws import Request
from .exact import Truth
from .problem import Problem
from .records import Measurement

FIRST_LOOK = 4_096  # draws; looks follow at every power of two
MAX_DRAWS = 2**20
_PASSES = 2  # in a row


def half_width(measured: Measurement) -> float:
    """Return half the length of the variance's interval over the variance, infinity where either is not there."""
    if not measured.variance or measured.variance_lower is None or measured.variance_upper is None:
        return math.inf
    return (measured.variance_upper - measured.variance_lower) / (2 * measured.variance)


def reached(measured: Measurement, precision: float) -> bool:
    """Return whether a look passes: short enough, no mark, a variance other than zero."""
    return measured.status == "ok" and not measured.marks and half_width(measured) <= precision


def measure_to_precision(
    problem: Problem,
    one: Request,
    exact: Truth,
    *,
    precision: float,
    seed: int,
    threads: int = 1,
    max_draws: int = MAX_DRAWS,
) -> Measurement:
    """Measure at 4,096, 8,192, ... draws until the relative half-width of the variance is ``precision`` twice in a row.

    An interval that stops as soon as it is short stops where the variance happens to look small: looking from 200 draws
    on, it covers 80 %. So nothing is looked at below 4,096 draws, one pass is not enough, and a look with a mark or
    without any variance never passes. What is returned is the measurement of num_draws draws, to the bit: each look
    draws anew from the same noise, which costs less than twice the draws of the last.

    Args:
        problem: in the dtype and on the device where it is measured.
        one: what to measure.
        exact: the problem's exact gradient.
        precision: in (0, 1).
        seed: of the noise.
        threads: blocks measured at a time.
        max_draws: no look takes more; the last one then stands whatever its precision, see ``reached``.

    Raises:
        InputError: for a precision or cap that cannot be met, or if the measurement fails.
    """
    check_precision(precision, max_draws)
    num_draws, passes = FIRST_LOOK, 0
    while True:
        (found,) = measure_requests(problem, [one], exact, num_draws=num_draws, seed=seed, threads=threads)
        if isinstance(found, InputError):
            raise found
        passes = passes + 1 if reached(found, precision) else 0
        settled = found.status != "ok" or one.estimator.facts.deterministic
        if passes == _PASSES or settled or 2 * num_draws > max_draws:
            return found
        num_draws *= 2


def check_precision(precision: float, max_draws: int) -> None:
    """Refuse what no number of draws can meet.

    Raises:
        InputError: naming the argument.
    """
    if isinstance(precision, bool) or not isinstance(precision, int | float) or not 0 < precision < 1:
        raise InputError(
            f"precision={precision!r}; it is a relative half-width between 0 and 1: 0.02 stands for 2 % of the variance"
        )
    if isinstance(max_draws, bool) or not isinstance(max_draws, int) or max_draws < FIRST_LOOK:
        raise InputError(f"max_draws={max_draws!r}; it must be a whole number, {FIRST_LOOK:,} or more")
