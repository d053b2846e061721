"""Whole figures: axes, legend and title in fixed places, so that nothing depends on a layout engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.textpath import TextPath

from . import cost, draws, heatmap, sweep
from .aims import aim_handle, aimed
from .axes import note, point
from .budget import COSTS, crossings_of, curves_of
from .frame import Frame
from .plane import bias_variance_plane
from .plots import (
    bias_against_temperature,
    handle_of,
    legend_handles,
    mse_against_temperature,
    sign_handles,
    variance_against_temperature,
)
from .series import fewest_samples
from .sizes import size_of
from .statistics import marks_of
from .style import INK, MUTED, PAGE, Form, Style, context, small

Panel = Callable[[Axes, Frame], Axes]


@dataclass(frozen=True)
class Sheet:
    """What goes on one figure.

    Args:
        frame: its records.
        title: stands above the axes where the form has titles.
        panels: one for each axes, from top to bottom.
        height: of each axes, inches.
        handles: of the legend below.
        shared: whether one label under the last axes is the label of all.
        left: room for labels at the left, inches; None: the form's.
        below: room for tick labels and the label of the x axis, inches; None: that of one line each.
        remark: a note above the first axes.
    """

    frame: Frame
    title: str
    panels: Sequence[Panel]
    height: float
    handles: Sequence[Artist]
    shared: bool = True
    left: float | None = None
    below: float | None = None
    remark: str = ""


def temperature_figure(frame: Frame, title: str, form: Form = PAGE) -> Figure:
    """Return squared bias, variance and mse against temperature, one above the other, for the records of one problem.

    Args:
        frame: the problem's records; of each estimator those with its least num_samples are drawn.
        title: stands above the axes.
        form: of a page, or of a column of a paper.
    """
    cells = fewest_samples(frame)
    panels = [bias_against_temperature, variance_against_temperature, mse_against_temperature]
    with context(form):
        handles = legend_handles(cells) + ([aim_handle()] if aimed(cells) else [])
        sheet = Sheet(cells, title, panels, 1.85 * form.scale, handles, remark=_left_out(frame, cells))
        return sheet_figure(sheet, form)


def plane_figure(frame: Frame, title: str, form: Form = PAGE) -> Figure:
    """Return the bias-variance plane of one problem's records, as tall as the temperature figure beside it."""
    cells, height = fewest_samples(frame), 5.45 if form is PAGE else 2.9
    with context(form):
        handles = legend_handles(cells)
        sheet = Sheet(cells, title, [bias_variance_plane], height, handles, remark=_left_out(frame, cells))
        return sheet_figure(sheet, form)


def samples_figure(frame: Frame, title: str, form: Form = PAGE) -> Figure:
    """Return variance above mse, both of one draw against its number of samples, for the records of one problem."""
    return _sweep_figure(frame, title, form, "num_samples", ("variance", "mse"))


def dimension_figure(frame: Frame, title: str, form: Form = PAGE) -> Figure:
    """Return squared bias, variance and mse against the dimension, for problems that differ in nothing else."""
    cells = fewest_samples(frame)
    return _sweep_figure(cells, title, form, size_of(cells) or "dim", ("bias_sq", "variance", "mse"))


def cost_figure(frame: Frame, title: str, form: Form = PAGE) -> Figure:
    """Return the mse of an average against seconds, and below against evaluations of f, for one problem's records."""
    with context(form):
        known = {kind: curves_of(frame, kind) for kind in COSTS}
        curves = next((found for found in known.values() if found), [])
        handles = [handle_of(curve.label, curve.style) for curve in curves]
        if any(crossings_of(found) for found in known.values()):
            ring = Line2D([], [], linestyle="none", marker="o", markerfacecolor="none", color=INK, markersize=7)
            ring.set_label("ring: lead changes")
            bar = Line2D([], [], linewidth=2.2, color=INK, label="bar: its interval")
            handles += [ring, bar]
        handles += sign_handles(False, any(marks_of(curve.cells[0]) for curve in curves))
        panels = [cost.mse_against_seconds, cost.mse_against_evaluations]
        sheet = Sheet(frame, title, panels, 2.75 * form.scale, handles, shared=False)
        return sheet_figure(sheet, form)


