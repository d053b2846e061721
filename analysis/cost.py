"""Error against budget: functions that take and return the axes they draw on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from .axes import DECADES, empty, log_axis, note, power, unit_label
from .budget import Crossing, Curve, crossings_of, curves_of
from .frame import Frame
from .statistics import marks_of, scale_of
from .style import INK, MUTED, small

FINE = 0.012  # decades, a quarter of a point on a page
TINY = 1e-300  # stands for a lower end of 0 on a logarithmic axis
LABELS = {
    "seconds": "budget: time  (seconds)",
    "evaluations": "budget: evaluations of f  (backward = 2)",
}


def mse_against_seconds(ax: Axes, frame: Frame) -> Axes:
    """Draw the mse of an average of as many draws as a time buys, mse(n) = bias_sq + variance / n, with 95 % bands.

    At each budget an estimator stands at its best temperature and number of samples. A curve starts with a marker
    at one draw. A bias that is not shown counts as none in the line, and with all of its interval in the band: where
    the band's upper end levels out, the measurement does not know better. Rings are where the lead changes.

    Args:
        ax: the axes to draw on; both scales become logarithmic.
        frame: the records of one problem, with bias, variance and timing.
    """
    return mse_against(ax, frame, "seconds")


def mse_against_evaluations(ax: Axes, frame: Frame) -> Axes:
    """Draw the mse of an average against evaluations of f, a backward pass counting 2; see mse_against_seconds."""
    return mse_against(ax, frame, "evaluations")


def mse_against(ax: Axes, frame: Frame, cost: str) -> Axes:
    """Draw the mse of an average against a budget of ``seconds`` or ``evaluations``; see mse_against_seconds."""
    curves = curves_of(frame, cost)
    if not curves:
        return empty(ax, "No cell has a bias, a variance and a cost." if len(frame.ok) else "No cell was measured.")
    relative = all(scale_of(record) is not None for curve in curves for record in curve.cells)
    ax.set_ylabel(unit_label("mse of the average", relative))
    ax.set_xlabel(LABELS[cost])
    shown = [curve for curve in curves if curve.mse[0] > 0]
    limits = _limits(shown, relative)
    if limits is None:
        return empty(ax, "Every mse is 0 to rounding.")
    x_limits = (min(float(c.budget[0]) for c in curves) / 1.6, max(float(c.budget[-1]) for c in curves))
    ax.set(xscale="log", yscale="log", xlim=x_limits, ylim=limits)
    log_axis(ax.xaxis, x_limits)
    log_axis(ax.yaxis, limits)
    ax.grid(axis="y")
    if relative and limits[0] < 1 < limits[1]:
        ax.axhline(1.0, color=MUTED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1, gid="zero")
        ax.annotate(
            "zero gradient", (x_limits[1], 1.0), (-2, 2), textcoords="offset points", ha="right", va="bottom",
            fontsize=small() - 1, color=MUTED, gid="zero",
        )  # fmt: skip
    for curve in shown:
        _draw(ax, curve)
    for crossing in crossings_of(curves):
        _cross(ax, crossing)
    zero = [f"{curve.label} (mse 0)" for curve in curves if curve.mse[0] <= 0]
    zero += [f"{c.label} ({power(float(f'{c.mse[0]:.2g}'))} at one draw)" for c in shown if c.mse[0] < limits[0]]
    note(ax, [f"Below the axis: {', '.join(zero)}."] if zero else [])
    return ax


def _limits(curves: Sequence[Curve], relative: bool) -> tuple[float, float] | None:
    """Return limits that hold the starts of all curves and 8 decades below the largest, at most to the least end."""
    positive = [float(curve.mse[0]) for curve in curves]
    if not positive:
        return None
    top = max(positive) * 2
    ends = [float(curve.mse[-1]) for curve in curves if curve.mse[-1] > 0]
    lowest = max(min(ends, default=top), top * 10.0**-DECADES)
    return lowest / 1.5, max(top, 2.0) if relative and top > 0.1 else top


def _draw(ax: Axes, curve: Curve) -> None:
    style = curve.style
    kept = _corners(np.log10(curve.budget), np.log10(np.maximum([curve.mse, curve.lower, curve.upper], TINY)))
    budget, mse, lower, upper = (part[kept] for part in (curve.budget, curve.mse, curve.lower, curve.upper))
    band: dict[str, Any] = {"facecolor": (style.colour, 0.10), "edgecolor": (style.colour, 0.35), "linewidth": 0.4}
    ax.fill_between(budget, lower, upper, gid="band", **band)
    ax.plot(budget, mse, color=style.colour, linestyle=style.dash, gid="line", label=curve.label)
    start = (float(curve.budget[0]), float(curve.mse[0]))
    ax.plot(*start, marker=style.marker, color=style.colour, linestyle="none", zorder=4, clip_on=False, gid="start")
    if marks_of(curve.cells[0]):
        cross: dict[str, Any] = {"color": INK, "markersize": 8.0, "markeredgewidth": 0.9, "zorder": 5, "clip_on": False}
        ax.plot(*start, marker="x", linestyle="none", gid="marked", **cross)


def _corners(x: NDArray[np.float64], lines: NDArray[np.float64]) -> list[int]:
    """Return the points of lines [k, n] over x [n] without which a straight stroke would miss one: small files.

    Args:
        x: rising, in decades.
        lines: in decades; a stroke may miss them by FINE.
    """
    kept, last = [0], 0
    for end in range(2, len(x)):
        inside = slice(last + 1, end)
        part = (x[inside] - x[last]) / (x[end] - x[last])
        stroke = lines[:, [last]] + part * (lines[:, [end]] - lines[:, [last]])
        if np.abs(stroke - lines[:, inside]).max() > FINE:
            last = end - 1
            kept.append(last)
    return [*kept, len(x) - 1] if len(x) > 1 else kept


def _cross(ax: Axes, crossing: Crossing) -> None:
    """Draw a ring where the lead changes, a line down to the budget, and the interval of the budget along it."""
    low, high = ax.get_ylim()
    if not low < crossing.mse < high:
        return
    ax.plot([crossing.budget] * 2, [low, crossing.mse], color=MUTED, lw=0.8, ls=(0, (2, 2)), zorder=2, gid="drop")
    ring: dict[str, Any] = {
        "marker": "o",
        "markersize": 8,
        "markerfacecolor": "none",
        "markeredgecolor": INK,
        "zorder": 6,
    }
    ax.plot([crossing.budget], [crossing.mse], linestyle="none", gid="crossing", **ring)
    left, right = ax.get_xlim()
    ends = [max(crossing.lower, left), min(crossing.upper, right)]
    bar: dict[str, Any] = {
        "color": INK,
        "linewidth": 2.2,
        "solid_capstyle": "butt",
        "clip_on": False,
        "gid": "crossing_interval",
    }
    ax.plot(ends, [low, low], **bar)


def labelled_budget(value: float, cost: str) -> str:
    """Return a budget as a sentence names it: '12 us', '340 evaluations'."""
    if not math.isfinite(value):
        return "never"
    if cost == "evaluations":
        return f"{float(np.format_float_positional(value, 2, fractional=False)):,.0f} evaluations"
    for factor, unit in ((1e9, "ns"), (1e6, "us"), (1e3, "ms")):
        if value * factor < 995:
            return f"{float(f'{value * factor:.2g}'):g} {unit}"
    return f"{float(f'{value:.2g}'):,g} s"
