"""Whether a store is what it should be: its records one by one, against the contract, its study and its truths."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..estimators.errors import InputError
from .differences import differences
from .merging import cell_name
from .record_checks import close, finite_throughout, is_number, is_of, kind_words, moment_checks, record_checks, shown
from .records import NUM_REPLICATES, OTHER_TARGETS, dumps
from .store import Row, Store, StoreError
from .study import Study

TIMING = (
    "seconds_per_draw", "seconds_per_draw_lower", "seconds_per_draw_upper", "cost_seconds_per_draw", "peak_bytes",
)  # fmt: skip
TRUTH: Mapping[str, tuple[Any, bool]] = {  # the type of each of its fields, and whether it may be absent
    "gradient": (list[float], True),
    "method": (str, True),
    "reason": (str, True),
    "error_trace": (float, False),
    "error_square": (float, False),
}
_LOOSE = 1e-6  # relative: parts and whole are summed in different orders, about different centres


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Args:
        cell: where, None for the store as a whole.
        what: in words.
    """

    cell: str | None
    what: str

    def __str__(self) -> str:
        return f"{self.cell}: {self.what}" if self.cell else self.what


@dataclass(frozen=True)
class Validation:
    """What was found in a store.

    Args:
        study: its name.
        cells: stored.
        missing: cells of the study that are not stored; None if the study could not be unfolded.
        untimed: measured cells without a timing.
        findings: what is wrong.
        notes: what could not be checked, and why.
    """

    study: str
    cells: int
    missing: int | None
    untimed: int
    findings: Sequence[Finding]
    notes: Sequence[str]


def validate(path: Path) -> Validation:
    """Hold a store against the contract, its study and its truths; nothing is measured.

    Raises:
        InputError: if there is no such file.
        StoreError: if it is no store, or so damaged that it cannot be read.
    """
    with Store.open(path) as store:
        damage = store.damage()
        if damage:
            raise StoreError(f"{path} is damaged: {damage}; restore it, or run the study anew")
        description, rows, truths = store.description(), store.rows(), store.truths()
    findings: list[Finding] = []
    notes: list[str] = []
    positions = _positions(description, findings, notes)
    for row in rows:
        name = cell_name(row.key)
        record, timing, replicates = (_read(path, name, text) for text in (row.record, row.timing, row.replicates))
        said = list(record_checks({**record, **timing}))
        if not said and record["status"] == "ok":  # else its fields are not what the others are compared with
            said = [*_truth_checks(row, record, truths), *_replicate_checks(record, replicates)]
        said += _row_checks(row, record, timing)
        if positions is not None:
            said += _place_checks(row, positions)
        findings += [Finding(name, what) for what in said]
    findings += _truths_checks(truths, positions)
    notes += _without_target(rows)
    untimed = sum(row.status == "ok" and row.timing is None for row in rows)
    missing = None if positions is None else len(positions.keys() - {row.key for row in rows})
    return Validation(str(description.get("name", "?")), len(rows), missing, untimed, findings, notes)


