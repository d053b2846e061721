"""A row of the table: what is compared with what, which ratio is to be reached, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .agreement import Agreement, agreement
from .pinned import one_core
from .race import Race, Ratio, race
from .side import Side


@dataclass(frozen=True)
class Settings:
    """How rows are measured.

    Args:
        python: the peers' interpreter.
        rounds: of each race, at least 6 (see ``timing.median_rank``).
        draws: of each side behind the comparison of statistics.
    """

    python: Path
    rounds: int = 15
    draws: int = 100_000


@dataclass(frozen=True)
class Found:
    """What a row found.

    Args:
        ratio: theirs over ours where it is to be at least so much, ours over theirs where at most.
        ours: of our side, in the row's unit.
        theirs: of the other.
        rounds: how many stand behind it.
        agreement: of the statistics; None where there are none to compare.
        equal: whether both sides gave the same bits; None where they need not.
        path: of our side, see ``paths.py``; '' where there is none.
        parts: seconds of one of our draws in its parts; they add up to a mean, not to the median.
        versions: of the peer's packages.
        cores: of both sides, see ``Race``.
        note: what else was measured that explains the ratio, in words.
    """

    ratio: Ratio
    ours: float
    theirs: float
    rounds: int
    agreement: Agreement | None = None
    equal: bool | None = None
    path: str = ""
    parts: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    cores: tuple[float, float] | None = None
    note: str = ""

    @property
    def fails(self) -> bool:
        """Whether the two sides do not compute the same."""
        return self.equal is False or (self.agreement is not None and not self.agreement.agrees)

    def fields(self) -> dict[str, Any]:
        """Return it for a JSON file."""
        agreed = None if self.agreement is None else self.agreement.fields()
        return asdict(self) | {"agreement": agreed, "fails": self.fails}


@dataclass(frozen=True)
class Row:
    """A row.

    Args:
        name: short, for --filter.
        ours: what is ours, in words.
        against: what it is measured against.
        reach: the ratio that is to be reached.
        most: whether it is to be at most that; at least otherwise.
        find: measures it.
        unit: of ours and theirs: ``seconds`` of a draw, or ``bytes``.
    """

    name: str
    ours: str
    against: str
    reach: float
    find: Callable[[Row, Settings], Found]
    most: bool = False
    unit: str = "seconds"

    def fields(self) -> dict[str, Any]:
        """Return what it says for a JSON file."""
        return {key: getattr(self, key) for key in ("name", "ours", "against", "reach", "most", "unit")}


def raced(row: Row, ours: Side, theirs: Side, settings: Settings, compare: bool = True, **more: Any) -> Found:
    """Return what a race of two sides on one core finds, their statistics compared first.

    Args:
        row: whose ratio it is.
        ours: our side.
        theirs: the other.
        settings: rounds and draws.
        compare: whether both are estimates of the same.
        more: further fields.
    """
    with one_core():
        agreed = agreement(ours, theirs, settings.draws) if compare else None
        return of_race(row, race(ours, theirs, settings.rounds), agreement=agreed, **more)


def of_race(row: Row, run: Race, **more: Any) -> Found:
    """Return what a race finds as a row's."""
    ours, theirs = run.medians
    return Found(run.ratio(over=1 if row.most else 0), ours, theirs, len(run.seconds), cores=run.cores, **more)
