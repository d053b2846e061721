"""The verdict "unbiased": how often it is refuted without a bias, and with one of known size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .cells import Cell, Rate


@dataclass(frozen=True)
class Refuted:
    """How often the p-value of "unbiased" lies below a level, in one case.

    Args:
        cell: of bias².
        level: of the p-value.
        rate: how often it does.
    """

    cell: Cell
    level: float
    rate: Rate


def refuted(cells: Sequence[Cell], level: float) -> list[Refuted]:
    """Return the rate of every case, at one of the levels that were counted."""
    return [
        Refuted(cell, level, Rate(cell.row["refuted"][str(level)], cell.row["replicates"]))
        for cell in cells
        if cell.interval == "bias_sq"
    ]


def false_alarms(cells: Sequence[Cell], level: float) -> list[Refuted]:
    """Return the rates of the cases that have no bias and no mark on most of their replicates."""
    return [one for one in refuted(cells, level) if one.cell.row["truths"]["bias_sq"] == 0 and not one.cell.is_marked]
