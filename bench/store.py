"""One sqlite file of records: written by one process, readable beside it, whole after a kill."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from ..estimators.errors import InputError
from .differences import differences
from .records import dumps

APPLICATION = 0x76_61_72_62  # "varb"
VERSION = 1
_TABLES = """
    CREATE TABLE study (description TEXT NOT NULL);
    CREATE TABLE truths (key TEXT PRIMARY KEY, truth TEXT NOT NULL);
    CREATE TABLE cells (
        key TEXT PRIMARY KEY, position INTEGER NOT NULL, status TEXT NOT NULL, record TEXT NOT NULL,
        seconds REAL NOT NULL, timing TEXT, replicates TEXT
    );
"""


class Row(NamedTuple):
    """One cell as it lies in the file: its JSON is text, not yet read."""

    key: str
    position: int
    status: str
    record: str
    seconds: float
    timing: str | None
    replicates: str | None


class StoreError(Exception):
    """A store that is corrupt, no store at all, or one of another study or version."""


class Store:
    """The records of one study.

    A record is stored in one transaction of a write-ahead log: after a kill every stored record is there.
    Use it as a context manager.

    Args:
        path: the file.
        connection: to it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection

    @classmethod
    def resume(cls, path: Path, description: Mapping[str, Any]) -> Self:
        """Return the store of this study at this path, made if there is none yet.

        Raises:
            StoreError: if the file is no store, or that of another study.
            InputError: if the file cannot be written.
        """
        if path.is_dir() or (path.exists() and path.stat().st_size > 0):
            store = cls.open(path, writable=True)
            there, here = store.description(), json.loads(dumps(description))
            if there != here:
                store.close()
                raise StoreError(_differs(path, there, here))
            return store
        try:
            connection = sqlite3.connect(path, isolation_level=None)
            connection.executescript(
                f"PRAGMA journal_mode=WAL; PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION};"
                f"BEGIN; {_TABLES} COMMIT;"
            )
            connection.execute("INSERT INTO study VALUES (?)", (dumps(description),))
        except sqlite3.Error as error:
            raise InputError(f"cannot write {path}: {error}; name a file in a folder that you may write to") from error
        return cls(path, connection)

    @classmethod
    def open(cls, path: Path, writable: bool = False) -> Self:
        """Return the store at this path.

        Raises:
            InputError: if there is no such file, or it cannot be written though it must.
            StoreError: if it is no store of this version.
        """
        if path.is_dir():
            raise InputError(f"{path} is a folder; name a file, e.g. {path / 'study.db'}")
        if not path.is_file():
            raise InputError(f"there is no file {path}; 'varbench run STUDY --out {path}' makes it")
        try:
            # a reader that may write clears the log's side files away when it closes; it is kept from more
            mode = "rw" if writable or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)) else "ro"
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)
            connection.execute(f"PRAGMA query_only={int(not writable)}")
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError as error:
            raise InputError(f"cannot open {path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{path} is no varbench store, or is damaged: {error}") from error
        if application != APPLICATION:
            raise StoreError(f"{path} is no varbench store; 'varbench run STUDY --out FILE.db' makes one")
        if version != VERSION:
            raise StoreError(f"{path} has store version {version}, this varbench reads {VERSION}; run the study anew")
        return cls(path, connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def description(self) -> dict[str, Any]:
        """Return the study that the store holds, as plain data."""
        with self._readable():
            (text,) = self._connection.execute("SELECT description FROM study").fetchone()
            return dict(json.loads(text))

    def records(self) -> list[dict[str, Any]]:
        """Return the records with their timings, in the order of the study."""
        with self._readable():
            rows = self._connection.execute("SELECT record, timing FROM cells ORDER BY position").fetchall()
            return [{**json.loads(record), **json.loads(timing or "{}")} for record, timing in rows]

    def statuses(self) -> dict[str, str]:
        """Return the status of each stored cell by its key."""
        with self._readable():
            return dict(self._connection.execute("SELECT key, status FROM cells").fetchall())

    def untimed(self) -> set[str]:
        """Return the keys of the measured cells that were not timed yet."""
        with self._readable():
            rows = self._connection.execute("SELECT key FROM cells WHERE timing IS NULL AND status = 'ok'")
            return {key for (key,) in rows}

    def seconds(self) -> dict[str, float]:
        """Return how long each stored cell took, by its key."""
        with self._readable():
            return dict(self._connection.execute("SELECT key, seconds FROM cells").fetchall())

    def truths(self) -> dict[str, dict[str, Any]]:
        """Return the stored truths as plain data by their keys."""
        with self._readable():
            rows = self._connection.execute("SELECT key, truth FROM truths").fetchall()
            return {key: json.loads(truth) for key, truth in rows}

    def put_truth(self, key: str, truth: Mapping[str, Any]) -> None:
        """Store a truth, so that all cells of its problem are held against the same one, after a resume too."""
        self._connection.execute("INSERT OR REPLACE INTO truths VALUES (?, ?)", (key, dumps(truth)))

    def cells(self) -> dict[str, tuple[dict[str, Any], dict[str, list[float]]]]:
        """Return by the key of each cell its record with timing, and its replicates (see Measurement)."""
        with self._readable():
            query = "SELECT key, record, timing, replicates FROM cells ORDER BY position"
            return {
                key: ({**json.loads(record), **json.loads(timing or "{}")}, json.loads(replicates or "{}"))
                for key, record, timing, replicates in self._connection.execute(query).fetchall()
            }

    def put(
        self,
        key: str,
        position: int,
        record: Mapping[str, Any],
        seconds: float,
        replicates: Mapping[str, list[float]],
    ) -> None:
        """Store the record of one cell; its timing, if there was one, is forgotten.

        Args:
            key: of the cell.
            position: of the cell in its study.
            record: the JSON object.
            seconds: how long the cell took.
            replicates: what comparisons of cells need beyond the record.
        """
        self._connection.execute(
            "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, NULL, ?)",
            (key, position, record["status"], dumps(record), seconds, dumps(replicates)),
        )

    def rows(self) -> list[Row]:
        """Return the cells as they lie in the file, in the order of the study."""
        with self._readable():
            query = f"SELECT {', '.join(Row._fields)} FROM cells ORDER BY position, key"
            return [Row(*row) for row in self._connection.execute(query).fetchall()]

    def put_rows(self, rows: Iterable[Row]) -> None:
        """Store cells as they lay in another file, all or none."""
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(f"INSERT INTO cells VALUES ({', '.join('?' * len(Row._fields))})", rows)

    def damage(self) -> str | None:
        """Return what sqlite finds wrong with the file itself, None for a whole one."""
        with self._readable():
            answers = [text for (text,) in self._connection.execute("PRAGMA integrity_check").fetchall()]
        return None if answers == ["ok"] else "; ".join(map(str, answers))

    def put_timing(self, key: str, timing: Mapping[str, Any]) -> None:
        """Store the timing of one measured cell."""
        self._connection.execute("UPDATE cells SET timing = ? WHERE key = ?", (dumps(timing), key))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            raise StoreError(f"{self.path} is damaged: {error}; restore it, or run the study anew") from error


def _differs(path: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    return (
        f"{path} holds another study, or another version of '{here.get('name', '?')}' or of a file it names: "
        f"{'; '.join(differences(there, here))}; records of both would mix: name another file with --out, "
        f"or remove {path}"
    )
