"""One row of the table as it was measured, and the verdict on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ..statistics import Estimate

Numbers = Mapping[str, Any]
SCHEMA = 2
WHOLE = {"rounds", "draws", "cores", "load", "versions", "commit", "vectors", "noise", "rows"}


class Verdict(Enum):
    """What the numbers say of a row."""

    REACHED = "reached"
    NOT_REACHED = "not reached"
    DISAGREES = "statistics differ"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Line:
    """One row.

    Args:
        row: its fields in the numbers.
    """

    row: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The row's short name."""
        return str(self.row["name"])

    @property
    def found(self) -> Mapping[str, Any] | None:
        """What was measured; None where the row was skipped."""
        return self.row["found"]

    @property
    def ratio(self) -> Estimate | None:
        """The ratio with its interval: theirs over ours where it is to be large, ours over theirs where small."""
        return Estimate(**self.found["ratio"]) if self.found else None

    @property
    def gain(self) -> Estimate | None:
        """The ratio in units of what is to be reached, 1 and more where it is."""
        if self.ratio is None:
            return None
        over = self.ratio.over(self.row["reach"])
        return Estimate(1 / over.value, 1 / over.upper, 1 / over.lower) if self.row["most"] else over

    @property
    def verdict(self) -> Verdict:
        """Whether the median reaches what it is to reach, by sides whose statistics agree."""
        if self.found is None or self.gain is None:
            return Verdict.SKIPPED
        if self.found["fails"]:
            return Verdict.DISAGREES
        return Verdict.REACHED if self.gain.value >= 1 else Verdict.NOT_REACHED

    @property
    def is_clear(self) -> bool:
        """Whether the whole interval lies on the verdict's side."""
        gain = self.gain
        return gain is not None and (gain.lower >= 1 or gain.upper < 1)


def lines_of(numbers: Numbers) -> list[Line]:
    """Return the rows in the order of the table."""
    return [Line(row) for row in numbers["rows"]]


def read(path: Path) -> Numbers:
    """Return the numbers of a run.

    Raises:
        ValueError: if the file holds something else, or numbers of another version.
        OSError: if it cannot be read.
    """
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
        known = numbers["schema"] == SCHEMA and set(numbers) >= WHOLE
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} does not hold the numbers of 'varbench peers'; write it again: make peers") from error
    if not known:
        raise ValueError(f"{path} is of another version of varbench; write it again: make peers")
    return numbers


def with_verdict(lines: Sequence[Line], verdict: Verdict) -> list[Line]:
    """Return the rows of this verdict."""
    return [line for line in lines if line.verdict is verdict]
