"""The sentences under the figures of what to choose, and the table of `varbench decide`."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from ..bench.records import literal
from .cost import labelled_budget
from .frame import Frame
from .front import UNITS, Cell, cells_of, cost_to_reach, crossover, front_of, leads_of
from .numbers import short
from .optimum import DRAWS, Optimum, optimum, swept
from .phrases import code, count
from .statistics import Estimate

_SHOWN = 8  # rows of the table of costs


def optimum_caption(frame: Frame) -> str:
    """Return how far each estimator's best temperature moves from one draw to many."""
    texts = []
    for one in swept(frame):
        first, last = (optimum(one.frame.records, n) for n in (DRAWS[0], DRAWS[-1]))
        if first.best == last.best:
            move = f"stays at {_with_ends(first)}"
        else:
            shown = first.lower > last.upper or last.lower > first.upper
            verb = "falls" if last.best < first.best else "rises"
            move = f"{verb} from {_with_ends(first)} to {_with_ends(last)}" + ("" if shown else ", which is not shown")
        texts.append(f"of {code(one.label)} {move}")
    if not texts:
        return "No estimator has a known bias at two temperatures."
    return f"From n = 1 to n = {DRAWS[-1]:,} the best measured τ {'; that '.join(texts)}."


def _with_ends(found: Optimum) -> str:
    best = literal(found.best)
    return best if found.lower == found.upper else f"{best} [{literal(found.lower)}, {literal(found.upper)}]"


def front_caption(frame: Frame) -> str:
    """Return who is on the front, and at which budgets each has the least mse."""
    cells = [cell for cell in cells_of(frame, "evaluations") if cell.work.value > 0]
    if not cells:
        return "No cell has a bias, a variance and a cost."
    front = front_of(cells)
    leads = [f"{code(lead.cell.name)} {_range(lead.start, lead.until, 'evaluations')}" for lead in leads_of(front)]
    return (
        f"{count(len(front), 'cell')} of {len(cells)} {'is' if len(front) == 1 else 'are'} on the front: no other has "
        f"less bias² and less work. The least mse of an average: {'; '.join(leads)}."
    )


def _range(start: float, until: float, cost: str) -> str:
    if math.isinf(until):
        return f"from {labelled_budget(start, cost)} on"
    return f"up to {labelled_budget(until, cost)}"


def decisions(frame: Frame, cost: str, accuracy: float, unbiased: Collection[str]) -> str:
    """Return what the records of one problem say on which cell to choose, as text.

    Args:
        frame: the problem's records.
        cost: evaluations or seconds.
        accuracy: the mse to be reached, over |gradient|^2 where that is known.
        unbiased: names of estimators that are known to be so.
    """
    cells = [cell for cell in cells_of(frame, cost, unbiased) if cell.work.value > 0]
    if not cells:
        return f"{frame[0]['problem']}: no cell has a bias, a variance and a cost in {cost}"
    lines = [str(frame[0]["problem"]), "", f"least cost to an mse of {literal(accuracy)} |∇|², in {UNITS[cost]}"]
    ranked = sorted(((cost_to_reach(cell, accuracy), cell) for cell in cells), key=lambda pair: pair[0].value)
    reached = [(found, cell) for found, cell in ranked if math.isfinite(found.value)]
    lines += [f"  {cell.name:<34} {_amount(found)}" for found, cell in reached[:_SHOWN]]
    lines.append(f"  {count(len(reached), 'cell')} of {len(cells)} can reach it")
    lines += ["", f"the front of bias and work, and the budgets, in {UNITS[cost]}, of the least mse"]
    lines += [f"  {lead.cell.name:<34} {_range(lead.start, lead.until, cost)}" for lead in leads_of(front_of(cells))]
    return "\n".join(lines + _crossovers(cells, cost, unbiased))


def _crossovers(cells: Sequence[Cell], cost: str, unbiased: Collection[str]) -> list[str]:
    """Return for each biased estimator, at the temperature that leads longest, the budget at which its lead ends."""
    known = [cell for cell in cells if cell.record["estimator"] in unbiased]
    if not known:
        return []
    best = min(known, key=lambda cell: cell.work.value)
    lines = ["", f"budget beyond which {best.name}, unbiased, has less mse, in {UNITS[cost]}"]
    labels = list(dict.fromkeys(cell.series.label for cell in cells if cell.record["estimator"] not in unbiased))
    for label in labels:
        mine = [cell for cell in cells if cell.series.label == label and cell.work.value < best.work.value]
        if not mine:
            lines.append(f"  {label:<34} never ahead")
            continue
        open_ended = [cell for cell in mine if crossover(best, cell) is None]
        if open_ended:
            least = min(open_ended, key=lambda cell: cell.work.value)
            lines.append(f"  {least.name:<34} none shown: its bias is not")
            continue
        found = [(crossing, cell) for cell in mine if (crossing := crossover(best, cell)) is not None]
        crossing, cell = max(found, key=lambda pair: pair[0].value)
        lines.append(f"  {cell.name:<34} {_amount(crossing)}")
    return lines


def _amount(found: Estimate) -> str:
    upper = "never" if math.isinf(found.upper) else short(found.upper)
    return f"{short(found.value)} [{short(found.lower)}, {upper}]"