def heatmap_figure(frame: Frame, title: str, form: Form = PAGE) -> Figure:
    """Return a table of colours, estimators by problems, with a bar of its colours below."""
    with context(form):
        grid = heatmap.grid_of(frame)
        left = 0.2 + max((_wide(label) for label in grid.rows), default=0.0)
        column = (form.width - left - _RIGHT) / max(1, len(grid.columns))
        widest = max((_wide(line) for label in grid.columns for line in label.splitlines()), default=0.0)
        lines = max((len(label.splitlines()) for label in grid.columns), default=1)
        level = widest < column - 0.06
        turn = 0 if level else 35 if column * math.sin(math.radians(35)) > lines * 1.3 * small() / 72 else 90
        tall = lines * 1.25 * small() / 72
        turned = widest * math.sin(math.radians(turn)) + (0.6 * tall if turn == 35 else 0.0)
        below = 0.1 + (tall if level else turned)
        handles = _square_handles(grid)
        height = (0.37 if form is PAGE else 0.34) * max(1, len(grid.rows))
        remark = f"Problems: {grid.common} with the parameters below." if grid.common else ""
        draw = partial(_table, turn=turn)
        figure = sheet_figure(
            Sheet(frame, title, [draw], height, handles, left=left, below=below + 0.62, remark=remark), form
        )
        total, (ax,) = float(figure.get_figheight()), figure.axes
        place = ax.get_position()
        start = place.x0 if form.large else 0.2 / form.width  # a narrow figure needs all of its width for the label
        bar = figure.add_axes((start, place.y0 - (below + 0.16) / total, place.x1 - start, 0.11 / total))
        heatmap.colour_bar(bar, frame)
        return figure


def draws_figure(
    found: Mapping[str, draws.Array], styles: Mapping[str, Style], title: str, form: Form = PAGE
) -> Figure:
    """Return how gradient draws are spread along the exact gradient, one row for each label.

    Args:
        found: projections of draws on the exact gradient by label, as distribution_of_draws takes them.
        styles: how each label is drawn.
        title: stands above the axes.
        form: of a page, or of a column of a paper.
    """
    rows = {label.replace(", τ", "\nτ"): values for label, values in found.items()}
    looks = {label.replace(", τ", "\nτ"): style for label, style in styles.items()}
    with context(form):
        left = 0.18 + max((_wide(line) for label in rows for line in label.splitlines()), default=0.5)
        handles = [
            Line2D([], [], linestyle="none", marker="o", color=MUTED, label="mean"),
            Line2D([], [], linestyle="none", marker="|", color=INK, label="its 95 % interval"),
            Line2D([], [], linewidth=3.2, color=MUTED, label="middle 50 %"),
            Line2D([], [], linewidth=1.0, color=MUTED, label="middle 95 %"),
        ]

        def draw(ax: Axes, _: Frame) -> Axes:
            return draws.distribution_of_draws(ax, rows, looks)

        return sheet_figure(Sheet(Frame(()), title, [draw], 0.42 * len(rows) + 0.2, handles, left=left), form)


_RIGHT, _ROW, _NOTE = 0.16, 0.195, 0.175  # inches at 8.5 points


def _sweep_figure(frame: Frame, title: str, form: Form, along: str, quantities: Sequence[str]) -> Figure:
    known = [name for name in quantities if any(record.get(name) is not None for record in frame.ok)] or quantities[:1]
    panels = [partial(sweep.against, quantity=name, along=along) for name in known]
    with context(form):
        lines = sweep.lines_of(frame, along)
        tau = ", τ = " if form.large else " τ="
        handles = [handle_of(line.series.label.replace(", τ = ", tau), line.series.style) for line in lines]
        cells = [record for line in lines for record in line.series.frame]
        bounds = [p for record in cells if (p := point(record, "bias_sq", 1.0)) is not None and p.limit]
        if along == "num_samples":
            handles.append(Line2D([], [], color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)), label="slope of 1/S"))
        handles += sign_handles("bias_sq" in known and bool(bounds), any(marks_of(record) for record in cells))
        height = 2.35 if len(panels) < 3 else 1.85
        return sheet_figure(Sheet(frame, title, panels, height * form.scale, handles), form)


