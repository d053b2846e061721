"""Whether two sides estimate the same: the mean of each entry of the gradient, and the trace of its covariance."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import special

from .side import Side

LEVEL = 1e-3  # at which sides that agree are said not to, over all entries of a row and its trace
FEWEST = 32  # calls of a side: Welch's test is one on their means
ROUNDING = 1e-6  # float32: of two numbers that differ by less of themselves neither is wrong


@dataclass(frozen=True)
class Agreement:
    """Two sides compared.

    Args:
        draws: of each side.
        p_mean: least p-value over the entries of the mean, times their number and one for the trace.
        p_trace: of the trace, times the same number.
        trace: the trace by each side.
        agrees: whether neither is below the level.
    """

    draws: tuple[int, int]
    p_mean: float
    p_trace: float
    trace: tuple[float, float]
    agrees: bool

    def fields(self) -> dict[str, Any]:
        """Return it for a JSON file, with the level."""
        return asdict(self) | {"level": LEVEL}


def agreement(ours: Side, theirs: Side, draws: int) -> Agreement:
    """Return whether two sides agree, by a Welch test for each entry and one for the trace, Bonferroni.

    Sides that agree fail in at most one of 1,000 rows. The trace of a call is that of its own draws, unbiased.

    Args:
        ours: one side.
        theirs: the other, with as many entries.
        draws: at least that many of each.

    Raises:
        ValueError: if their gradients differ in length.
    """
    found = [_statistics(side, draws) for side in (ours, theirs)]
    if found[0].shape[1] != found[1].shape[1]:
        raise ValueError(f"gradients of {found[0].shape[1] - 1} and {found[1].shape[1] - 1} entries cannot agree")
    p = np.minimum(1, welch(*found) * found[0].shape[1])
    p_mean, p_trace = float(p[:-1].min()), float(p[-1])
    traces = float(found[0][:, -1].mean()), float(found[1][:, -1].mean())
    counts = len(found[0]) * ours.rows, len(found[1]) * theirs.rows
    return Agreement(counts, p_mean, p_trace, traces, min(p_mean, p_trace) >= LEVEL)


def welch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return two-sided p-values of equal column means; a difference counts as far as it exceeds rounding.

    Args:
        a: independent rows [calls, columns].
        b: likewise, of another source.
    """
    largest = np.maximum(np.abs(a).max(0), np.abs(b).max(0))
    difference = np.maximum(np.abs(a.mean(0) - b.mean(0)) - ROUNDING * largest, 0)
    of_a, of_b = a.var(0, ddof=1) / len(a), b.var(0, ddof=1) / len(b)
    error = of_a + of_b
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = error**2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
        p = 2 * special.stdtr(freedom, -difference / np.sqrt(error))
    return np.where(error > 0, p, difference == 0)


def _statistics(side: Side, draws: int) -> np.ndarray:
    """Return the means of entries and the trace [calls, n + 1] of calls with other seeds than the rounds'."""
    calls = max(FEWEST, math.ceil(draws / side.rows))
    found = [side(seed) for seed in range(calls)]
    return np.array([[*call.mean, call.trace] for call in found])
