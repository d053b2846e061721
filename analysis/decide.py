"""What the records of one problem say on which cell to choose: as plain data, and in words for a terminal."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..bench.records import finite, literal
from .decision_sentences import lead_range
from .frame import Frame
from .front import UNITS, Cell, cells_of, cost_to_reach, crossover, front_of, leads_of
from .numbers import short
from .phrases import count
from .statistics import Estimate

_SHOWN = 8  # rows of the table of costs
Plain = Mapping[str, Any]


def decided(frame: Frame, cost: str, accuracy: float, unbiased: Collection[str]) -> dict[str, Any]:
    """Return costs to an accuracy, the front's leads and crossovers as plain data; what is infinite is None.

    Args:
        frame: the records of one problem.
        cost: evaluations or seconds.
        accuracy: the mse to be reached, over |gradient|^2 where that is known.
        unbiased: names of estimators that are known to be so.
    """
    cells = [cell for cell in cells_of(frame, cost, unbiased) if cell.work.value > 0]
    reached = [(cost_to_reach(cell, accuracy), cell) for cell in cells]
    reached = sorted((pair for pair in reached if math.isfinite(pair[0].value)), key=lambda pair: pair[0].value)
    known = [cell for cell in cells if cell.record["estimator"] in unbiased]
    best = min(known, key=lambda cell: cell.work.value, default=None)
    return {
        "problem": str(frame[0]["problem"]),
        "cost": cost,
        "accuracy": accuracy,
        "num_cells": len(cells),
        "costs": [{"cell": cell.name, **_ends(found)} for found, cell in reached],
        "leads": [
            {"cell": lead.cell.name, "start": lead.start, "until": finite(lead.until)}
            for lead in leads_of(front_of(cells))
        ],
        "unbiased": None if best is None else best.name,
        "crossovers": [] if best is None else _crossovers(cells, best, unbiased),
    }


def _crossovers(cells: Sequence[Cell], best: Cell, unbiased: Collection[str]) -> list[dict[str, Any]]:
    """Return for each biased estimator, where it leads longest, the budget at which its lead over the best ends.

    ``status`` is crossing; never_ahead, where it has no less work; or none_shown, where its bias is not.
    """
    found: list[dict[str, Any]] = []
    for label in dict.fromkeys(cell.series.label for cell in cells if cell.record["estimator"] not in unbiased):
        ahead = [cell for cell in cells if cell.series.label == label and cell.work.value < best.work.value]
        crossings = [(crossover(best, cell), cell) for cell in ahead]
        shy = [cell for crossing, cell in crossings if crossing is None]
        if not ahead:
            found.append({"cell": label, "status": "never_ahead"})
        elif shy:
            found.append({"cell": min(shy, key=lambda cell: cell.work.value).name, "status": "none_shown"})
        else:
            shown = [(crossing, cell) for crossing, cell in crossings if crossing is not None]
            crossing, cell = max(shown, key=lambda pair: pair[0].value)
            found.append({"cell": cell.name, "status": "crossing", **_ends(crossing)})
    return found


def _ends(found: Estimate) -> dict[str, float | None]:
    return {"value": found.value, "lower": found.lower, "upper": finite(found.upper)}


def as_text(found: Plain) -> str:
    """Return what ``decided`` found, for a terminal."""
    unit, cells = UNITS[found["cost"]], found["num_cells"]
    if not cells:
        return f"{found['problem']}: no cell has a bias, a variance and a cost in {found['cost']}"
    lines = [found["problem"], "", f"least cost to an mse of {literal(found['accuracy'])} |∇|², in {unit}"]
    lines += [_row(one["cell"], _amount(one)) for one in found["costs"][:_SHOWN]]
    lines.append(f"  {count(len(found['costs']), 'cell')} of {cells} can reach it")
    lines += ["", f"the front of bias and work, and the budgets, in {unit}, of the least mse"]
    for one in found["leads"]:
        lines.append(_row(one["cell"], lead_range(one["start"], one["until"], found["cost"])))
    if found["crossovers"]:
        lines += ["", f"budget beyond which {found['unbiased']}, unbiased, has less mse, in {unit}"]
        words = {"never_ahead": "never ahead", "none_shown": "none shown: its bias is not"}
        lines += [_row(one["cell"], words.get(one["status"]) or _amount(one)) for one in found["crossovers"]]
    return "\n".join(lines)


def _row(name: str, text: str) -> str:
    return f"  {name:<34} {text}"


def _amount(found: Plain) -> str:
    upper = "never" if found["upper"] is None else short(found["upper"])
    return f"{short(found['value'])} [{short(found['lower'])}, {upper}]"
