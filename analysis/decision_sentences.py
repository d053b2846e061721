"""The sentences under the figures of what to choose."""

from __future__ import annotations

import math

from ..bench.records import literal
from .cost import labelled_budget
from .frame import Frame
from .front import cells_of, front_of, leads_of
from .optimum import DRAWS, Optimum, optimum, swept
from .phrases import code, count


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
    leads = [f"{code(lead.cell.name)} {lead_range(lead.start, lead.until, 'evaluations')}" for lead in leads_of(front)]
    return (
        f"{count(len(front), 'cell')} of {len(cells)} {'is' if len(front) == 1 else 'are'} on the front: no other has "
        f"less bias² and less work. The least mse of an average: {'; '.join(leads)}."
    )


def lead_range(start: float, until: float | None, cost: str) -> str:
    """Return the budgets of a lead, as words; it ends at None or infinity where it does not end."""
    if until is None or math.isinf(until):
        return f"from {labelled_budget(start, cost)} on"
    return f"up to {labelled_budget(until, cost)}"
