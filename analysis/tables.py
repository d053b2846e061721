"""Tables: rows of text that the page, the terminal and markdown share, and the csv export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bench.records import COLUMNS, label, literal
from .frame import Frame, Record, temperature_of
from .numbers import p_value, seconds, short, with_interval
from .statistics import estimate, marks_of

MARKS = {
    "heavy_tail": ("H", "heavy tail: the tail index k of |draw - mean|² is above 0.5; the interval is too narrow"),
    "one_draw_dominates": ("O", "one draw dominates: a single draw carries over a fifth of the fourth moment"),
    "rare_outcome": ("R", "rare outcome: the rarest outcome was seen too seldom; what it adds may be missing"),
    "degenerate": ("D", "degenerate: the draws take so few values that the interval's first order vanishes"),
    "zero_variance": ("Z", "zero variance: all draws are equal to rounding; there is no interval to speak of"),
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        key: the name in the rows.
        heading: the heading, with a unit where there is one.
        numeric: whether it is set flush right.
    """

    key: str
    heading: str
    numeric: bool = True


columns: tuple[Column, ...] = (
    Column("problem", "problem", False),
    Column("estimator", "estimator", False),
    Column("temperature", "τ"),
    Column("num_samples", "S"),
    Column("bias_sq", "bias² [95 %]"),
    Column("target_bias_sq", "bias² to own target [95 %]"),
    Column("unbiased_p", "p (unbiased)"),
    Column("variance", "variance [95 %]"),
    Column("mse", "mse [95 %]"),
    Column("cosine", "cosine"),
    Column("snr", "snr"),
    Column("seconds_per_draw", "time per draw [95 %]"),
    Column("evaluations", "f + f′ per draw"),
    Column("note", "note", False),
)


def rows(records: Sequence[Record] | Frame) -> list[dict[str, str]]:
    """Return one dictionary of text per record, with the keys of ``columns``; absent numbers are empty.

    ``note`` holds the marks' symbols of a measured cell, else why there is nothing to show.
    """
    return [_row(record) for record in Frame.of(records)]


def legend(records: Sequence[Record] | Frame) -> list[tuple[str, str]]:
    """Return symbol and meaning of every mark that occurs."""
    found = {mark for record in Frame.of(records) for mark in marks_of(record)}
    known = [meaning for mark, meaning in MARKS.items() if mark in found]
    return known + [(mark, "a mark that this version does not know") for mark in sorted(found - set(MARKS))]


def symbols(record: Record) -> str:
    """Return the symbols of a record's marks, e.g. 'H O'."""
    return " ".join(MARKS[mark][0] if mark in MARKS else mark for mark in marks_of(record))


def as_markdown(records: Sequence[Record] | Frame) -> str:
    """Return a markdown table per problem and, under them, what the marks mean."""
    frame = Frame.of(records)
    known = any(record.get("target_bias_sq") is not None for record in frame)
    shown = [column for column in columns[1:] if known or column.key != "target_bias_sq"]
    parts = []
    for (problem,), cells in frame.group_by("problem").items():
        head = "| " + " | ".join(column.heading for column in shown) + " |"
        rule = "|" + "|".join("---:" if column.numeric else ":---" for column in shown) + "|"
        body = ["| " + " | ".join(_escaped(row[c.key]) for c in shown) + " |" for row in rows(cells)]
        parts.append("\n".join([f"### {problem}", "", head, rule, *body]))
    marks = [f"- {symbol}: {meaning}" for symbol, meaning in legend(frame)]
    if marks:
        parts.append("\n".join(["Marks, where an interval cannot be trusted:", "", *marks]))
    return "\n\n".join(parts) + "\n" if parts else "No records.\n"


def as_csv(records: Sequence[Record] | Frame) -> str:
    """Return the records as csv with exactly the contract's columns, in its order.

    Objects and lists are JSON text; what is absent is empty; numbers read back as themselves.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in Frame.of(records):
        writer.writerow([_cell(record.get(column)) for column in COLUMNS])
    return buffer.getvalue()


def _row(record: Record) -> dict[str, str]:
    temperature = temperature_of(record)
    base = {
        "problem": str(record["problem"]),
        "estimator": label(record),
        "temperature": "" if temperature is None else literal(temperature),
        "num_samples": str(record.get("num_samples") or ""),
    }
    if record["status"] != "ok":
        reason = f"{str(record['status']).replace('_', ' ')}: {record.get('reason') or 'no reason given'}"
        return {column.key: "" for column in columns} | base | {"note": reason}
    return base | {
        "bias_sq": with_interval(estimate(record, "bias_sq")),
        "target_bias_sq": with_interval(estimate(record, "target_bias_sq")),
        "unbiased_p": p_value(record.get("unbiased_p")),
        "variance": with_interval(estimate(record, "variance")),
        "mse": with_interval(estimate(record, "mse")),
        "cosine": "" if record.get("cosine") is None else f"{record['cosine']:.3f}",
        "snr": short(record.get("snr")),
        "seconds_per_draw": seconds(estimate(record, "seconds_per_draw")),
        "evaluations": _evaluations(record),
        "note": symbols(record),
    }


def _evaluations(record: Record) -> str:
    values, slopes = record.get("cost_values_per_draw"), record.get("cost_slopes_per_draw")
    return "" if values is None else f"{literal(float(values))} + {literal(float(slopes or 0))}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(dict(value) if isinstance(value, Mapping) else list(value), ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
