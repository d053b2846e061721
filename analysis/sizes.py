"""Sweeps over sizes: problems that differ in dim, latents or classes only."""

from __future__ import annotations

from dataclasses import dataclass

from ..bench.records import literal
from .frame import Frame, parameters_of, temperature_of

SIZES = ("dim", "latents", "classes")  # parameters of problems that are their size
CURVE = 3  # so many temperatures, or numbers of samples, make a curve worth a figure


@dataclass(frozen=True)
class Sweep:
    """Problems that differ in one size.

    Args:
        title: what they share, and the size, e.g. 'polynomial[degree=2] by dim'.
        along: the size: dim, latents or classes.
        frame: their records, in rising order of the size.
    """

    title: str
    along: str
    frame: Frame


def sweeps(frame: Frame) -> list[Sweep]:
    """Return for each size the sets of two or more measured problems that differ in nothing else."""
    found = []
    for along in SIZES:
        groups: dict[tuple[str, tuple[tuple[str, object], ...]], list[str]] = {}
        for problem in frame.ok.values("problem"):
            parameters = parameters_of(problem)
            if along in parameters:
                rest = tuple((key, value) for key, value in parameters.items() if key != along)
                groups.setdefault((problem.partition("[")[0], rest), []).append(problem)
        for (name, rest), problems in groups.items():
            if len(problems) > 1:
                inside = ",".join(f"{key}={literal(value)}" for key, value in rest)
                title = f"{name}[{inside}] by {along}" if inside else f"{name} by {along}"
                cells = frame.where(lambda record, mine=set(problems): record["problem"] in mine)  # type: ignore[misc]
                found.append(Sweep(title, along, cells.sort(along)))
    return found


def size_of(frame: Frame) -> str | None:
    """Return the first of dim, latents and classes of which the problems have several values; None: there is none."""
    for name in SIZES:
        if len({parameters_of(str(record["problem"])).get(name) for record in frame.ok} - {None}) > 1:
            return name
    return None


def standing_alone(frame: Frame) -> Frame:
    """Return the records of problems that are more than one point of a sweep.

    A point of a sweep was measured at too few temperatures and numbers of samples to draw anything against them.
    """
    points = {problem for sweep in sweeps(frame) for problem in sweep.frame.values("problem")}
    alone = {
        problem
        for (problem,), cells in frame.group_by("problem").items()
        if problem not in points or _has_curve(cells.choices)
    }
    return frame.where(lambda record: record["problem"] in alone)


def _has_curve(cells: Frame) -> bool:
    return any(
        len({temperature_of(record) for record in mine}) >= CURVE or len(mine.values("num_samples")) >= CURVE
        for mine in cells.group_by("estimator").values()
    )
