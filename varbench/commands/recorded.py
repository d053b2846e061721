"""Records of a store, or of a csv export of one."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from ..bench.records import COLUMNS, NEWER, kinds
from ..bench.store import Store
from ..estimators.errors import InputError


def records_of(path: Path, replicates: bool = False) -> list[dict[str, Any]]:
    """Return the records of a store, or of what `varbench export --format csv` wrote of one.

    Args:
        path: of the store, or of a file that ends in .csv.
        replicates: whether records hold their ``replicates`` too, for paired comparisons; an export has none.

    Raises:
        InputError: if there are no records, or the csv is no export.
        StoreError: if the store cannot be read.
    """
    if path.suffix == ".csv":
        return _exported(path)
    with Store.open(path) as opened:
        study = opened.description()
        if replicates:
            records = [{**record, "replicates": parts} for record, parts in opened.cells().values()]
        else:
            records = opened.records()
    if not records:
        raise InputError(f"{path} holds no records yet; 'varbench run {study['name']} --out {path}' measures them")
    return records


def _exported(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; name a store or a csv export") from error
    if not rows or set(rows[0]) | set(NEWER) != set(COLUMNS):
        raise InputError(f"{path} is no csv export of a store; 'varbench export FILE.db -o FILE.csv' writes one")
    try:
        return [{name: _value(name, text) for name, text in row.items()} for row in rows]
    except ValueError as error:
        raise InputError(f"{path} cannot be read as a csv export: {error}; export it again") from error


def _value(name: str, text: str) -> Any:
    kind, _ = kinds()[name]
    if text == "":
        return None
    return text if kind is str else kind(text) if kind in (int, float) else json.loads(text)
