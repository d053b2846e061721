"""Stores of one study into one: the union of their cells, where they agree."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..estimators.errors import InputError
from .differences import differences
from .records import label, literal
from .store import Row, Store, StoreError

ENVIRONMENT = ("versions", "commit", "threads")  # where a record was measured; its statistics do not say
_SIDE_FILES = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Merged:
    """What was done.

    Args:
        study: the name of the study.
        cells: in the new store, by status.
        read: cells in each of the stores.
        shared: cells that several stores held.
        replaced: failed cells that another store had measured.
        untimed: measured cells without a timing.
        truths: in the new store.
    """

    study: str
    cells: Mapping[str, int]
    read: Mapping[str, int]
    shared: int
    replaced: int
    untimed: int
    truths: int


def merge(paths: Sequence[Path], output: Path, force: bool = False) -> Merged:
    """Write the cells, truths, timings and replicates of several stores of one study to a new store.

    A cell that several hold is kept once, the timed one if there is one; a measured cell beats a failed one. The new
    file takes its name when it is whole.

    Args:
        paths: of the stores.
        output: of the new one.
        force: whether it may replace a file.

    Raises:
        InputError: for fewer than two stores, or an output that exists or cannot be written.
        StoreError: for stores of different studies, or that disagree on a truth or on a cell's statistics.
    """
    if len(paths) < 2:
        raise InputError("give at least two stores to merge, e.g. 'varbench merge a.db b.db -o c.db'")
    if output.is_dir():
        raise InputError(f"{output} is a folder; name a file, e.g. -o {output / 'merged.db'}")
    if output.exists() and not force:
        raise InputError(f"{output} is there already; name another file, or replace it with --force")
    description = _one_study(paths)
    rows, truths = _Rows(), _Truths()
    for path in paths:
        with Store.open(path) as store:
            rows.add(path, store.rows())  # before the truths: a run that goes on stores those first
            truths.add(path, store.truths())
    found = rows.in_order()
    _written(output, description, found, truths.found)
    counts: dict[str, int] = {}
    for row in found:
        counts[row.status] = counts.get(row.status, 0) + 1
    untimed = sum(row.status == "ok" and row.timing is None for row in found)
    return Merged(str(description["name"]), counts, rows.read, rows.shared, rows.replaced, untimed, len(truths.found))


def _one_study(paths: Sequence[Path]) -> dict[str, Any]:
    """Return the description that all stores have.

    Raises:
        StoreError: if one has another; it says what differs.
    """
    with Store.open(paths[0]) as store:
        first = store.description()
    for path in paths[1:]:
        with Store.open(path) as store:
            other = store.description()
        if other != first:
            said = "; ".join(differences(first, other, (f"in {paths[0]}", f"in {path}")))
            raise StoreError(
                f"{paths[0]} and {path} are of different studies, or versions of one: {said}; "
                "only stores of one and the same study can be merged"
            )
    return first


class _Truths:
    """The truths seen so far, and where each came from."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self._from: dict[str, Path] = {}

    def add(self, path: Path, truths: Mapping[str, dict[str, Any]]) -> None:
        for key, truth in truths.items():
            if self.found.setdefault(key, truth) != truth:
                raise StoreError(
                    f"the truth of {json.loads(key)[0]} is not the same in {self._from[key]} and {path}: their biases "
                    "are held against different gradients; run one of them again from a copy of the other"
                )
            self._from.setdefault(key, path)


class _Rows:
    """The cells seen so far, and where each came from."""

    def __init__(self) -> None:
        self._found: dict[str, Row] = {}
        self._from: dict[str, Path] = {}
        self.read: dict[str, int] = {}
        self.shared = self.replaced = 0

    def add(self, path: Path, rows: Sequence[Row]) -> None:
        self.read[str(path)] = len(rows)
        for row in rows:
            before = self._found.get(row.key)
            if before is None:
                self._keep(row, path)
                continue
            self.shared += 1
            statuses = {before.status, row.status}
            if "failed" in statuses and len(statuses) == 2:
                self.replaced += 1
                if before.status == "failed":
                    self._keep(row, path)
                continue
            if statuses != {"failed"}:
                _agree(before, self._from[row.key], row, path)
            if before.timing is None and row.timing is not None:
                self._keep(row, path)

    def _keep(self, row: Row, path: Path) -> None:
        self._found[row.key], self._from[row.key] = row, path

    def in_order(self) -> list[Row]:
        return sorted(self._found.values(), key=lambda row: row.position)


def statistics(row: Row) -> tuple[dict[str, Any], Any]:
    """Return of a cell what does not depend on where and when it was measured.

    Raises:
        ValueError: if it is no JSON.
    """
    record = json.loads(row.record)
    return {key: value for key, value in record.items() if key not in ENVIRONMENT}, json.loads(row.replicates or "{}")


def cell_name(key: str) -> str:
    """Return the cell of a store's key as people write it."""
    try:
        cell = json.loads(key)
        config = cell["config"]
        at = f" at temperature {literal(config['temperature'])}" if "temperature" in config else ""
        return f"{label(cell)}{at}, num_samples {cell['num_samples']}, on {cell['problem']}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"cell {key}"


def _agree(first: Row, first_path: Path, second: Row, second_path: Path) -> None:
    """Hold two rows of one cell against each other.

    Raises:
        StoreError: if their statistics differ; it names the cell, both files and the fields.
    """
    try:
        (x, x_parts), (y, y_parts) = statistics(first), statistics(second)
    except ValueError as error:
        raise StoreError(f"{cell_name(first.key)}: a record that is no JSON: {error}") from error
    fields = [name for name in dict.fromkeys((*x, *y)) if x.get(name) != y.get(name)]
    fields += ["replicates"] if x_parts != y_parts else []
    if not fields and first.position == second.position:
        return
    versions = [json.loads(row.record).get("versions") for row in (first, second)]
    why = (
        "they come from other versions or processors, where numbers agree to rounding only"
        if versions[0] != versions[1]
        else "one of them is damaged, or its code was changed"
    )
    raise StoreError(
        f"{cell_name(first.key)}: {', '.join(fields) or 'the position in the study'} in {first_path} and in "
        f"{second_path} differ; {why}: drop one store, or run its cells again"
    )


def _written(output: Path, description: Mapping[str, Any], rows: Sequence[Row], truths: Mapping[str, Any]) -> None:
    """Write a store beside its place, and give it its name once it is whole."""
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with Store.resume(beside, description) as store:
            for key, truth in truths.items():
                store.put_truth(key, truth)
            store.put_rows(rows)
        _free(output)
        os.replace(beside, output)
    except InputError as error:
        raise InputError(str(error).replace(str(beside), str(output))) from error
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; name a file that you may write") from error
    finally:
        for ending in ("", *_SIDE_FILES):
            Path(f"{beside}{ending}").unlink(missing_ok=True)


def _free(output: Path) -> None:
    """Clear the place of a store that is to be replaced: the log beside it would be read into the new one.

    Raises:
        InputError: if another process has it open.
    """
    if output.is_file():
        connection = sqlite3.connect(output, timeout=0)
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise InputError(
                f"{output} is in use ({error}); wait for the run that writes it, or name another"
            ) from error
        except sqlite3.DatabaseError:
            pass  # no store, so no log of one
        finally:
            connection.close()
    for ending in _SIDE_FILES:
        with suppress(FileNotFoundError):
            Path(f"{output}{ending}").unlink()
