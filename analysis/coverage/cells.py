"""One interval of one case, counted over its replicates, and the verdict on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from scipy import special

Row = Mapping[str, Any]

INTERVALS = {"variance": "variance", "bias_sq": "bias²", "mse": "mse", "ratio": "ratio of variances"}
LEAST, MOST = 0.935, 0.97  # what an interval of 95 % may cover
LEVEL = 0.05  # of all verdicts together
FAR = 3.0  # standard errors of the mean, from which on a bias is away from zero
_HALF = 0.5
_ROUNDING = 1e-9


class Verdict(Enum):
    """What the counts say of an interval."""

    COVERS = "covers"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    MARKED = "marked"


@dataclass(frozen=True)
class Rate:
    """A share of trials, with its exact 95 % interval (Clopper & Pearson 1934)."""

    count: int
    trials: int

    @property
    def value(self) -> float:
        """The share; NaN without trials."""
        return self.count / self.trials if self.trials else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        k, n, tail = self.count, self.trials, LEVEL / 2
        lower = float(special.betaincinv(k, n - k + 1, tail)) if k else 0.0
        upper = float(special.betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
        return lower, upper

    def __str__(self) -> str:
        """Return '94.8 %', '-' without trials."""
        return f"{100 * self.value:.1f} %" if self.trials else "–"


@dataclass(frozen=True)
class Cell:
    """An interval of a case.

    Args:
        row: the case with its counts.
        interval: a key of INTERVALS.
    """

    row: Row
    interval: str

    @property
    def name(self) -> str:
        """The case with its number of draws, or the precision that ended it."""
        precision = self.row["precision"]
        return f"{self.row['name']}, " + (
            f"to {100 * precision:g} %" if precision else f"N = {self.row['num_draws']:,}"
        )

    @property
    def held(self) -> Rate:
        """How often the interval held the truth, marked or not."""
        return Rate(self.row["held"][self.interval], self.row["replicates"])

    @property
    def marked(self) -> Rate:
        """How often a measurement that the interval rests on was marked."""
        return Rate(self.row["marked"][self.interval], self.row["replicates"])

    @property
    def held_unmarked(self) -> Rate:
        """How often the interval held the truth, of the replicates without a mark."""
        return Rate(self.row["held_unmarked"][self.interval], self.row["replicates"] - self.marked.count)

    @property
    def misled(self) -> Rate:
        """How often a replicate had no mark, and its interval did not hold the truth."""
        return Rate(self.held_unmarked.trials - self.held_unmarked.count, self.row["replicates"])

    @property
    def is_marked(self) -> bool:
        """Whether half of the replicates or more are marked."""
        return self.marked.value >= _HALF

    @property
    def bias_in_se(self) -> float:
        """The bias in standard errors of the mean, sqrt(variance / N)."""
        truths = self.row["truths"]
        return math.sqrt(truths["bias_sq"] * self.row["num_draws"] / truths["variance"])

    @property
    def may_be_long(self) -> bool:
        """Whether an interval has a reason to cover more than 97 %: bias near zero, or a degenerate variance."""
        if self.interval == "bias_sq":
            return self.bias_in_se < FAR * (1 - _ROUNDING)
        return bool(self.row["marks"]["degenerate"] >= _HALF * self.row["replicates"])

    @property
    def p_short(self) -> float:
        """P(no more are held | 93.5 % are)."""
        return float(special.bdtr(self.held.count, self.held.trials, LEAST))

    @property
    def p_long(self) -> float:
        """P(no fewer are held | 97 % are)."""
        return float(special.bdtrc(self.held.count - 1, self.held.trials, MOST)) if self.held.count else 1.0


@dataclass(frozen=True)
class Judged:
    """A cell with its verdict, at LEVEL over all comparisons of unmarked cells (Bonferroni)."""

    cell: Cell
    verdict: Verdict


def cells_of(rows: Sequence[Row]) -> list[Cell]:
    """Return every interval of every case."""
    return [Cell(row, interval) for row in rows for interval in INTERVALS if interval in row["held"]]


def judged(cells: Sequence[Cell]) -> list[Judged]:
    """Return every cell with its verdict."""
    level = LEVEL / max(1, comparisons(cells))
    return [Judged(cell, _verdict(cell, level)) for cell in cells]


def comparisons(cells: Sequence[Cell]) -> int:
    """Return how many binomial tests the verdicts on unmarked cells take."""
    return sum(1 + (not cell.may_be_long) for cell in cells if not cell.is_marked)


def _verdict(cell: Cell, level: float) -> Verdict:
    if cell.is_marked:
        return Verdict.MARKED
    if cell.p_short < level:
        return Verdict.TOO_SHORT
    return Verdict.TOO_LONG if not cell.may_be_long and cell.p_long < level else Verdict.COVERS


def fails(cell: Cell) -> bool:
    """Return whether a cell, marked or not, is shown to cover less than 93.5 %, at 5 % for it alone."""
    return cell.p_short < LEVEL


def as_text(cells: Sequence[Cell]) -> str:
    """Return a line for each cell, for a terminal."""
    return "\n".join(
        f"{one.cell.name}, {INTERVALS[one.cell.interval]}: {one.cell.held} of {one.cell.held.trials:,}, "
        f"{one.cell.marked} marked: {one.verdict.value}"
        for one in judged(cells)
    )