def _without_target(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a note on cells that aim at something else than the exact gradient and are not held against it."""
    records = [json.loads(row.record) for row in rows if row.status == "ok"]
    count = sum(
        record.get("target") in OTHER_TARGETS and record.get("target_bias_sq") is None and not record.get("reason")
        for record in records
    )
    if count:
        yield (
            f"{count} cell{' has' if count == 1 else 's have'} a target of {'its' if count == 1 else 'their'} own and "
            "no target_bias_sq: the store is from before it was measured, which is no damage; run --force measures anew"
        )


def _read(path: Path, name: str, text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path} is damaged: {name}: no JSON: {error}; restore it, or run the study anew") from error
    if not isinstance(found, dict):
        raise StoreError(f"{path} is damaged: {name}: no JSON object; restore it, or run the study anew")
    return found


def _positions(description: Mapping[str, Any], findings: list[Finding], notes: list[str]) -> dict[str, int] | None:
    """Return the keys of the study's cells with their positions, None where it cannot be unfolded here."""
    try:
        study = Study.of_description(description)
    except InputError as error:
        findings.append(Finding(None, f"its study cannot be read: {error}"))
        return None
    written = study.description()
    if not isinstance(description.get("files"), dict):
        findings.append(Finding(None, "its study lists no files"))
        return None
    said = differences({**description, "files": {}}, json.loads(dumps({**written, "files": {}})), ("in it", "as read"))
    findings += [Finding(None, f"its study is not written as varbench writes one: {one}") for one in said]
    try:
        keys = {cell.key: position for position, cell in enumerate(study.cells())}
    except InputError as error:
        notes.append(f"the study's cells cannot be listed here, so none is said to be missing or foreign: {error}")
        return None
    files = written["files"]
    for path in description["files"]:
        if files.get(path) != description["files"][path]:
            notes.append(f"the file {path} is {'changed since' if path in files else 'not here'}")
    return keys


def _place_checks(row: Row, positions: Mapping[str, int]) -> Iterator[str]:
    if row.key not in positions:
        yield "no cell of the study that the store holds"
    elif positions[row.key] != row.position:
        yield f"stored at position {row.position}, its study has it at {positions[row.key]}"


def _asked(row: Row) -> dict[str, Any] | None:
    """Return what the key of a cell asks for."""
    try:
        found = json.loads(row.key)
    except (ValueError, TypeError):
        return None
    return found if isinstance(found, dict) and {"problem", "dtype", "seed"} <= found.keys() else None


def _row_checks(row: Row, record: Mapping[str, Any], timing: Mapping[str, Any]) -> Iterator[str]:
    """Hold what lies around a record against it."""
    if row.status != record.get("status"):
        yield f"filed as '{row.status}', its record says {record.get('status')!r}"
    if not finite_throughout(record):
        yield "NaN or infinity in its record"
    if row.timing is not None and (timing.keys() != set(TIMING) or not all(map(_is_positive, timing.values()))):
        yield f"its timing is {shown(timing)}; it must hold positive numbers for {', '.join(TIMING)}"
    if row.timing is not None and row.status != "ok":
        yield "timed though it was not measured"
    asked = _asked(row)
    if asked is None:
        yield "its key is no JSON object that names a cell"
        return
    for name in ("problem", "estimator", "config", "num_samples", "num_draws", "seed", "dtype"):
        own = name in ("problem", "estimator") and ":" in str(asked.get(name))  # a user's has a name of its own
        default = name == "dtype" and asked.get(name) is None
        if not (own or default) and asked.get(name) != record.get(name):
            yield f"{name} is {asked.get(name)!r} in its key, {record.get(name)!r} in its record"


def _truth_checks(row: Row, record: Mapping[str, Any], truths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    asked = _asked(row)
    if asked is None:
        return  # said elsewhere
    truth = truths.get(json.dumps([asked["problem"], asked["dtype"], asked["seed"]]))
    gradient, mean, norm = record["gradient_exact"], record["gradient_mean"], record["gradient_norm"]
    if not isinstance(truth, dict):
        yield "the truth of its problem is not stored"
    elif gradient != truth.get("gradient") or record["exact_method"] != truth.get("method"):
        yield "its gradient_exact is not the stored truth of its problem"
    if gradient is None:
        return
    if mean is None or len(gradient) != len(mean):
        yield f"gradient_mean has {len(mean or [])} entries, gradient_exact {len(gradient)}"
    elif isinstance(truth, dict) and not truth.get("error_trace"):
        yield from moment_checks(record)
    if norm is None or not close(norm, math.hypot(*gradient), norm):
        yield f"gradient_norm {norm!r} is not that of gradient_exact, {math.hypot(*gradient)!r}"


def _replicate_checks(record: Mapping[str, Any], replicates: Mapping[str, Any]) -> Iterator[str]:
    """Hold the replicates against the record whose parts they are."""
    N, variance = record["num_draws"], record["variance"]
    if variance == 0 or N < 2 * NUM_REPLICATES:
        return
    for name in ["variance", *(["mse"] if record["mse"] is not None else [])]:
        parts = replicates.get(name)
        if not isinstance(parts, list) or len(parts) != NUM_REPLICATES or not all(map(is_number, parts)):
            yield f"its replicates of {name} are missing, or no {NUM_REPLICATES} numbers; comparisons need them"
        elif name == "variance":
            sizes = [N // NUM_REPLICATES + (k < N % NUM_REPLICATES) for k in range(NUM_REPLICATES)]
            whole = sum(size * part for size, part in zip(sizes, parts, strict=True)) / (N - 1)
            if abs(whole - variance) > _LOOSE * variance:
                yield f"its replicates of variance make up {whole!r}, not its variance {variance!r}"


def _truths_checks(truths: Mapping[str, Any], positions: Mapping[str, int] | None) -> Iterator[Finding]:
    known = None if positions is None else {_truth_key(key) for key in positions}
    for key, truth in truths.items():
        place = f"the truth of {key}"
        if known is not None and key not in known:
            yield Finding(place, "no problem of the study")
        if not isinstance(truth, dict) or truth.keys() != TRUTH.keys():
            yield Finding(place, f"no object of {', '.join(TRUTH)}")
            continue
        for name, (kind, absent) in TRUTH.items():
            if not is_of(truth[name], kind, absent) or not finite_throughout(truth[name]):
                yield Finding(place, f"{name} is {shown(truth[name])}; it must be {kind_words(kind)}")
            elif name.startswith("error") and not _is_error(truth[name], str(truth["method"])):
                yield Finding(place, f"{name} is {shown(truth[name])}; it is 0, or that of a reference run")


def _is_error(value: float, method: str) -> bool:
    return value >= 0 and (value == 0 or method.startswith("reference"))


def _is_positive(value: Any) -> bool:
    return is_number(value) and value >= 0


def _truth_key(key: str) -> str:
    cell = json.loads(key)
    return json.dumps([cell["problem"], cell["dtype"], cell["seed"]])
