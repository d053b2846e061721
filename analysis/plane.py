"""The bias-variance plane: where each cell stands, and lines of equal mean squared error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..bench.records import literal
from .axes import ARROW_LEFT, Point, empty, length, levels, log_axis, log_limits, note, point, power, unit_label, units
from .frame import Frame, Record, temperature_of
from .hover import tell
from .plots import CROSS, QUANTITY, off_axis
from .series import Series, cell_name, series_of
from .statistics import marks_of
from .style import FAINT, MUTED, small

Place = tuple[float, float, float, float]  # x, y in data; dx, dy in points
Box = tuple[float, float, float, float]  # left, low, right, high in pixels


@dataclass(frozen=True)
class Spot:
    """A cell on the plane: its record, squared bias and variance."""

    record: Record
    x: Point
    y: Point


def bias_variance_plane(ax: Axes, frame: Frame) -> Axes:
    """Draw variance against squared bias for one problem's cells, with lines of equal mse = bias_sq + variance.

    Both are divided by |gradient|^2 of the truth where that is known and not 0; the line mse = 1 is then what the
    zero gradient achieves. Cells of one estimator are joined in order of temperature, whose ends are written
    beside them. A squared bias whose interval reaches 0 is an upper limit: open marker, arrow to the left.

    Args:
        ax: the axes to draw on; both scales become logarithmic.
        frame: the records of one problem.
    """
    cells = frame.ok.where(lambda record: record.get("bias_sq") is not None and record.get("variance") is not None)
    if not len(cells):
        known = "The exact gradient is not known: no bias, no plane." if len(frame.ok) else "No cell was measured."
        return empty(ax, known)
    all_series = series_of(cells)
    spots = {one.label: _spots(one) for one in all_series}
    every = [spot for found in spots.values() for spot in found]
    _, relative = units(cells.records)
    ax.set_xlabel(unit_label(QUANTITY["bias_sq"], relative))
    ax.set_ylabel(unit_label(QUANTITY["variance"], relative))
    x_limits = log_limits([s.x.at for s in every], [s.x.upper for s in every])
    y_limits = log_limits([s.y.at for s in every], [s.y.upper for s in every])
    if x_limits is None or y_limits is None:
        return empty(ax, "Bias² or variance is 0 to rounding in every cell: nothing stands on logarithmic axes.")
    x_limits = (x_limits[0] / 10 ** (0.09 * math.log10(x_limits[1] / x_limits[0]) + 0.1), x_limits[1])
    ax.set(xscale="log", yscale="log", xlim=x_limits, ylim=y_limits)
    log_axis(ax.xaxis, x_limits)
    log_axis(ax.yaxis, y_limits)
    lines = _equal_mse(ax, x_limits, y_limits, relative)
    for one in all_series:
        _draw(ax, one, spots[one.label], (x_limits[0], y_limits[0]), relative)
    room = Room(ax, list(spots.values()), (x_limits[0], y_limits[0]))
    for mse, text in lines:
        room.label_line(mse, text)
    for one in (one for one in all_series if one.has_temperature and len(one.frame) > 1):
        for spot in (spots[one.label][0], spots[one.label][-1]):
            room.label_spot(spot, one.style.colour)
    off = [(cell_name(s.record, all_series), s.x) for s in every if s.x.at < x_limits[0]]
    zero = [(cell_name(s.record, all_series), s.y) for s in every if s.y.at < y_limits[0]]
    note(ax, [*off_axis(off, QUANTITY["bias_sq"]), *off_axis(zero, QUANTITY["variance"])])
    return ax


def _spots(one: Series) -> list[Spot]:
    scales, _ = units(one.frame.records)
    found = []
    for record, scale in zip(one.frame, scales, strict=True):
        x, y = point(record, "bias_sq", scale), point(record, "variance", scale)
        if x is not None and y is not None:
            found.append(Spot(record, x, y))
    return found


def _equal_mse(
    ax: Axes, x_limits: tuple[float, float], y_limits: tuple[float, float], relative: bool
) -> list[tuple[float, str]]:
    """Draw curves of equal bias_sq + variance; return value and name of those that start at the left."""
    t = np.linspace(-18, 18, 73)
    top = max(y_limits[1], x_limits[1])
    values = levels((y_limits[0], top), 2)
    stride = max(1, math.ceil(len(values) / 7))
    named = []
    for i, value in enumerate(reversed(values)):
        zero = relative and value == 1.0
        if i % stride and not zero:
            continue
        x, y = value / (1 + np.exp(-t)), value / (1 + np.exp(t))
        inside = (x >= x_limits[0] / 10) & (y >= y_limits[0] / 10)
        width, colour = (1.2, MUTED) if zero else (0.8, FAINT)
        ax.plot(x[inside], y[inside], color=colour, linestyle=(0, (4, 3)), linewidth=width, zorder=1, gid="equal_mse")
        if y_limits[0] < value < y_limits[1]:
            remark = ": no better than returning 0" if length(ax.xaxis) > 250 else ": zero gradient"
            named.append((value, f"mse = {power(value)}" + (remark if zero else "")))
    return named


def _draw(ax: Axes, one: Series, spots: Sequence[Spot], lowest: tuple[float, float], relative: bool) -> None:
    """Draw one estimator's cells: intervals on both axes, the path over temperature, markers."""
    style = one.style
    x, y = _clamped(spots, lowest)
    if one.has_temperature:
        ax.plot(x, y, color=style.colour, linestyle=style.dash, linewidth=1.1, alpha=0.8, gid="path", label=one.label)
    common: dict[str, Any] = {"linestyle": "none", "color": style.colour, "markeredgewidth": 1.0, "zorder": 4}
    for i, spot in enumerate(spots):
        inside = spot.x.at >= lowest[0] and spot.y.at >= lowest[1]
        if inside and not spot.x.limit:
            ends = max(spot.x.lower, lowest[0]), spot.x.upper
            ax.plot(ends, (y[i], y[i]), color=style.colour, lw=0.9, gid="interval_x", zorder=3)
        if inside:
            ends = max(spot.y.lower, lowest[1]), spot.y.upper
            ax.plot((x[i], x[i]), ends, color=style.colour, lw=0.9, gid="interval_y", zorder=3)
    for limit in (False, True):
        chosen = [i for i, spot in enumerate(spots) if spot.x.limit is limit]
        at = [x[i] for i in chosen], [y[i] for i in chosen]
        if chosen and limit:
            arrow = {**common, "markersize": 21, "markerfacecolor": "none"}
            ax.plot(*at, marker=ARROW_LEFT, gid="arrow", **arrow)
        if chosen:
            face = "white" if limit else style.colour
            gid = "limit" if limit else "estimate"
            found = ax.plot(*at, marker=style.marker, gid=gid, **{**common, "markerfacecolor": face, "clip_on": False})
            tell(found, "plane", relative, [spots[i].record for i in chosen])
    marked = [i for i, spot in enumerate(spots) if marks_of(spot.record)]
    if marked:
        cross = {**common, **CROSS, "clip_on": False}
        ax.plot([x[i] for i in marked], [y[i] for i in marked], marker="x", gid="marked", **cross)


