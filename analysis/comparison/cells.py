"""Which cells of two sides are compared with which."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...bench.records import label, literal
from ..frame import Record, temperature_of

DIFFERS = ("seed", "num_draws", "dtype", "device", "threads")  # may differ between matched cells, and is then said


@dataclass(frozen=True)
class Cell:
    """A stored cell.

    Args:
        key: in its store.
        record: the JSON object.
        replicates: the means over parts of its draws, by metric.
    """

    key: str
    record: Record
    replicates: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """A or B: the cells of a store, or those of one estimator in it.

    Args:
        path: of the store, as it was given.
        cells: in the store's order.
        estimator: the estimator as it was given, None for the whole store.
        pinned: its parameters that were given a value.
    """

    path: str
    cells: Sequence[Cell]
    estimator: str | None = None
    pinned: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The side as it was given."""
        return self.path if self.estimator is None else f"{self.path}:{self.estimator}"

    def values(self, name: str) -> list[Any]:
        """Return the distinct values of a field, in their order."""
        return list(dict.fromkeys(cell.record.get(name) for cell in self.cells))


Pair = tuple[Cell, Cell]


def cells_of(stored: Mapping[str, tuple[Record, Mapping[str, Sequence[float]]]]) -> list[Cell]:
    """Return what ``Store.cells`` gave as cells."""
    return [Cell(key, record, replicates) for key, (record, replicates) in stored.items()]


def settings_of(record: Record) -> dict[str, Any]:
    """Return the estimator's parameters and its number of samples."""
    return {**record["config"], "num_samples": record["num_samples"]}


def chosen(cells: Sequence[Cell], estimator: str, pinned: Mapping[str, Any]) -> list[Cell]:
    """Return the cells of one estimator of which every pinned parameter has its value."""
    return [
        cell
        for cell in cells
        if cell.record["estimator"] == estimator
        and all(settings_of(cell.record).get(key) == value for key, value in pinned.items())
    ]


def matched(a: Side, b: Side) -> tuple[list[Pair], list[Cell], list[Cell]]:
    """Return the pairs to compare, and the cells of A and of B that have no partner.

    Two stores: problem, estimator, config and num_samples are equal. Two estimators: the problem is equal, and so is
    every parameter that both have, num_samples among them, unless both sides pinned it; what only one has may
    take any value. Where that leaves a choice (one side has the cell with two seeds), each cell gets one partner, the
    one that has most in common with it.
    """
    by_problem: dict[str, dict[str, list[Cell]]] = {}
    for cell in b.cells:
        by_problem.setdefault(cell.record["problem"], {}).setdefault(_identity(cell.record), []).append(cell)
    groups: dict[str, list[Cell]] = {}
    for cell in a.cells:
        groups.setdefault(f"{cell.record['problem']} {_identity(cell.record)}", []).append(cell)
    free = None if a.estimator is None or b.estimator is None else a.pinned.keys() & b.pinned.keys()
    pairs: list[Pair] = []
    for group in groups.values():
        for others in by_problem.get(group[0].record["problem"], {}).values():
            if _compatible(group[0].record, others[0].record, free):
                pairs += _assigned(group, others)
    place = {id(cell): position for position, cell in enumerate([*a.cells, *b.cells])}
    pairs.sort(key=lambda pair: (place[id(pair[0])], place[id(pair[1])]))
    used = {id(cell) for pair in pairs for cell in pair}
    only_a, only_b = ([cell for cell in side.cells if id(cell) not in used] for side in (a, b))
    return pairs, only_a, only_b


def _identity(record: Record) -> str:
    return f"{record['estimator']} {sorted(settings_of(record).items())}"


def _compatible(x: Record, y: Record, free: Collection[str] | None) -> bool:
    first, second = settings_of(x), settings_of(y)
    if free is None:
        return bool(x["estimator"] == y["estimator"] and first == second)
    return all(key in free or second.get(key, value) == value for key, value in first.items())


def _assigned(group: Sequence[Cell], others: Sequence[Cell]) -> list[Pair]:
    """Return one partner each, those first that have most in common."""

    def common(pair: Pair) -> tuple[bool, list[bool]]:
        x, y = pair
        return x.key == y.key, [x.record.get(name) == y.record.get(name) for name in DIFFERS]

    pairs: list[Pair] = []
    for x, y in sorted(((x, y) for x in group for y in others), key=common, reverse=True):
        if all(x is not taken and y is not other for taken, other in pairs):
            pairs.append((x, y))
    return pairs


def differences(pair: Pair) -> dict[str, tuple[Any, Any]]:
    """Return of what may differ between matched cells what does, with both values."""
    x, y = (cell.record for cell in pair)
    return {name: (x.get(name), y.get(name)) for name in DIFFERS if x.get(name) != y.get(name)}


def points_keys(pair: Pair) -> tuple[str | None, str | None]:
    """Return what decided the points of each side: equal ones met the same; None where the record does not say."""
    x, y = (cell.record.get("points_key") for cell in pair)
    return x, y


def both(x: str, y: str) -> str:
    """Return 'x' where both are equal, one where the other is empty, else 'x → y'."""
    return x if x == y else f"{x} → {y}" if x and y else x or y


def estimators_of(pair: Pair) -> str:
    """Return the estimators of a pair with their parameters, once where they are equal."""
    return both(*(label(cell.record) for cell in pair))


def temperatures_of(pair: Pair) -> str:
    """Return the temperatures of a pair, once where they are equal; '' where there is none."""
    found = (temperature_of(cell.record) for cell in pair)
    return both(*("" if value is None else literal(value) for value in found))


def samples_of(pair: Pair) -> str:
    """Return the numbers of samples of a pair, once where they are equal."""
    return both(*(str(cell.record["num_samples"]) for cell in pair))


def name_of(pair: Pair) -> str:
    """Return what a pair is, in one line: estimators, temperatures, samples and problem."""
    temperature = temperatures_of(pair)
    at = f" at temperature {temperature}" if temperature else ""
    return f"{estimators_of(pair)}{at}, num_samples {samples_of(pair)}, on {pair[0].record['problem']}"
