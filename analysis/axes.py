"""Axes that measure squares: logarithmic limits, readable ticks, and what lies below."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.path import Path
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from ..bench.records import literal
from .frame import Record
from .statistics import Estimate, estimate, scale_of
from .style import MUTED, small

DECADES = 8  # an axis shows at most this much below its largest value
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
ARROW_DOWN = Path([(0, 0), (0, -2), (-0.45, -1.45), (0, -2), (0.45, -1.45)], [1, 2, 1, 2, 2])
ARROW_LEFT = Path([(0, 0), (-2, 0), (-1.45, -0.45), (-2, 0), (-1.45, 0.45)], [1, 2, 1, 2, 2])


@dataclass(frozen=True)
class Point:
    """Where a cell stands on one axis.

    Args:
        at: the value, or the upper end of its interval for an upper limit.
        lower: lower end of the interval.
        upper: upper end.
        limit: whether the interval reaches 0, so that only its upper end is known.
    """

    at: float
    lower: float
    upper: float
    limit: bool


def point(record: Record, name: str, scale: float) -> Point | None:
    """Return where a record's bias_sq or variance stands, in units of ``scale``; None where it is absent."""
    found: Estimate | None = estimate(record, name)
    if found is None:
        return None
    found = found.over(scale)
    limit = found.lower <= 0 < found.upper and name != "variance"
    return Point(found.upper if limit else found.value, found.lower, found.upper, limit)


def units(records: Sequence[Record]) -> tuple[list[float], bool]:
    """Return for each record the unit of its squares: |gradient|^2 of the truth if all have one, else 1."""
    scales = [scale_of(record) for record in records]
    relative = bool(scales) and all(scale is not None for scale in scales)
    return [scale if relative and scale is not None else 1.0 for scale in scales], relative


def unit_label(quantity: str, relative: bool) -> str:
    """Return an axis label with its unit."""
    return f"{quantity} / |∇|²  (dimensionless)" if relative else f"{quantity}  (gradient units squared)"


def log_limits(
    values: Sequence[float], tops: Sequence[float] = (), decades: int = DECADES
) -> tuple[float, float] | None:
    """Return limits that hold the positive values within some decades of the largest, None if there is none.

    Args:
        values: where markers stand.
        tops: upper ends of intervals, to be held as well.
        decades: how much below the largest value an axis may show.
    """
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    if not positive:
        return None
    largest = max(positive)
    smallest = min(value for value in positive if value >= largest * 10.0**-decades)
    span = math.log10(largest / smallest)
    top = max([largest * 10 ** max(0.3, 0.06 * span), *(1.1 * end for end in tops if math.isfinite(end))])
    return smallest / 10 ** max(0.3, 0.1 * span), top


def log_axis(axis: Axis, limits: tuple[float, float]) -> None:
    """Give an axis decades as 10⁻³, or steps of 1-2-5 and finer where it spans less than two decades."""
    span = math.log10(limits[1] / limits[0])
    ticks = levels(limits, 3 if span < 1.7 else 2)
    room = int(length(axis) / (3.3 * small() if isinstance(axis, XAxis) else 1.6 * small()))
    stride = max(1, math.ceil(len(ticks) / max(2, min(9, room))))
    finer = any(abs(math.log10(tick) % 1.0 - 0.5) < 0.499 for tick in ticks)
    plain = finer and limits[0] >= 1e-4 and limits[1] <= 1e5
    axis.set_major_locator(FixedLocator([tick for i, tick in enumerate(reversed(ticks)) if i % stride == 0][::-1]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}" if plain else power(value)))
    axis.set_minor_locator(LogLocator(subs=tuple(range(2, 10)), numticks=50) if 1.7 <= span < 4 else NullLocator())
    axis.set_minor_formatter(NullFormatter())


def length(axis: Axis) -> float:
    """Return how long an axis is, in points."""
    box = axis.axes.get_window_extent()
    return (box.width if isinstance(axis, XAxis) else box.height) * 72 / axis.axes.figure.dpi


def levels(limits: tuple[float, float], fewest: int) -> list[float]:
    """Return round numbers within limits: decades, or the coarsest finer steps of which there are enough."""
    exponents = range(math.floor(math.log10(limits[0])), math.ceil(math.log10(limits[1])) + 1)
    found: list[float] = []
    for steps in ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0), tuple(i / 4 for i in range(4, 40))):
        found = [float(f"{step}e{k}") for k in exponents for step in steps]
        found = [value for value in found if limits[0] <= value <= limits[1]]
        if len(found) >= fewest:
            break
    return found


def power(value: float) -> str:
    """Return a number on a logarithmic axis: 10⁻³, 5, 2×10⁻⁶."""
    if value <= 0:
        return "0"
    exponent = math.floor(math.log10(value) + 1e-9)
    digits = value / 10.0**exponent
    if abs(digits - 1) > 1e-6:
        mantissa = f"{digits:.3g}"
        return mantissa if exponent == 0 else f"{mantissa}×10{str(exponent).translate(_SUPERSCRIPT)}"
    return "1" if exponent == 0 else f"10{str(exponent).translate(_SUPERSCRIPT)}"


def temperature_ticks(axis: Axis, temperatures: Sequence[float], span: float) -> None:
    """Put a tick at every temperature and a label wherever there is room for one."""
    labels, last = [], -math.inf
    needed = 25.3 / length(axis)
    for temperature in temperatures:
        room = math.log10(temperature) - last >= needed * span
        last = math.log10(temperature) if room else last
        labels.append(literal(float(f"{temperature:.3g}")) if room else "")
    axis.set_major_locator(FixedLocator(list(temperatures)))
    axis.set_major_formatter(FixedFormatter(labels))
    axis.set_minor_locator(NullLocator())


def note(ax: Axes, lines: Sequence[str]) -> None:
    """Write small notes above the axes, over what may stand there already."""
    width = max(20, int(length(ax.xaxis) / (0.52 * small())))
    wrapped = [part for line in lines for part in textwrap.wrap(line, width)]
    if wrapped:
        ax.set_title("\n".join(wrapped), loc="left", fontsize=small(), color=MUTED, linespacing=1.35)


def empty(ax: Axes, reason: str) -> Axes:
    """Say on the axes why nothing is drawn."""
    ax.set_xticks([])
    ax.set_yticks([])
    text = "\n".join(textwrap.wrap(reason, max(20, int(0.75 * length(ax.xaxis) / (0.6 * small())))))
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=MUTED)
    return ax
