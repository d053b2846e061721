"""Counts on disk: one line of JSON for each finished case, so that a killed run loses the case it was at."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...estimators.errors import InputError
from .. import environment
from .cases import Case

Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    """Return the rows of a file, none where there is no file; a line that was cut off is left out.

    Raises:
        InputError: if another line is no row of counts.
    """
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [_row(path, number, line) for number, line in enumerate(lines, 1) if line.endswith("\n")]


def _row(path: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line)
        if row.keys() < {"name", "what", "num_draws", "replicates", "held"}:
            raise KeyError
    except (ValueError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}, line {number}: no counts of coverage; take another file with --out, or remove this one"
        ) from error
    return dict(row)


def left(cases: Sequence[Case], rows: Sequence[Row], replicates: int) -> list[Case]:
    """Return the cases that were not repeated as often as is asked for."""
    done = {_key(row) for row in rows if row["replicates"] >= replicates}
    return [case for case in cases if _key(asdict(case)) not in done]


def latest(cases: Sequence[Case], rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the last row of each case that has one, in the order of the cases."""
    found = {_key(row): row for row in rows}
    return (found[_key(asdict(case))] for case in cases if _key(asdict(case)) in found)


def _key(plain: Row) -> tuple[Any, ...]:
    return tuple(plain.get(name) for name in Case.__dataclass_fields__)


def append(path: Path, row: Row) -> None:
    """Add a row, with the commit and the versions that counted, and wait until it is on the disk.

    A line that was cut off before is no row, and is taken away.
    """
    text = json.dumps({**row, "commit": environment.commit(), "versions": environment.versions()}, allow_nan=False)
    with path.open("ab") as file:
        file.truncate(path.read_bytes().rfind(b"\n") + 1)
        file.write(text.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
