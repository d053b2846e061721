"""Bias, variance and mse against temperature: functions that take and return the axes they draw on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from .aims import aimed, draw_aims
from .axes import (
    ARROW_DOWN,
    Point,
    empty,
    log_axis,
    log_limits,
    note,
    point,
    power,
    temperature_ticks,
    unit_label,
    units,
)
from .frame import Frame, Record, temperature_of
from .hover import tell
from .series import Series, cell_name, series_of
from .statistics import marks_of
from .style import FAINT, INK, MUTED, Style, small

Told = tuple[str, bool]  # a quantity, and whether it is relative to |gradient|^2
QUANTITY = {"bias_sq": "bias²", "variance": "variance", "mse": "mse"}


@dataclass(frozen=True)
class Placed:
    """A cell on the axes: its series, the record, where it stands along x, and its value."""

    series: Series
    record: Record
    x: float
    y: Point


def bias_against_temperature(ax: Axes, frame: Frame) -> Axes:
    """Draw the squared bias of one problem's cells against temperature, with 95 % intervals.

    bias_sq is divided by |gradient|^2 of the truth where that is known and not 0. An interval that reaches 0 is an
    upper limit: an open marker with an arrow at its upper end. A dotted line in an estimator's colour joins the upper
    ends of bias_sq against its own target, where that is another: what lies above it is relaxation. Estimators without
    temperature are level lines that end in a marker at the right. A cross marks cells whose interval cannot be trusted.

    Args:
        ax: the axes to draw on; both scales become logarithmic.
        frame: the records of one problem.
    """
    return _against_temperature(ax, frame, "bias_sq")


def variance_against_temperature(ax: Axes, frame: Frame) -> Axes:
    """Draw the variance of one draw (trace of its covariance) against temperature; see bias_against_temperature."""
    return _against_temperature(ax, frame, "variance")


def mse_against_temperature(ax: Axes, frame: Frame) -> Axes:
    """Draw the mse of one draw, bias_sq + variance, against temperature; see bias_against_temperature."""
    return _against_temperature(ax, frame, "mse")


def _against_temperature(ax: Axes, frame: Frame, name: str) -> Axes:
    cells = frame.ok.where(lambda record: record.get(name) is not None)
    if not len(cells):
        missing = len(frame.ok) and name != "variance"
        why = f"The exact gradient is not known: no {QUANTITY[name]}." if missing else "No cell was measured."
        return empty(ax, why)
    all_series = series_of(cells)
    temperatures = sorted({t for t in map(temperature_of, cells) if t is not None})
    placed, ticks = _place(all_series, temperatures, name)
    limits = log_limits([one.y.at for one in placed], [one.y.upper for one in placed])
    _, relative = units(cells.records)
    ax.set_ylabel(unit_label(QUANTITY[name], relative))
    ax.set_xscale("log")
    if limits is None:
        note(ax, _off_axis(placed, all_series, 0.0, name))
        empty(ax, f"{QUANTITY[name]} is 0 to rounding in every cell.")
    else:
        ax.set_yscale("log", nonpositive="clip")
        ax.set_ylim(*limits)
        log_axis(ax.yaxis, limits)
        ax.grid(axis="y")
        for one in all_series:
            _draw(ax, one, [p for p in placed if p.series is one], limits, bool(temperatures), (name, relative))
        if name == "bias_sq":
            draw_aims(ax, aimed(cells), limits[0])
        note(ax, _off_axis(placed, all_series, limits[0], name))
    _finish_x(ax, temperatures, ticks)
    return ax


def _place(all_series: Sequence[Series], temperatures: Sequence[float], name: str) -> tuple[list[Placed], list[Series]]:
    """Return where every cell stands; series without temperature queue up to the right of the largest one."""
    free = [one for one in all_series if not one.has_temperature]
    placed = []
    for one in all_series:
        scales, _ = units(one.frame.records)
        for record, scale in zip(one.frame, scales, strict=True):
            temperature, where = temperature_of(record), point(record, name, scale)
            x = temperature if temperature is not None else _slot(temperatures, free.index(one))
            if where is not None:
                placed.append(Placed(one, record, x, where))
    return placed, free


def _slot(temperatures: Sequence[float], position: int) -> float:
    if not temperatures:
        return 10.0 ** (0.2 * position)
    return temperatures[-1] * 10 ** (_span(temperatures) * (0.11 + 0.07 * position))


def _span(temperatures: Sequence[float]) -> float:
    return max(math.log10(temperatures[-1] / temperatures[0]), 0.6)


def _draw(
    ax: Axes, one: Series, placed: Sequence[Placed], limits: tuple[float, float], levels: bool, told: Told
) -> None:
    """Draw one series: its line (or level, if ``levels``), and its cells."""
    style = one.style
    if one.has_temperature:
        line = [(p.x, max(p.y.at, limits[0])) for p in placed]
        ax.plot(*zip(*line, strict=True), color=style.colour, linestyle=style.dash, gid="line", label=one.label)
    elif levels:
        for p in (p for p in placed if p.y.at >= limits[0]):
            ends = ([ax.get_xlim()[0] * 1e-9, p.x], [max(p.y.lower, limits[0] * 1e-3)] * 2, [p.y.upper] * 2)
            if not p.y.limit:
                ax.fill_between(*ends, color=style.colour, alpha=0.13, linewidth=0, gid="band")
            ax.plot(
                ends[0],
                [p.y.at] * 2,
                color=style.colour,
                linestyle=style.dash,
                linewidth=0.9,
                alpha=0.45 if p.y.limit else 0.9,
                gid="level",
            )
    draw_cells(ax, style, placed, limits, told)


def draw_cells(ax: Axes, style: Style, placed: Sequence[Placed], limits: tuple[float, float], told: Told) -> None:
    """Draw cells where they are placed: intervals, markers, upper limits with their arrows, crosses over marked ones.

    Args:
        ax: the axes.
        style: of their estimator.
        placed: the cells.
        limits: of the logarithmic y axis; what lies below stands on its edge as a triangle.
        told: the quantity along y, and whether it is relative to |gradient|^2.
    """
    shown = [p for p in placed if p.y.at >= limits[0]]
    below = [p for p in placed if p.y.at < limits[0]]
    exact = [p for p in shown if not p.y.limit]
    bounds = [p for p in shown if p.y.limit]
    if exact:
        lower = [max(p.y.lower, limits[0] * 1e-3) for p in exact]
        ax.vlines([p.x for p in exact], lower, [p.y.upper for p in exact], color=style.colour, lw=1.1, gid="interval")
    common: dict[str, Any] = {
        "linestyle": "none",
        "color": style.colour,
        "markeredgewidth": 1.0,
        "zorder": 4,
        "clip_on": False,
    }
    _markers(ax, exact, told, marker=style.marker, gid="estimate", **common)
    _markers(ax, bounds, marker=ARROW_DOWN, markersize=23, gid="arrow", markerfacecolor="none", **common)
    _markers(ax, bounds, told, marker=style.marker, markerfacecolor="white", gid="limit", **common)
    _markers(ax, [p for p in shown if marks_of(p.record)], marker="x", gid="marked", **{**common, **CROSS})
    if below:
        found = ax.plot([p.x for p in below], [limits[0]] * len(below), marker=7, gid="below", **common)
        tell(found, *told, [p.record for p in below])


CROSS = {"color": INK, "markersize": 8.0, "markeredgewidth": 0.9, "zorder": 5}


def _markers(ax: Axes, placed: Sequence[Placed], told: Told | None = None, **style: Any) -> None:
    if placed:
        found = ax.plot([p.x for p in placed], [p.y.at for p in placed], **style)
        if told is not None:
            tell(found, *told, [p.record for p in placed])


def _off_axis(placed: Sequence[Placed], all_series: Sequence[Series], lowest: float, name: str) -> list[str]:
    """Return a sentence on the cells that lie below the axis, the zeros among them."""
    off = [p for p in placed if p.y.at < lowest or p.y.at <= 0]
    return off_axis([(cell_name(p.record, all_series), p.y) for p in off], QUANTITY[name])


def off_axis(cells: Sequence[tuple[str, Point]], quantity: str) -> list[str]:
    """Return a sentence that names cells below a logarithmic axis and their values."""
    signs = ["≤\N{NO-BREAK SPACE}" if p.limit else "" for _, p in cells]
    values = [power(float(f"{max(p.at, 0.0):.2g}")) for _, p in cells]
    names = [f"{name} ({sign}{value})" for (name, _), sign, value in zip(cells, signs, values, strict=True)]
    more = [f"and {len(names) - 6} more"] if len(names) > 6 else []
    return [f"Below the axis, {quantity}: {', '.join(names[:6] + more)}."] if names else []


def _finish_x(ax: Axes, temperatures: Sequence[float], free: Sequence[Series]) -> None:
    """Label the x axis: temperatures, then the place of the estimators that have none."""
    if not temperatures:
        slots = [_slot(temperatures, i) for i in range(len(free))]
        names = [one.label for one in free]
        rotated = len(names) > 3 or max(map(len, names), default=0) > 24
        ax.set_xlim(slots[0] / 1.3, slots[-1] * 1.3)
        ax.xaxis.set_major_locator(FixedLocator(slots))
        ax.xaxis.set_major_formatter(FixedFormatter(names))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.tick_params("x", labelrotation=20 if rotated else 0)
        ax.set_xlabel("estimator (none of them has a temperature)")
        return
    span = _span(temperatures)
    right = 0.09 + 0.07 * len(free) if free else 0.06
    ax.set_xlim(temperatures[0] / 10 ** (0.06 * span), temperatures[-1] * 10 ** (right * span))
    temperature_ticks(ax.xaxis, temperatures, span)
    ax.set_xlabel("temperature τ  (dimensionless)")
    if free:
        ax.axvline(temperatures[-1] * 10 ** (0.06 * span), color=FAINT, linewidth=0.8, gid="separator")
        middle = (0.11 + 0.07 * (len(free) - 1) / 2) * span
        where = (temperatures[-1] * 10**middle, -0.02)
        style: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": small(), "color": MUTED}
        ax.text(*where, "no τ", transform=ax.get_xaxis_transform(), **style)


def legend_handles(frame: Frame) -> list[Line2D]:
    """Return a legend's handles for a problem's cells: every series, then what open markers and crosses mean."""
    handles = [handle_of(one.label, one.style) for one in series_of(frame)]
    bias = [estimated for record in frame.ok if (estimated := point(record, "bias_sq", 1.0)) is not None]
    return handles + sign_handles(any(p.limit for p in bias), any(marks_of(record) for record in frame.ok))


def handle_of(label: str, style: Style) -> Line2D:
    """Return a legend's handle for a line with markers."""
    return Line2D([], [], color=style.colour, linestyle=style.dash, marker=style.marker, label=label, markersize=5)


def sign_handles(limits: bool, marks: bool) -> list[Line2D]:
    """Return handles that say what open markers and crosses mean, where the axes have any."""
    plain: dict[str, Any] = {"linestyle": "none", "color": MUTED}
    found = [Line2D([], [], marker="o", markerfacecolor="white", label="open: upper limit", **plain)] if limits else []
    return found + ([Line2D([], [], marker="x", label="cross: marked", **plain)] if marks else [])
