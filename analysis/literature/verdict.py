"""Verdicts: comparisons of records with values and with each other, at one level over all of them together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist
from typing import Protocol

from ..frame import Record
from ..numbers import p_value, short, times, with_interval
from ..statistics import FLOOR_P, LEVEL, Estimate, estimate, marks_of

DISHONEST = ("heavy_tail", "one_draw_dominates", "rare_outcome")  # marks with which an interval may be too narrow
ROUNDING = 1e-12  # relative: below it two numbers are equal
NOTHING = 1e-28  # the square of a rounding error of costs of size one


class Outcome(Enum):
    """What a comparison shows."""

    HOLDS = "holds"
    FAILS = "fails"
    OPEN = "open"  # intervals meet, or one that contradicts is marked


class Verdict(Enum):
    """What is said of a claim."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    UNDECIDED = "undecided"
    NOT_PUBLISHED = "not published"  # no readable value; ours meets the exact one


class Check(Protocol):
    """One comparison among ``number`` that hold together at 95 %."""

    @property
    def where(self) -> str: ...  # noqa: D102
    def outcome(self, number: int) -> Outcome: ...  # noqa: D102
    def margin(self, number: int) -> float: ...  # noqa: D102
    def reference(self) -> str: ...  # noqa: D102
    def ours(self, number: int) -> str: ...  # noqa: D102


def wider(found: Estimate, number: int, logarithmic: bool) -> Estimate:
    """Return a 95 % interval widened so that ``number`` of them hold together (Bonferroni).

    Each end moves away from the value by z(1 - 0.025 / number) / z(0.975), on the scale of the logarithm where a
    number is positive by definition: the normal approximation that the interval itself makes, carried further out.
    """
    factor = NormalDist().inv_cdf(1 - LEVEL / 2 / number) / NormalDist().inv_cdf(1 - LEVEL / 2)
    if logarithmic and found.lower > 0:
        down, up = (found.value * (end / found.value) ** factor for end in (found.lower, found.upper))
        return Estimate(found.value, down, up)
    down = found.value - factor * max(found.value - found.lower, 0.0)  # an unclipped bias_sq may lie below its interval
    return Estimate(found.value, down, found.value + factor * (found.upper - found.value))


def interval(cell: Record, field: str, number: int) -> Estimate:
    """Return a statistic of a cell with its widened interval.

    Raises:
        ValueError: if the cell was not measured.
    """
    found = estimate(cell, field)
    if found is None:
        raise ValueError(f"{cell['estimator']} on {cell['problem']} has no {field}: run the study again")
    return wider(found, number, field == "variance")


def honest(*cells: Record) -> bool:
    """Return whether no mark says that an interval may be too narrow."""
    return not any(mark in DISHONEST for cell in cells for mark in marks_of(cell))


@dataclass(frozen=True)
class Equals:
    """A statistic has a value: it lies in the interval.

    Args:
        where: which point of the claim this is.
        cell: the record.
        value: published or exact.
        field: variance or bias_sq.
        half_unit: half a unit of the last digit printed.
    """

    where: str
    cell: Record
    value: float
    field: str = "variance"
    half_unit: float = 0.0

    def outcome(self, number: int) -> Outcome:
        """Return HOLDS inside, else FAILS, or OPEN where the cell is marked."""
        if self.margin(number) >= 0:
            return Outcome.HOLDS
        return Outcome.FAILS if honest(self.cell) else Outcome.OPEN

    def margin(self, number: int) -> float:
        """Return 1 at the estimate, 0 at an end of the interval, below 0 outside."""
        found = interval(self.cell, self.field, number)
        away = max(abs(self.value - found.value) - self.half_unit, 0.0)
        scale = float(self.cell.get("gradient_norm") or 1.0) ** 2
        if away <= max(ROUNDING * max(abs(self.value), scale), NOTHING):
            return 1.0
        half = found.upper - found.value if self.value > found.value else found.value - found.lower
        return 1 - away / half if half > 0 else -math.inf

    def reference(self) -> str:
        """Return the value as text."""
        return f"{short(self.value, 5)} ({self.where})"

    def ours(self, number: int) -> str:
        """Return the estimate with its widened interval."""
        return with_interval(interval(self.cell, self.field, number))


