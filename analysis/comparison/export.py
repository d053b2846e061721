"""A comparison for programs and papers: strict JSON, and a LaTeX table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...bench.records import dumps
from ..latex import escaped
from ..statistics import FLOOR_P, Estimate, marks_of
from .cells import Cell, Side, differences
from .compare import Comparison, Row, Skipped
from .text import Failed, blocks, columns_of, interval_text

SCHEMA = 1


def as_json(comparison: Comparison, failed: Failed) -> str:
    """Return one strict JSON object; what does not exist, and an infinite end of an interval, is null."""
    means = []
    for metric in comparison.metrics:
        mean, number = comparison.geometric_mean(metric)
        means.append({"metric": metric, "num_cells": number, **_interval(mean)})
    found = {
        "schema": SCHEMA,
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "metrics": list(comparison.metrics),
        "num_matched": len(comparison.pairs),
        "num_comparisons": sum(row.ratio.tested for row in comparison.rows),
        "comparisons": [_row(row) for row in comparison.rows],
        "geometric_means": means,
        "not_compared": [_skipped(one) for one in comparison.skipped],
        "only_in_a": [_cell(cell) for cell in comparison.only_a],
        "only_in_b": [_cell(cell) for cell in comparison.only_b],
        "fail_on": [{"rule": str(rule), "failed": [_row(row) for row in rows]} for rule, rows in failed.items()],
    }
    return dumps(found) + "\n"


def as_latex(comparison: Comparison) -> str:
    r"""Return a booktabs tabular for each metric, to be read with \input; plain LaTeX, nothing left unescaped."""
    found = blocks(comparison)
    parts = [r"% needs \usepackage{booktabs}; read with \input"]
    for letter, side in (("A", comparison.a), ("B", comparison.b)):
        commits = ", ".join(str(value) for value in side.values("commit"))
        parts.append(f"% {letter}: {' '.join(side.name.split())}, commit {' '.join(commits.split())}")
    shown = columns_of(found)
    for metric in comparison.metrics:
        here = [block for block in found if block.metric == metric]
        if not here:
            continue
        lines = [
            f"% {metric}",
            rf"\begin{{tabular}}{{{''.join('r' if column.numeric else 'l' for column in shown)}}}",
            r"\toprule",
            " & ".join(escaped(column.heading) for column in shown) + r" \\",
        ]
        for block in here:
            title = escaped(f"{metric} on {block.problem}")
            lines += [r"\midrule", rf"\multicolumn{{{len(shown)}}}{{l}}{{{title}}} \\", r"\midrule"]
            lines += [" & ".join(escaped(row[column.key]) for column in shown) + r" \\" for row in block.rows]
        mean, number = comparison.geometric_mean(metric)
        if mean is not None:
            text = escaped(f"geometric mean of B/A over {number} cells: {interval_text(mean)}")
            lines += [r"\midrule", rf"\multicolumn{{{len(shown)}}}{{l}}{{{text}}} \\"]
        parts.append("\n".join([*lines, r"\bottomrule", r"\end{tabular}"]))
    return "\n\n".join(parts) + "\n"


def _side(side: Side) -> dict[str, Any]:
    fields = {name: side.values(name) for name in ("commit", "seed", "num_draws", "dtype")}
    return {"store": side.path, "estimator": side.estimator, "num_cells": len(side.cells), **fields}


def _cell(cell: Cell) -> dict[str, Any]:
    record = cell.record
    names = ("problem", "estimator", "config", "num_samples", "num_draws", "seed", "status", "reason")
    return {name: record.get(name) for name in names}


def _pair(a: Cell, b: Cell) -> dict[str, Any]:
    found: dict[str, Any] = {"problem": a.record["problem"]}
    for name in ("estimator", "config", "num_samples"):
        found |= {f"{name}_a": a.record[name], f"{name}_b": b.record[name]}
    return found


def _row(row: Row) -> dict[str, Any]:
    ratio = row.ratio
    a, b = row.pair
    return {
        **_pair(a, b),
        "metric": row.metric,
        "a": ratio.a,
        "b": ratio.b,
        **_interval(ratio.interval),
        "p": _floored(row.p),
        "p_adjusted": _floored(row.p_adjusted),
        "shown": row.shown,
        "paired": ratio.parts is not None if ratio.tested else None,
        "marks_a": marks_of(a.record),
        "marks_b": marks_of(b.record),
        "differs": {name: list(values) for name, values in differences(row.pair).items()},
        "note": ratio.note or None,
    }


def _skipped(one: Skipped) -> Mapping[str, Any]:
    a, b = one.pair
    return {**_pair(a, b), "status_a": a.record["status"], "status_b": b.record["status"], "reason": one.reason}


def _interval(found: Estimate | None) -> dict[str, float | None]:
    if found is None:
        return {"ratio": None, "ratio_lower": None, "ratio_upper": None}
    upper = found.upper if math.isfinite(found.upper) else None
    return {"ratio": found.value, "ratio_lower": found.lower, "ratio_upper": upper}


def _floored(p: float | None) -> float | None:
    return None if p is None else max(p, FLOOR_P)
