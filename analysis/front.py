"""The front of bias and work: which cells are best at some budget, what an accuracy costs, where two cells cross.

An average within a budget C has mse = bias_sq + work / C, work = variance x cost of a draw: a cell is worth its place
if no other has both less bias and less work.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from ..bench.records import literal
from .axes import Point, empty, log_axis, log_limits, unit_label
from .budget import cost_of, payable
from .frame import Frame, Record, temperature_of
from .plots import Placed, draw_cells
from .series import Series, series_of
from .statistics import Estimate, estimate, scale_of
from .style import INK

_APART = ("dtype", "device", "seed")
UNITS = {"evaluations": "evaluations of f", "seconds": "seconds"}


@dataclass(frozen=True)
class Cell:
    """A cell as a budget sees it.

    Args:
        series: that it belongs to.
        record: its record.
        name: estimator, S and temperature.
        bias_sq: over |gradient|^2 where that is known.
        variance: likewise, of one draw.
        price: of one draw.
    """

    series: Series
    record: Record
    name: str
    bias_sq: Estimate
    variance: Estimate
    price: Estimate

    @property
    def work(self) -> Estimate:
        """Return variance x price: what an average's variance is times its budget."""
        v, c = self.variance, self.price
        return Estimate(v.value * c.value, v.lower * c.lower, v.upper * c.upper)

    @property
    def shown_bias(self) -> float:
        """Return bias_sq, 0 where its interval reaches 0."""
        return self.bias_sq.value if self.bias_sq.lower > 0 else 0.0


def cells_of(frame: Frame, cost: str, unbiased: Collection[str] = ()) -> list[Cell]:
    """Return the cells of one problem, oracles left out, that have a bias, a variance and a cost.

    Args:
        frame: the problem's records.
        cost: seconds or evaluations.
        unbiased: names of estimators that are known to be so; their bias is 0, whatever was measured.
    """
    chosen = frame.choices.where(lambda record: payable(record, cost))
    every = series_of(chosen, _APART)
    relative = all(scale_of(record) is not None for record in chosen)
    found = []
    for one in every:
        for record in one.frame:
            scale = (scale_of(record) if relative else None) or 1.0
            bias, variance, price = estimate(record, "bias_sq"), estimate(record, "variance"), cost_of(record, cost)
            if bias is not None and variance is not None and price is not None:
                bias = Estimate(0.0, 0.0, 0.0) if one.estimator in unbiased else bias.over(scale)
                found.append(Cell(one, record, _name(one, record), bias, variance.over(scale), price))
    return found


def _name(one: Series, record: Record) -> str:
    temperature = temperature_of(record)
    return f"{one.label}, S = {record['num_samples']}" + (
        "" if temperature is None else f", τ = {literal(temperature)}"
    )


