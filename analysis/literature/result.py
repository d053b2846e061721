"""A published result: what it says, the cells that answer, and the curves of its figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...bench.records import literal
from ..frame import Frame, Record, parameters_of
from .verdict import Claim, Equals


@dataclass(frozen=True)
class Point:
    """A cell at a place on a curve, and what it should be where that is known exactly."""

    x: float
    cell: Record
    exact: float | None = None


@dataclass(frozen=True)
class Curve:
    """An estimator's cells along an axis.

    Args:
        label: in the legend.
        points: in rising order of x.
        variant: 0, 1, ... tells configurations of one estimator apart.
    """

    label: str
    points: Sequence[Point]
    variant: int = 0

    @property
    def estimator(self) -> str:
        """The name that decides colour and marker."""
        return str(self.points[0].cell["estimator"])


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Args:
        title: what it shows.
        along: label of the horizontal axis.
        curves: what is drawn.
        field: variance or bias_sq.
        logarithmic: whether the horizontal axis is.
    """

    title: str
    along: str
    curves: Sequence[Curve]
    field: str = "variance"
    logarithmic: bool = False


@dataclass(frozen=True)
class Result:
    """One result of the literature.

    Args:
        name: a file name and an anchor.
        title: the heading.
        source: authors, year, arXiv number, figure where known.
        setting: what is computed here.
        printed: what the source prints, and what could not be read.
        caption: what the figure shows.
        panels: its figure, from all records.
        claims: what is checked, from all records.
    """

    name: str
    title: str
    source: str
    setting: str
    printed: str
    caption: str
    panels: Callable[[Frame], Sequence[Panel]]
    claims: Callable[[Frame], Sequence[Claim]]


def cell(frame: Frame, problem: str, estimator: str, num_samples: int | None = None, **names: Any) -> Record:
    """Return the one measured record of a problem and an estimator.

    Args:
        frame: all records.
        problem: its name without brackets.
        estimator: its name.
        num_samples: S, where several were measured.
        names: parameters of the problem, or of the estimator.

    Raises:
        LookupError: if no record fits, or several.
    """

    def fits(record: Record) -> bool:
        known = parameters_of(record["problem"]) | dict(record["config"])
        return (
            record["problem"].partition("[")[0] == problem
            and (num_samples is None or record["num_samples"] == num_samples)
            and all(known.get(key) == value for key, value in names.items())
        )

    found = frame.ok.where(fits, estimator=estimator)
    if len(found) != 1:
        said = ", ".join(f"{key}={literal(value)}" for key, value in names.items())
        at = "" if num_samples is None else f" at S = {num_samples}"
        raise LookupError(f"{len(found)} records of {estimator}{at} on {problem}[{said}]; 'make literature' gives one")
    return found[0]


def meets_exact(text: str, curves: Iterable[Curve], field: str = "variance", along: str = "k") -> Claim:
    """Return the claim that every point of some curves with an exact value has that value."""
    checks = [
        Equals(f"{curve.label}, {along} = {literal(point.x)}", point.cell, point.exact, field)
        for curve in curves
        for point in curve.points
        if point.exact is not None
    ]
    return Claim(text, published=False, checks=checks)
