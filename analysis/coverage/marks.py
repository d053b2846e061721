"""What marks are worth: how often they fire where an interval fails, and where it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...bench.records import MARKS
from .cells import Cell, Rate, fails

ANY = "any"


@dataclass(frozen=True)
class Worth:
    """A mark over all measurements of fixed numbers of draws.

    Args:
        mark: its name, or ANY.
        sensitivity: of measurements in cells whose interval of the variance covers less than 93.5 %, the share with it.
        false_marks: of measurements in the other cells, the share with it.
    """

    mark: str
    sensitivity: Rate
    false_marks: Rate


def worths(cells: Sequence[Cell]) -> list[Worth]:
    """Return what each mark is worth for intervals of the variance, and what any of them is."""
    of_variance = [cell for cell in cells if cell.interval == "variance"]
    failing, holding = ([cell for cell in of_variance if fails(cell) is bad] for bad in (True, False))
    return [Worth(mark, _share(failing, mark), _share(holding, mark)) for mark in (ANY, *MARKS)]


def _share(cells: Sequence[Cell], mark: str) -> Rate:
    counts = (cell.marked.count if mark == ANY else cell.row["marks"][mark] for cell in cells)
    return Rate(sum(counts), sum(cell.row["replicates"] for cell in cells))