def front_of(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells to which no other is equal or better in both bias and work, least work first.

    A bias that is not shown counts as none.
    """
    found: list[Cell] = []
    for cell in sorted(cells, key=lambda one: (one.work.value, one.shown_bias)):
        if not found or cell.shown_bias < found[-1].shown_bias:
            found.append(cell)
    return found


@dataclass(frozen=True)
class Lead:
    """The budgets at which a cell of the front has the least mse; ``until`` may be infinite."""

    cell: Cell
    start: float
    until: float


def leads_of(front: Sequence[Cell]) -> list[Lead]:
    """Return who has the least bias_sq + work / C from which budget C on: the convex part of the front."""
    found: list[Lead] = []
    for cell in front:  # rising work, falling bias: each newcomer wins from some budget on
        start = cell.price.value
        while found:
            last = found[-1].cell
            crossing = (cell.work.value - last.work.value) / (last.shown_bias - cell.shown_bias)
            start = max(crossing, cell.price.value)
            if start > found[-1].start:
                break
            found.pop()
        else:
            start = cell.price.value
        if found:
            found[-1] = Lead(found[-1].cell, found[-1].start, start)
        found.append(Lead(cell, start, math.inf))
    return found


def cost_to_reach(cell: Cell, accuracy: float) -> Estimate:
    """Return the least cost of an average with mse <= accuracy, in whole draws; infinite where bias forbids it.

    n = ceil(variance / (accuracy - bias_sq)). The ends take all of the intervals of bias, variance and price; in the
    value a bias that is not shown counts as none.

    Args:
        cell: of a frame.
        accuracy: in the units of the cell's squares, of |gradient|^2 where that is known.
    """

    def cost(bias_sq: float, variance: float, price: float) -> float:
        left = accuracy - max(0.0, bias_sq)
        return max(1, math.ceil(variance / left * (1 - 1e-12))) * price if left > 0 else math.inf

    b, v, c = cell.bias_sq, cell.variance, cell.price
    return Estimate(
        cost(cell.shown_bias, v.value, c.value), cost(b.lower, v.lower, c.lower), cost(b.upper, v.upper, c.upper)
    )


def crossover(unbiased: Cell, biased: Cell) -> Estimate | None:
    """Return the budget C* = (v_u c_u - v_b c_b) / bias_sq beyond which the unbiased cell has less mse.

    Returns:
        The budget with the ends that all three intervals allow, at least 95 %; None, none shown, where bias_sq's lower
        end is 0. It is 0 where the biased cell never leads.
    """
    u, b, bias = unbiased.work, biased.work, biased.bias_sq
    if bias.lower <= 0:
        return None
    gaps = u.value - b.value, u.lower - b.upper, u.upper - b.lower
    value, low, high = (max(0.0, gap) for gap in gaps)
    return Estimate(value / bias.value, low / bias.upper, high / bias.lower)


def bias_against_work(ax: Axes, frame: Frame, cost: str = "evaluations") -> Axes:
    """Draw squared bias against work, variance x cost of a draw, with 95 % intervals and rings round the front.

    An average within a budget C has mse = bias_sq + work / C. Ringed cells have a least mse at some budget: no other
    has less of both. A squared bias whose interval reaches 0 is an upper limit, and counts as none.

    Args:
        ax: the axes to draw on; both scales become logarithmic.
        frame: the records of one problem.
        cost: evaluations or seconds.
    """
    cells = [cell for cell in cells_of(frame, cost) if cell.work.value > 0]
    if not cells:
        return empty(ax, "No cell has a bias, a variance and a cost.")
    relative = all(scale_of(cell.record) is not None for cell in cells)
    points = {id(cell): _point(cell) for cell in cells}
    x_limits = log_limits([cell.work.value for cell in cells], [cell.work.upper for cell in cells])
    y_limits = log_limits([one.at for one in points.values()], [one.upper for one in points.values()])
    ax.set_xlabel(f"variance x cost{' / |∇|²' if relative else ''}  ({UNITS[cost]})")
    ax.set_ylabel(unit_label("bias²", relative))
    if x_limits is None or y_limits is None:
        return empty(ax, "Bias² or variance is 0 to rounding in every cell: nothing stands on logarithmic axes.")
    ax.set(xscale="log", yscale="log", xlim=x_limits, ylim=y_limits)
    log_axis(ax.xaxis, x_limits)
    log_axis(ax.yaxis, y_limits)
    for (_, S), mine in _lines(cells).items():
        style = mine[0].series.style
        placed = [Placed(cell.series, cell.record, cell.work.value, points[id(cell)]) for cell in mine]
        path = [(p.x, max(p.y.at, y_limits[0])) for p in placed]
        ax.plot(*zip(*path, strict=True), color=style.colour, linestyle=style.dash, lw=0.9, alpha=0.7, gid=f"path{S}")
        draw_cells(ax, style, placed, y_limits, ("bias_sq", relative))
    for cell in front_of(cells):
        place = [cell.work.value], [max(points[id(cell)].at, y_limits[0])]
        ring = {"markersize": 11, "markerfacecolor": "none", "markeredgecolor": INK, "markeredgewidth": 1.1}
        ax.plot(*place, marker="o", linestyle="none", zorder=6, clip_on=False, gid="front", **ring)  # type: ignore[arg-type]
    return ax


def _lines(cells: Sequence[Cell]) -> dict[tuple[str, int], list[Cell]]:
    """Return the cells of each series and number of samples, in rising order of temperature."""
    found: dict[tuple[str, int], list[Cell]] = {}
    for cell in cells:
        found.setdefault((cell.series.label, int(cell.record["num_samples"])), []).append(cell)
    return found


def _point(cell: Cell) -> Point:
    b = cell.bias_sq
    limit = b.lower <= 0 < b.upper
    return Point(b.upper if limit else b.value, b.lower, b.upper, limit)
