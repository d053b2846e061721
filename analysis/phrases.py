"""Phrases: names, lists and ranges as a sentence needs them; `backticks` mark code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..bench.records import literal
from .frame import Record, temperature_of
from .statistics import marks_of


def code(text: str) -> str:
    """Return a name set as code."""
    return f"`{text}`"


def listed(parts: Iterable[str], most: int = 12) -> str:
    """Return 'a, b and c', cut after ``most`` parts with the number of the others."""
    found = list(parts)
    if len(found) > most:
        found = [*found[: most - 1], f"{len(found) - most + 1} more"]
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1] if found else ""


def count(number: int, thing: str) -> str:
    """Return '1 cell' or '1,200 cells'."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def at(label: str, record: Record) -> str:
    """Return a cell's name: its label, and its temperature where it has one."""
    temperature = temperature_of(record)
    return code(label) + ("" if temperature is None else f" at τ = {literal(temperature)}")


def marked(record: Record) -> str:
    """Return the marks of a cell in brackets with a space before, '' if there are none."""
    marks = marks_of(record)
    return f" (marked {', '.join(mark.replace('_', ' ') for mark in marks)})" if marks else ""


def temperatures(chosen: Sequence[float], every: Sequence[float]) -> str:
    """Return ' at every τ', ' at τ = 0.1 to 0.5' for neighbours on the grid, or ' at τ = 0.1 and 2'."""
    if not chosen or len(every) < 2:
        return f" at τ = {literal(chosen[0])}" if chosen else ""
    grid = sorted(every)
    positions = sorted(grid.index(value) for value in chosen)
    if len(positions) == len(grid):
        return " at every τ"
    texts = [literal(grid[position]) for position in positions]
    if len(positions) > 2 and positions[-1] - positions[0] == len(positions) - 1:
        return f" at τ = {texts[0]} to {texts[-1]}"
    return f" at τ = {listed(texts)}"