@dataclass(frozen=True)
class Below:
    """One variance (or bias_sq) is smaller than another: their intervals are apart.

    Args:
        where: which point of the claim this is.
        small: what is claimed to be smaller.
        large: what is claimed to be larger.
        field: variance or bias_sq.
        strict: whether intervals that meet leave it open; else only intervals apart the wrong way speak against it.
    """

    where: str
    small: Record
    large: Record
    field: str = "variance"
    strict: bool = True

    def outcome(self, number: int) -> Outcome:
        """Return HOLDS or FAILS where the intervals are apart, OPEN where they meet or a contradiction is marked."""
        small, large = (interval(cell, self.field, number) for cell in (self.small, self.large))
        reversed_ = large.upper < small.lower
        if small.upper < large.lower or not (self.strict or reversed_):
            return Outcome.HOLDS
        return Outcome.FAILS if reversed_ and honest(self.small, self.large) else Outcome.OPEN

    def margin(self, number: int) -> float:
        """Return the gap between the intervals, relative to the larger estimate; below 0 where they meet."""
        small, large = (interval(cell, self.field, number) for cell in (self.small, self.large))
        return (large.lower - small.upper) / max(abs(large.value), 1e-300)

    def reference(self) -> str:
        """Return the order as text."""
        return f"{self.small['estimator']} {'<' if self.strict else '≤'} {self.large['estimator']} ({self.where})"

    def ours(self, number: int) -> str:
        """Return both estimates with their widened intervals."""
        small, large = (interval(cell, self.field, number) for cell in (self.small, self.large))
        far = 0 < 1.2 * small.value < large.value
        ratio = f"; {times(large.value / small.value)} less" if far else ""
        return f"{with_interval(small)} against {with_interval(large)}{ratio}"


@dataclass(frozen=True)
class Bias:
    """A bias is shown, or is not, at 5 % over all comparisons.

    Args:
        where: which point of the claim this is.
        cell: the record.
        expected: whether the claim says that there is a bias.
    """

    where: str
    cell: Record
    expected: bool

    def outcome(self, number: int) -> Outcome:
        """Return FAILS where a claimed absence is refuted, OPEN where a claimed bias is not shown."""
        if self._shown(number) == self.expected:
            return Outcome.HOLDS
        return Outcome.OPEN if self.expected or not honest(self.cell) else Outcome.FAILS

    def margin(self, number: int) -> float:
        """Return how far the p-value lies on the claimed side."""
        p = float(self.cell["unbiased_p"])
        return LEVEL / number - p if self.expected else p - LEVEL / number

    def reference(self) -> str:
        """Return what is claimed as text."""
        return f"{'biased' if self.expected else 'bias² 0'} ({self.where})"

    def ours(self, number: int) -> str:
        """Return bias² with its widened interval and its p-value."""
        return f"{with_interval(interval(self.cell, 'bias_sq', number))}, p {p_value(float(self.cell['unbiased_p']))}"

    def _shown(self, number: int) -> bool:
        p = float(self.cell["unbiased_p"])
        small = p <= max(LEVEL / number, FLOOR_P)  # an asymptotic p is floored
        return small and float(self.cell.get("bias_sq_lower") or 0.0) > 0


@dataclass(frozen=True)
class Claim:
    """A statement, and the comparisons that decide it.

    Args:
        text: what is claimed, in our words.
        published: whether a source says it; else the reference is an exact value that we computed.
        checks: at least one; all must hold.
    """

    text: str
    published: bool
    checks: Sequence[Check]

    def verdict(self, number: int) -> Verdict:
        """Return what all checks together show, each at the level of ``number`` comparisons.

        Raises:
            ValueError: if there is nothing to check.
        """
        if not self.checks:
            raise ValueError(f"the claim '{self.text}' has no check: its cells are not among the records")
        found = [check.outcome(number) for check in self.checks]
        if Outcome.FAILS in found:
            return Verdict.DIFFERS
        if Outcome.OPEN in found:
            return Verdict.UNDECIDED
        return Verdict.REPRODUCED if self.published else Verdict.NOT_PUBLISHED

    def tightest(self, number: int) -> Check:
        """Return the check that decides: one that fails, else one that is open, else the nearest to failing."""
        order = (Outcome.FAILS, Outcome.OPEN, Outcome.HOLDS)
        return min(self.checks, key=lambda check: (order.index(check.outcome(number)), check.margin(number)))
