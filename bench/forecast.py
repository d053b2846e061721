"""How long cells take, roughly: what plans say, and by which lots are put in order."""

from __future__ import annotations

from . import catalogue
from .specs import parse
from .study import Cell

TIMING_SECONDS = 0.1  # of one cell


def measuring_seconds(cell: Cell) -> float:
    """Return roughly the seconds on one core that a cell's draws take."""
    facts = catalogue.CATALOGUE.get(parse(cell.problem).name)
    microseconds = facts.microseconds if facts else 10.0
    work = cell.num_samples * (1 + cell.config.get("conditional_samples", 0) / 3)
    return cell.num_draws * work * microseconds * 1e-6
