"""Bias, variance and mse against the number of samples or the dimension: functions that take and return axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from ..bench.records import literal
from .axes import Point, empty, length, log_axis, log_limits, note, point, unit_label, units
from .frame import Frame, Record, temperature_of, value_of
from .phrases import listed
from .plots import QUANTITY, Placed, draw_cells, off_axis
from .series import Series, series_of
from .sizes import size_of
from .statistics import estimate, mse_at
from .style import FAINT, MUTED, small

NAMES = {
    "num_samples": "number of samples S in one draw",
    "dim": "dimension dim  (number of nodes)",
    "latents": "latents  (number of nodes)",
    "classes": "classes  (outcomes of one node)",
}
_DECADES = 13  # more than on other axes: variances grow with powers of the dimension
_APART = ("dtype", "device", "seed")


@dataclass(frozen=True)
class Line:
    """The cells of one configured estimator at one temperature, in rising order of what lies along x.

    Args:
        series: its label carries the temperature.
        x: where its cells stand.
    """

    series: Series
    x: tuple[float, ...]


def variance_against_samples(ax: Axes, frame: Frame) -> Axes:
    """Draw the variance of one draw against S, with 95 % intervals and a faint line of slope 1/S.

    Each estimator stands at one temperature: that of its least mse (without a truth: variance), as a geometric mean
    over all S; the legend says which. A line that falls as the faint one does gains what independent draws would.

    Args:
        ax: the axes to draw on; both scales become logarithmic.
        frame: the records of one problem.
    """
    return against(ax, frame, "variance", "num_samples")


def mse_against_samples(ax: Axes, frame: Frame) -> Axes:
    """Draw the mean squared error of one draw against S; see variance_against_samples."""
    return against(ax, frame, "mse", "num_samples")


def bias_against_dimension(ax: Axes, frame: Frame) -> Axes:
    """Draw the squared bias against the dimension of the problem; see variance_against_dimension."""
    return against(ax, frame, "bias_sq", size_of(frame) or "dim")


def variance_against_dimension(ax: Axes, frame: Frame) -> Axes:
    """Draw the variance of one draw against the parameter of the problem that is its dimension.

    Squares are divided by |gradient|^2 of each problem's own truth. Each estimator stands at one temperature: that
    of its least mse, as a geometric mean over all dimensions.

    Args:
        ax: the axes to draw on; both scales become logarithmic.
        frame: the records of problems that differ in dim, latents or classes only.
    """
    return against(ax, frame, "variance", size_of(frame) or "dim")


def mse_against_dimension(ax: Axes, frame: Frame) -> Axes:
    """Draw the mean squared error of one draw against the dimension; see variance_against_dimension."""
    return against(ax, frame, "mse", size_of(frame) or "dim")


def against(ax: Axes, frame: Frame, quantity: str, along: str) -> Axes:
    """Draw bias_sq, variance or mse of one draw against a field of the records or a parameter of their problems.

    Args:
        ax: the axes to draw on.
        frame: records that differ in estimators, their parameters and ``along``.
        quantity: bias_sq, variance or mse.
        along: num_samples, or the name of a number in the problem's brackets.
    """
    cells = frame.choices.where(lambda r: r.get(quantity) is not None and value_of(r, along) is not None)
    lines = lines_of(frame, along)
    if not len(cells) or not lines:
        return empty(ax, "The exact gradient is not known." if len(frame.ok) else "No cell was measured.")
    _, relative = units(cells.records)
    placed = {line.series.label: _placed(line, quantity, relative) for line in lines}
    every = [cell for found in placed.values() for cell in found]
    limits = log_limits([cell.y.at for cell in every], [cell.y.upper for cell in every], _DECADES)
    ax.set_ylabel(unit_label(QUANTITY[quantity], relative))
    ax.set_xscale("log")
    size_axis(ax.xaxis, sorted({x for line in lines for x in line.x}))
    ax.set_xlabel(NAMES.get(along, along))
    if limits is None:
        return empty_within(ax, f"{QUANTITY[quantity]} is 0 to rounding in every cell.")
    ax.set_yscale("log", nonpositive="clip")
    ax.set_ylim(*limits)
    log_axis(ax.yaxis, limits)
    ax.grid(axis="y")
    if along == "num_samples" and quantity != "bias_sq":
        _halving(ax, every, limits)
    for line in lines:
        cells_of_line = placed[line.series.label]
        style = line.series.style
        at = [(cell.x, max(cell.y.at, limits[0])) for cell in cells_of_line]
        if len(at) > 1:
            ax.plot(*zip(*at, strict=True), color=style.colour, linestyle=style.dash, gid="line")
        draw_cells(ax, style, cells_of_line, limits, (quantity, relative))
    note(ax, off_axis(_below(placed.values(), limits[0]), QUANTITY[quantity]))
    return ax


def lines_of(frame: Frame, along: str) -> list[Line]:
    """Return one line for each configured estimator, oracles left out, at its best temperature over ``along``."""
    cells = frame.choices.where(lambda record: value_of(record, along) is not None)
    found = []
    for one in series_of(cells, _APART if along == "num_samples" else (*_APART, "num_samples")):
        temperature = _best_temperature(one.frame, along)
        chosen = one.frame.where(lambda r, t=temperature: temperature_of(r) == t).sort(along)  # type: ignore[misc]
        label = one.label if temperature is None else f"{one.label}, τ = {literal(temperature)}"
        x = tuple(float(value_of(record, along)) for record in chosen)
        found.append(Line(Series(label, one.estimator, one.style, chosen), x))
    return found


SCALINGS = ("falls as 1/S", "falls faster than 1/S", "falls more slowly than 1/S", "does not fall")


@dataclass(frozen=True)
class Scaling:
    """How the variance of one draw changes from the least to the largest number of samples.

    Args:
        word: one of SCALINGS.
        factor: variance at the least over that at the largest.
        gain: that factor over the ratio of the numbers of samples: 1 is what averaging independent draws gives.
    """

    word: str
    factor: float
    gain: float


def scaling(line: Line) -> Scaling | None:
    """Return how a line's variance falls with S, as far as its intervals show it; None without two variances."""
    first, last = (estimate(line.series.frame[i], "variance") for i in (0, -1))
    more = line.x[-1] / line.x[0]
    if first is None or last is None or last.value <= 0 or more <= 1:
        return None
    factor = first.value / last.value
    low, high = first.lower / last.upper, first.upper / last.lower if last.lower > 0 else math.inf
    if low <= 1:
        word = "does not fall"
    elif low <= more <= high:
        word = "falls as 1/S"
    else:
        word = "falls faster than 1/S" if low > more else "falls more slowly than 1/S"
    return Scaling(word, factor, factor / more)


