"""A frame: a few records at a time, filtered, grouped, sorted and read as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.records import read_value

Record = Mapping[str, Any]
ORACLES = ("enumerate",)  # rows that know the truth: shown, never recommended


@dataclass(frozen=True)
class Frame:
    """Records in an order, never changed; every method returns a new frame.

    Args:
        records: mappings with the fields of the JSON contract.
    """

    records: tuple[Record, ...]

    @classmethod
    def of(cls, records: Sequence[Record] | Frame) -> Frame:
        """Return a frame of records, or the frame itself."""
        return records if isinstance(records, Frame) else cls(tuple(records))

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __getitem__(self, position: int) -> Record:
        return self.records[position]

    def where(self, predicate: Callable[[Record], bool] | None = None, /, **equals: Any) -> Frame:
        """Return the records of which every named field or parameter has the value, and the predicate holds."""
        return Frame(
            tuple(
                record
                for record in self.records
                if (predicate is None or predicate(record))
                and all(value_of(record, name) == value for name, value in equals.items())
            )
        )

    def group_by(self, *names: str) -> dict[tuple[Any, ...], Frame]:
        """Return a frame for each combination of values, in the order in which they first appear."""
        groups: dict[tuple[Any, ...], list[Record]] = {}
        for record in self.records:
            groups.setdefault(tuple(_hashable(value_of(record, name)) for name in names), []).append(record)
        return {key: Frame(tuple(members)) for key, members in groups.items()}

    def sort(self, *names: str) -> Frame:
        """Return the records in rising order of fields or parameters, absent values first; equals keep their order."""
        return Frame(tuple(sorted(self.records, key=lambda record: [_rank(value_of(record, name)) for name in names])))

    def values(self, name: str) -> tuple[Any, ...]:
        """Return the distinct values of a field or parameter, in the order in which they first appear."""
        return tuple(dict.fromkeys(_hashable(value_of(record, name)) for record in self.records))

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a field or parameter as numbers [len(self)]; what is absent is NaN."""
        found = (value_of(record, name) for record in self.records)
        return np.array([np.nan if value is None else float(value) for value in found], dtype=np.float64)

    @property
    def temperatures(self) -> NDArray[np.float64]:
        """The temperatures [len(self)]; NaN for estimators without one."""
        return self.column("temperature")

    @property
    def ok(self) -> Frame:
        """The cells that were measured."""
        return self.where(status="ok")

    @property
    def not_ok(self) -> Frame:
        """The cells that do not apply or failed."""
        return self.where(lambda record: record["status"] != "ok")

    @property
    def choices(self) -> Frame:
        """The measured cells without the oracle rows."""
        return self.ok.where(lambda record: record["estimator"] not in ORACLES)


def value_of(record: Record, name: str) -> Any:
    """Return a record's field, else its estimator's parameter of that name, else its problem's, else None."""
    if name in record:
        return record[name]
    config = record.get("config") or {}
    return config[name] if name in config else parameters_of(record["problem"]).get(name)


def temperature_of(record: Record) -> float | None:
    """Return the temperature of a record's estimator, None if it has none."""
    value = (record.get("config") or {}).get("temperature")
    return None if value is None else float(value)


def parameters_of(problem: str) -> dict[str, Any]:
    """Return the parameters in the brackets of a problem's name; numbers as numbers."""
    inside = problem.partition("[")[2].rpartition("]")[0]
    pairs = (pair.partition("=") for pair in inside.split(",") if "=" in pair)
    return {key.strip(): read_value(value.strip()) for key, _, value in pairs}


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((key, _hashable(inner)) for key, inner in value.items()))
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value


def _rank(value: Any) -> tuple[int, float, str]:
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, (int, float)):
        return 1, float(value), ""
    return 2, 0.0, str(value)
