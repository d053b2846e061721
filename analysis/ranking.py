"""Rankings of estimators: least mse, best temperature, least time; oracle rows are never among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..bench.records import literal
from .frame import Frame, Record, temperature_of
from .numbers import seconds, times
from .phrases import at, code, listed
from .series import Series
from .statistics import Estimate, biased, estimate, evaluations, marks_of, mse_at, scale_of


@dataclass(frozen=True)
class Choice:
    """An estimator at its best temperature.

    Args:
        label: the estimator, as the series names it.
        record: the cell.
        mse: of an average of the stated number of draws, over |gradient|^2 if ``relative``.
        relative: whether the mse is relative.
    """

    label: str
    record: Record
    mse: Estimate
    relative: bool

    @property
    def name(self) -> str:
        """The estimator with its temperature, as a sentence names it."""
        return at(self.label, self.record)


@dataclass(frozen=True)
class TemperatureChoice:
    """The best temperature of one estimator on one problem.

    Args:
        label: the estimator.
        draws: how many draws are averaged.
        best: temperature of the least mse.
        equal: other temperatures whose intervals meet that of the best.
        worst: temperature of the largest mse.
        loss: largest over least mse, None where the least is not positive.
        edge: whether the best is the first or the last on the grid, so that a better one may lie beyond.
    """

    label: str
    draws: int
    best: str
    equal: tuple[str, ...]
    worst: str
    loss: float | None
    edge: bool

    @property
    def matters(self) -> bool:
        """Whether a difference between temperatures is shown at all."""
        return self.worst not in self.equal and self.worst != self.best


@dataclass(frozen=True)
class Timed:
    """What one draw of an estimator costs: its median over temperatures in seconds, and as text."""

    label: str
    seconds: float
    text: str


def ranked(every: Sequence[Series], draws: int) -> list[Choice]:
    """Return each estimator at its temperature of least mse, the best first.

    Args:
        every: the series of one problem, without oracles.
        draws: how many draws are averaged.
    """
    relative = all(scale_of(record) is not None for one in every for record in one.frame)
    choices = []
    for one in every:
        cells = [(record, mse) for record in one.frame if (mse := mse_at(record, draws)) is not None]
        if cells:
            record, mse = min(cells, key=lambda cell: cell[1].value)
            scale = (scale_of(record) if relative else None) or 1.0
            choices.append(Choice(one.label, record, mse.over(scale), relative))
    return sorted(choices, key=lambda choice: choice.mse.value)


def temperature_choices(every: Sequence[Series], numbers: Sequence[int]) -> tuple[TemperatureChoice, ...]:
    """Return the best temperature of every estimator that was measured at two or more, for each number of draws."""
    found = []
    for one in every:
        cells = one.frame.where(lambda record: temperature_of(record) is not None)
        for draws in numbers:
            known = [(temperature_of(r) or 0.0, mse) for r in cells if (mse := mse_at(r, draws)) is not None]
            if len(known) > 1:
                found.append(_temperature_choice(one.label, draws, known))
    return tuple(found)


def _temperature_choice(label: str, draws: int, known: Sequence[tuple[float, Estimate]]) -> TemperatureChoice:
    best, least = min(known, key=lambda cell: cell[1].value)
    worst, most = max(known, key=lambda cell: cell[1].value)
    return TemperatureChoice(
        label=label,
        draws=draws,
        best=literal(best),
        equal=tuple(literal(t) for t, mse in known if t != best and mse.overlaps(least)),
        worst=literal(worst),
        loss=most.value / least.value if least.value > 0 else None,
        edge=best in (min(t for t, _ in known), max(t for t, _ in known)),
    )


def by_time(every: Sequence[Series]) -> list[Timed]:
    """Return what one draw of each estimator costs, the cheapest first."""
    found = []
    for one in every:
        known = [time for record in one.frame if (time := estimate(record, "seconds_per_draw")) is not None]
        if known:
            middle = sorted(known, key=lambda time: time.value)[(len(known) - 1) // 2]
            value = float(np.median([time.value for time in known]))
            found.append(Timed(one.label, value, seconds(middle)))
    return sorted(found, key=lambda timed: timed.seconds)


def steadiest(every: Sequence[Series]) -> str | None:
    """Return a sentence on the least variance per evaluation among cells of which no bias is shown, or None.

    Only these come as close to the exact gradient as one likes when more draws are averaged. A value and a slope
    of f count one evaluation each.
    """
    cells = Frame(tuple(record for one in every for record in one.frame))
    labels = {id(record): one.label for one in every for record in one.frame}
    known, skipped = [], False
    for record, verdict in zip(cells, biased(cells.records), strict=True):
        variance, number = estimate(record, "variance"), evaluations(record)
        if verdict is not False or variance is None or not number:
            continue
        skipped = skipped or bool(marks_of(record))
        if variance.value > 0 and not marks_of(record):
            known.append((variance.over(1 / number), at(labels[id(record)], record)))
    if len(known) < 2:
        return None
    known.sort(key=lambda item: item[0].value)
    (best, name), rest = known[0], known[1:]
    equal = [other for value, other in rest if value.overlaps(best)]
    head = "Where no bias is shown" + (" and no mark stands" if skipped else "")
    head = f"{head}, {name} has the least variance per evaluation of f (a slope counts as one more)"
    if equal:
        return f"{head}; no difference is shown to {listed(equal)}."
    return f"{head}, then {rest[0][1]} with {times(rest[0][0].value / best.value)} as much."


def winners(choices: Sequence[Choice]) -> list[Choice]:
    """Return the first of a ranking and all whose intervals meet its own."""
    return [one for one in choices if one.mse.overlaps(choices[0].mse)]


def named(choices: Sequence[Choice]) -> str:
    """Return the estimators of choices as a list in words."""
    return listed(code(one.label) for one in choices)