def size_axis(axis: Axis, values: Sequence[float]) -> None:
    """Put a tick at every size and a label wherever there is room for one."""
    span = max(math.log10(values[-1] / values[0]), 0.3)
    axis.axes.set_xlim(values[0] / 10 ** (0.06 * span), values[-1] * 10 ** (0.06 * span))
    labels, last = [], -math.inf
    for value in values:
        text = f"{value:,.0f}"
        needed = (len(text) + 1.5) * 0.6 * small() / length(axis) * 1.12 * span
        room = math.log10(value) - last >= needed
        last = math.log10(value) if room else last
        labels.append(text if room else "")
    axis.set_major_locator(FixedLocator(list(values)))
    axis.set_major_formatter(FixedFormatter(labels))
    axis.set_minor_locator(NullLocator())


def empty_within(ax: Axes, reason: str) -> Axes:
    """Say on the axes why nothing is drawn, and leave the x axis as it is."""
    ax.set_yticks([])
    ax.text(0.5, 0.5, reason, transform=ax.transAxes, ha="center", va="center", color=MUTED)
    return ax


def _placed(line: Line, quantity: str, relative: bool) -> list[Placed]:
    scales, known = units(line.series.frame.records)
    found = []
    for record, x, scale in zip(line.series.frame, line.x, scales, strict=True):
        where = point(record, quantity, scale if relative and known else 1.0)
        if where is not None:
            found.append(Placed(line.series, record, x, where))
    return found


def _below(lines: Iterable[Sequence[Placed]], lowest: float) -> list[tuple[str, Point]]:
    """Return for each line with cells below the axis its name with where they are, and the largest of them."""
    found = []
    for line in lines:
        off = [cell for cell in line if cell.y.at < lowest]
        if off:
            places = listed([literal(cell.x) for cell in off])
            found.append((f"{off[0].series.label} at {places}", max((c.y for c in off), key=lambda y: y.at)))
    return found


def _best_temperature(frame: Frame, along: str) -> float | None:
    """Return the temperature measured at most values of ``along``, of those the one with the least mean of log mse."""
    scores: dict[float, list[float]] = {}
    for record in frame:
        temperature = temperature_of(record)
        if temperature is not None:
            scores.setdefault(temperature, []).append(_log_error(record))
    if not scores:
        return None
    return min(scores, key=lambda t: (-len(scores[t]), sum(scores[t]) / len(scores[t]), t))


def _log_error(record: Record) -> float:
    mse = mse_at(record)
    value = float(record.get("variance") or 0.0) if mse is None else mse.value
    scale = record.get("gradient_norm") or 1.0
    return math.log(max(value, 1e-300) / float(scale) ** 2)


def _halving(ax: Axes, every: Sequence[Placed], limits: tuple[float, float]) -> None:
    """Draw faint lines that fall as 1/S, a decade apart."""
    first, last = (f(cell.x for cell in every) for f in (min, max))
    if first == last:
        return
    fall = last / first
    for k in range(math.floor(math.log10(limits[0])), math.ceil(math.log10(limits[1] * fall)) + 1):
        start = 10.0**k
        ends = [start, start / fall]
        if ends[1] < limits[1] and ends[0] > limits[0]:
            ax.plot([first, last], ends, color=FAINT, lw=0.7, ls=(0, (4, 3)), zorder=1, gid="independent")
