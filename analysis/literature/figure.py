"""The figure of a result: a statistic against what the paper varied, with intervals and exact curves."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from ...bench.records import literal
from ..axes import ARROW_DOWN, log_axis, log_limits
from ..style import INK, context, style_of
from .result import Curve, Panel, Point
from .verdict import interval

HEIGHT, LEFT, RIGHT, TOP, GAP = 2.5, 0.88, 0.12, 0.38, 0.98  # inches
WIDE, NARROW = 7.2, 5.0
UNITS = {"variance": "variance  (gradient units squared)", "bias_sq": "bias²  (gradient units squared)"}
DECADES = 12


def figure(panels: Sequence[Panel], number: int) -> Figure:
    """Return the panels side by side over one legend.

    Args:
        panels: one or two.
        number: of comparisons at whose common level the intervals are drawn.
    """
    curves = {curve.label: curve for panel in panels for curve in panel.curves}
    width = WIDE if len(panels) > 1 else NARROW
    columns = 3 if len(panels) > 1 else 2
    rows = -(-(len(curves) + 1) // columns)
    bottom = 0.62 + 0.2 * rows
    tall = TOP + HEIGHT + bottom
    wide = (width - LEFT - RIGHT - GAP * (len(panels) - 1)) / len(panels)
    with context():
        drawn = Figure(figsize=(width, tall))
        for place, panel in enumerate(panels):
            x = LEFT + place * (wide + GAP)
            ax = drawn.add_axes((x / width, bottom / tall, wide / width, HEIGHT / tall))
            draw(ax, panel, number)
        handles = [_handle(curve) for curve in curves.values()]
        handles.append(Line2D([], [], color=INK, marker="_", markersize=9, linestyle="", label="exact value"))
        at = (0.1 / width, 0.03 / tall)
        drawn.legend(handles=handles, loc="lower left", bbox_to_anchor=at, ncols=columns, borderaxespad=0, borderpad=0)
    return drawn


def draw(ax: Axes, panel: Panel, number: int) -> Axes:
    """Draw the curves of a panel; what reaches 0 stands at its interval's upper end, or at the foot, with an arrow.

    Args:
        ax: where to draw.
        panel: what to draw.
        number: of comparisons at whose common level the intervals are drawn.
    """
    every = [point for curve in panel.curves for point in curve.points]
    found = [interval(point.cell, panel.field, number) for point in every]
    levels = [one.value for one in found] + [one.upper for one in found] + [point.exact or 0.0 for point in every]
    limits = log_limits(levels, [one.upper for one in found], DECADES) or (0.1, 1.0)
    ax.set_yscale("log")
    ax.set_ylim(*limits)
    xs = sorted({point.x for point in every})
    if panel.logarithmic:
        ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(xs))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(FixedFormatter([literal(x) for x in xs]))
    if len(xs) == 1:
        ax.set_xlim(xs[0] - 1, xs[0] + 1)
    for curve in panel.curves:
        _curve(ax, curve, panel.field, number, limits[0])
    log_axis(ax.yaxis, limits)
    ax.grid(axis="y")
    ax.set_title(panel.title)
    ax.set_xlabel(panel.along)
    ax.set_ylabel(UNITS[panel.field])
    return ax


def _curve(ax: Axes, curve: Curve, field: str, number: int, foot: float) -> None:
    style = style_of(curve.estimator, curve.variant)
    line: list[tuple[float, float]] = []
    for point in curve.points:
        found = interval(point.cell, field, number)
        limit = found.lower <= 0
        at = max(found.upper, foot) if limit else found.value
        if limit:
            ax.plot([point.x], [at], color=style.colour, marker=ARROW_DOWN, markersize=12, linestyle="", clip_on=False)
        else:
            ax.plot([point.x, point.x], [max(found.lower, foot), found.upper], color=style.colour, linewidth=1.1)
        face = "white" if limit else style.colour
        ax.plot([point.x], [at], color=style.colour, marker=style.marker, markerfacecolor=face, clip_on=False)
        line.append((point.x, at))
        _exact(ax, point, foot)
    ax.plot(*zip(*line, strict=True), color=style.colour, linestyle=style.dash, linewidth=1.0, alpha=0.8)


def _exact(ax: Axes, point: Point, foot: float) -> None:
    if point.exact is not None and point.exact >= foot:
        ax.plot([point.x], [point.exact], color=INK, marker="_", markersize=9, linestyle="", zorder=5)


def _handle(curve: Curve) -> Line2D:
    style = style_of(curve.estimator, curve.variant)
    return Line2D(
        [], [], color=style.colour, marker=style.marker, linestyle=style.dash, linewidth=1.0, label=curve.label
    )
