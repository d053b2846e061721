"""All rows in one run, as one JSON value."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from typing import Any

from .. import environment
from ..threads import one_thread_each
from .machine import noise, vectors
from .row import Row, Settings
from .side import Skipped

SCHEMA = 2


def study(rows: Iterable[Row], settings: Settings, report: Callable[[str, int], None]) -> dict[str, Any]:
    """Return what every row found, or why it was skipped, and where.

    Args:
        rows: of the table.
        settings: how they are measured.
        report: is told of each row that is done.
    """
    lines, loads = [], [_load()]
    for row in rows:
        lines.append(line(row, settings))
        report(row.name, 1)
        loads.append(_load())
    return {
        "schema": SCHEMA,
        "rounds": settings.rounds,
        "draws": settings.draws,
        "cores": os.cpu_count(),
        "load": None if math.isnan(loads[0]) else [min(loads), max(loads)],
        "versions": environment.versions() | {"numba": environment.installed("numba") or "missing"},
        "commit": environment.commit(),
        "vectors": vectors(),
        "noise": noise(settings.rounds),
        "rows": lines,
    }


def _load() -> float:
    """Return how many processes wanted a core in the last minute, NaN where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan


def line(row: Row, settings: Settings) -> dict[str, Any]:
    """Return one row with what it found under ``found``, or the reason under ``skipped``."""
    try:
        with one_thread_each():
            found = row.find(row, settings)
    except Skipped as reason:
        return row.fields() | {"found": None, "skipped": str(reason)}
    return row.fields() | {"found": found.fields(), "skipped": None}