def sheet_figure(sheet: Sheet, form: Form) -> Figure:
    """Stack panels of one height; notes above them and the legend below get the room that they need."""
    width, height, panels = form.width, sheet.height, sheet.panels
    left = form.left if sheet.left is None else sheet.left
    across = (left / width, (width - left - _RIGHT) / width)
    columns = _columns(sheet.handles, form)
    legend = _ROW * small() / 8.5 * math.ceil(len(sheet.handles) / columns)
    figure = Figure(figsize=(width, tall := 3 * height))
    every = [figure.add_axes((across[0], 0, across[1], height / tall)) for _ in panels]
    broken = [_fitted(draw(ax, sheet.frame), height, across[1] * width) for draw, ax in zip(panels, every, strict=True)]
    second = 1.2 * small() / 72  # of a label that takes two lines
    left += second if any(y for _, y in broken) else 0.0
    across = (left / width, (width - left - _RIGHT) / width)
    if sheet.remark:
        note(every[0], [*every[0].get_title("left").splitlines(), sheet.remark])
    for ax in every[:-1] if sheet.shared else []:
        ax.set_xlabel("")
    notes = [_NOTE * small() / 8.5 * len(ax.get_title("left").splitlines()) for ax in every]
    tight = form.large is None
    below = (0.47 if tight else 0.64) if sheet.below is None else sheet.below
    below += second if broken[-1][0] else 0.0
    gap = (0.30 if tight else 0.42) if sheet.shared else (0.50 if tight else 0.60)
    top = 0.42 if form.large else 0.10
    total = legend + below + sum(notes) + height * len(panels) + gap * (len(panels) - 1) + top
    figure.set_size_inches(width, total)
    y = total - top
    for ax, room in zip(every, notes, strict=True):
        y -= room + height
        ax.set_position((across[0], y / total, across[1], height / total))
        y -= gap
    if form.large:
        where = (0.1 / width, 1 - 0.08 / total)
        figure.text(*where, sheet.title, ha="left", va="top", fontsize=form.large, fontweight="bold")
    corner = (_corner(form) / width, 0.03 / total)
    spacing: dict[str, Any] = {"borderpad": 0, "borderaxespad": 0, "labelspacing": 0.45, "columnspacing": 1.4}
    if tight:
        spacing |= {"columnspacing": 0.8, "handlelength": 1.6, "handletextpad": 0.5}
    figure.legend(handles=sheet.handles, loc="lower left", bbox_to_anchor=corner, ncols=columns, **spacing)
    return figure


def _columns(handles: Sequence[Artist], form: Form) -> int:
    """Return the largest number of columns, three at most, in which the legend is no wider than the figure."""
    widths = [_wide(str(handle.get_label())) for handle in handles]
    for columns in (3, 2):
        rows, longer = divmod(len(widths), columns)
        starts = [k * rows + min(k, longer) for k in range(columns + 1)]
        parts = [max(widths[a:b], default=0.0) for a, b in pairwise(starts)]
        between = 1.4 if form.large else 0.8
        room = (columns * (2.8 if form.large else 2.1) + (columns - 1) * between) * small() / 72
        if sum(parts) + room + _corner(form) < form.width - 0.02:
            return columns
    return 1


def _wide(text: str) -> float:
    """Return how wide a text is in the size of ticks, inches."""
    if not text.strip():
        return 0.0
    path = TextPath((0, 0), text, size=small(), prop=FontProperties(family="DejaVu Sans"))
    return float(np.ptp(path.vertices[:, 0])) / 72


def _corner(form: Form) -> float:
    """Return where the legend begins, inches from the left."""
    return 0.1 if form.large else 0.04


def _fitted(ax: Axes, height: float, width: float) -> tuple[bool, bool]:
    """Break labels before their unit where an axis is too short for one line; return whether x and y were broken."""
    x, y = ax.get_xlabel(), ax.get_ylabel()
    breaks = "  (" in x and _wide(x) > width, "  (" in y and _wide(y) > 0.97 * height
    if breaks[0]:
        ax.set_xlabel(x.replace("  (", "\n("))
    if breaks[1]:
        ax.set_ylabel(y.replace("  (", "\n("))
    return breaks


def _left_out(frame: Frame, kept: Frame) -> str:
    """Return a note where several numbers of samples were measured."""
    if len(kept.ok) == len(frame.ok):
        return ""
    return "Each estimator at its least S of those measured; more S: the figure against number of samples."


def _table(ax: Axes, frame: Frame, turn: float) -> Axes:
    """Draw the heat map; where the problems' names are too wide for level ones they are turned."""
    heatmap.heatmap(ax, frame)
    for label in ax.get_xticklabels() if turn else []:
        label.set(rotation=turn, ha="right", va="top" if turn < 90 else "center", rotation_mode="anchor")
    return ax


def _square_handles(grid: heatmap.Grid) -> list[Artist]:
    statuses = {square.status for row in grid.squares for square in row}
    found: list[Artist] = []
    if "not_applicable" in statuses:
        found.append(Patch(facecolor="white", edgecolor="#b4bac4", hatch="////", label="does not apply"))
    if "missing" in statuses:
        found.append(Patch(facecolor="white", edgecolor="#b4bac4", label="not measured"))
    marked = any(square.record and marks_of(square.record) for row in grid.squares for square in row)
    return found + list(sign_handles(False, marked))