def _clamped(spots: Sequence[Spot], lowest: tuple[float, float]) -> tuple[list[float], list[float]]:
    """Return positions in which what lies below an axis stands on its edge."""
    return [max(spot.x.at, lowest[0]) for spot in spots], [max(spot.y.at, lowest[1]) for spot in spots]


class Room:
    """Where labels can stand on the axes: never on a marker or another label, and off the paths where possible.

    Args:
        ax: axes with their final limits and size.
        paths: the cells that are drawn, one list for each path.
        lowest: the lower ends of both axes, on which what lies below is drawn.
    """

    def __init__(self, ax: Axes, paths: Sequence[Sequence[Spot]], lowest: tuple[float, float]) -> None:
        self.ax, self.lowest = ax, lowest
        self.point = ax.figure.dpi / 72
        half = 4.5 * self.point
        self.boxes: list[Box] = []
        self.lines: list[Box] = []
        for path in paths:
            at = ax.transData.transform(np.column_stack(_clamped(path, lowest)))
            self.boxes += [(u - half, v - half, u + half, v + half) for u, v in at]
            limits = [place for place, spot in zip(at, path, strict=True) if spot.x.limit]
            self.boxes += [(u - 11 * self.point, v - 2, u, v + 2) for u, v in limits]  # their arrows
            segments = list(pairwise(at)) + [self._interval(spot, side) for spot in path for side in ("x", "y")]
            for start, end in segments:
                steps = start + np.linspace(0, 1, 24)[:, None] * (end - start)
                self.lines += [(u - 1, v - 1, u + 1, v + 1) for u, v in steps]

    def _interval(self, spot: Spot, side: str) -> tuple[Any, Any]:
        """Return the ends of a cell's interval along one axis, in pixels."""
        (x,), (y,) = _clamped([spot], self.lowest)
        if side == "x":
            ends = (x if spot.x.limit else max(spot.x.lower, self.lowest[0]), y), (spot.x.upper, y)
        else:
            ends = (x, max(spot.y.lower, self.lowest[1])), (x, spot.y.upper)
        start, end = self.ax.transData.transform(ends)
        return start, end

    def label_line(self, mse: float, text: str) -> None:
        """Write a line's value along its level part, further in where the left end is taken; never leave it out."""
        left, right = self.ax.get_xlim()
        end = max(min(mse / 4, right), left * 1.01)
        starts = [left * (end / left) ** fraction for fraction in (0, 0.15, 0.3, 0.45, 0.6, 0.75)]
        places = [(x, mse - min(x, mse / 2), 3.0, dy) for x in starts for dy in (1.5, -8.0)]
        style = {"fontsize": small() - 1, "color": MUTED, "zorder": 2, "gid": "mse"}
        self._write(text, places, 4.3, 7.0, style, places[0])

    def label_spot(self, spot: Spot, colour: str) -> None:
        """Write a cell's temperature beside its marker if there is room."""
        text = literal(temperature_of(spot.record) or 0.0)
        (x,), (y,) = _clamped([spot], self.lowest)
        offsets = [(6, -3), (-6 - 5 * len(text), -3), (-2, 6), (-2, -13)]
        offsets += [(dx, dy) for dx in (5, -4 - 5 * len(text)) for dy in (4, -11, 8, -15)]
        style = {"fontsize": small() - 0.5, "color": colour, "zorder": 6, "gid": "temperature"}
        self._write(text, [(x, y, dx, dy) for dx, dy in offsets], 5.0, 8.0, style, None)

    def _write(
        self,
        text: str,
        places: Sequence[Place],
        wide: float,
        high: float,
        style: dict[str, Any],
        otherwise: Place | None,
    ) -> None:
        """Annotate at the first place that is free; sizes are points per letter and of a line."""
        boxes = {place: self._box(place, wide * len(text), high) for place in places}
        free = [place for place in places if self._free(boxes[place], self.boxes)]
        better = [place for place in free if self._free(boxes[place], self.lines)]
        chosen: list[Place | None] = [*better, *free, otherwise]
        place = chosen[0]
        if place is None:
            return
        box = boxes[place]
        self.boxes.append(box)
        self.ax.annotate(text, place[:2], place[2:], textcoords="offset points", **style)

    def _box(self, place: Place, wide: float, high: float) -> Box:
        u, v = self.ax.transData.transform(place[:2])
        left, low = u + place[2] * self.point, v + place[3] * self.point
        return left, low, left + wide * self.point, low + high * self.point

    def _free(self, box: Box, others: Sequence[Box]) -> bool:
        frame = self.ax.get_window_extent()
        within = frame.x0 <= box[0] and box[2] <= frame.x1 and frame.y0 <= box[1] and box[3] <= frame.y1
        return within and not any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in others
        )
