"""Whole figures of what to choose: the best temperature against draws, and the front of bias and work."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .figures import Sheet, sheet_figure
from .frame import Frame
from .front import bias_against_work, cells_of
from .optimum import best_temperatures, swept
from .plots import handle_of, sign_handles
from .statistics import marks_of
from .style import INK, MUTED, PAGE, Form, context


def optimum_figure(frame: Frame, title: str, form: Form = PAGE) -> Figure:
    """Return each estimator's best temperature against the draws that are averaged, for one problem's records."""
    with context(form):
        handles = [handle_of(one.label, one.style) for one in swept(frame)]
        handles.append(Line2D([], [], color=MUTED, linewidth=1.6, label="bar: not shown worse"))
        return sheet_figure(Sheet(frame, title, [best_temperatures], 3.2 * form.scale, handles), form)


def front_figure(frame: Frame, title: str, form: Form = PAGE) -> Figure:
    """Return squared bias against variance x cost of one problem's records, the front ringed."""
    with context(form):
        cells = cells_of(frame, "evaluations")
        looks = {cell.series.label: cell.series.style for cell in cells}
        handles = [handle_of(label, style) for label, style in looks.items()]
        ring = Line2D([], [], linestyle="none", marker="o", markerfacecolor="none", color=INK, markersize=8)
        ring.set_label("ring: on the front")
        limits = any(cell.bias_sq.lower <= 0 for cell in cells)
        handles += [ring, *sign_handles(limits, any(marks_of(cell.record) for cell in cells))]
        return sheet_figure(Sheet(frame, title, [bias_against_work], 3.6 * form.scale, handles), form)
