"""Averages within a budget: mse(n) = bias_sq + variance / n with n = budget / cost, and where two estimators cross."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bench.records import BACKWARD
from .frame import Frame, Record, temperature_of
from .series import Series, series_of
from .statistics import Estimate, estimate, scale_of
from .style import Style

COSTS = ("seconds", "evaluations")
_GRID = 40  # budgets to a decade
_APART = ("dtype", "device", "seed")
_LONGEST = 1e8  # budgets reach at most this many times the cost of one draw


@dataclass(frozen=True)
class Curve:
    """The mse of an estimator's average against the budget: at each the best of its cells.

    Args:
        label: of the estimator.
        style: how it is drawn.
        budget: rising, from the cost of its cheapest draw on.
        mse: of the average, over |gradient|^2 where that is known; a bias that is not shown counts as none.
        lower: lower ends of 95 % intervals.
        upper: upper ends; a bias that is not shown counts with all of its interval here.
        cells: the cell behind each budget.
    """

    label: str
    style: Style
    budget: NDArray[np.float64]
    mse: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    cells: tuple[Record, ...]


@dataclass(frozen=True)
class Crossing:
    """A budget from which on another estimator has the least mse.

    Args:
        before: label of the leader below.
        after: label of the leader above.
        budget: where their lines cross.
        lower: the largest budget up to which the leader below is shown to lead, 0 if it never is.
        upper: the least budget from which on the leader above is shown to lead, infinite if it never is.
        mse: where they cross.
    """

    before: str
    after: str
    budget: float
    lower: float
    upper: float
    mse: float


def cost_of(record: Record, cost: str) -> Estimate | None:
    """Return what one draw costs: seconds, or evaluations of f of which a backward pass counts 2; None: unknown."""
    if cost == "seconds":
        return estimate(record, "seconds_per_draw")
    values, slopes = record.get("cost_values_per_draw"), record.get("cost_slopes_per_draw")
    if values is None:
        return None
    total = float(values) + BACKWARD * float(slopes or 0.0)
    return Estimate(total, total, total) if total > 0 else None


def payable(record: Record, cost: str) -> bool:
    """Return whether a record says all that its average within a budget takes: bias, variance and cost."""
    known = all(record.get(name) is not None for name in ("bias_sq", "variance"))
    return record["status"] == "ok" and known and cost_of(record, cost) is not None


def curves_of(frame: Frame, cost: str) -> list[Curve]:
    """Return a curve for each estimator of one problem: at each budget its best temperature and number of samples.

    n is not rounded: a curve starts at n = 1 and is exact where the budget buys a whole number of draws.

    Args:
        frame: the problem's records; oracles are left out.
        cost: seconds or evaluations.
    """
    cells = frame.choices.where(lambda record: payable(record, cost))
    every = series_of(cells, _APART)
    if not every:
        return []
    relative = all(scale_of(record) is not None for record in cells)
    grid = _budgets(every, cost)
    curves = [_curve(one, cost, grid, relative) for one in every]
    last = _interesting(curves)
    return [_until(curve, last) for curve in curves]


def crossings_of(curves: Sequence[Curve]) -> list[Crossing]:
    """Return where the lead changes, the cheapest budget first."""
    grid = sorted({float(b) for curve in curves for b in curve.budget})
    if not grid:
        return []
    tables = [_table(curves, grid, name) for name in ("mse", "lower", "upper")]
    mse, lower, upper = tables
    leaders = np.argmin(mse, axis=0)
    found = []
    for i in np.flatnonzero(np.diff(leaders)):
        a, b = int(leaders[i]), int(leaders[i + 1])
        if not math.isfinite(mse[b, i]):
            continue  # b could not be paid before: it enters, the lines do not cross
        gaps = [math.log(mse[a, k] / mse[b, k]) for k in (i, i + 1)]
        part = gaps[0] / (gaps[0] - gaps[1]) if gaps[1] != gaps[0] else 0.5
        budget = grid[i] * (grid[i + 1] / grid[i]) ** part
        below = [grid[k] for k in range(i + 1) if upper[a, k] < lower[b, k]]
        above = [grid[k] for k in range(i + 1, len(grid)) if upper[b, k] < lower[a, k]]
        at = float(mse[a, i] * (mse[a, i + 1] / mse[a, i]) ** part)
        lead = max(below, default=0.0), min(above, default=math.inf)
        found.append(Crossing(curves[a].label, curves[b].label, budget, *lead, at))
    return found


def at_budget(record: Record, price: Estimate, budget: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return mse of the average of n = budget / price >= 1 draws with its interval's ends; infinite where n < 1."""
    bias, variance = estimate(record, "bias_sq"), estimate(record, "variance")
    if bias is None or variance is None:
        raise ValueError(f"{record['estimator']} on {record['problem']} has no bias_sq or no variance; leave it out")
    n = budget / price.value
    central = max(bias.value, 0.0) if bias.lower > 0 else 0.0
    value = central + variance.value / n
    lower = max(bias.lower, 0.0) + variance.lower / (budget / price.lower)
    upper = max(bias.upper, 0.0) + variance.upper / (budget / price.upper)
    paid = n >= 1 - 1e-9
    return tuple(np.where(paid, part, np.inf) for part in (value, np.minimum(lower, value), np.maximum(upper, value)))


def _price(cells: Frame, cost: str) -> Estimate:
    """Return the cost of one draw as the median over temperatures, which change nothing about it but timing noise."""
    prices = sorted((p for record in cells if (p := cost_of(record, cost)) is not None), key=lambda p: p.value)
    return prices[(len(prices) - 1) // 2]


def _budgets(every: Sequence[Series], cost: str) -> NDArray[np.float64]:
    groups = [cells for one in every for cells in one.frame.group_by("num_samples").values()]
    prices = sorted({_price(cells, cost).value for cells in groups})
    start, end = math.log10(prices[0]), math.log10(prices[-1] * _LONGEST)
    grid = np.logspace(start, end, max(2, round(_GRID * (end - start))))
    return np.unique(np.concatenate([grid, prices]))


def _curve(one: Series, cost: str, grid: NDArray[np.float64], relative: bool) -> Curve:
    parts = []
    for record in one.frame:
        scale = (scale_of(record) if relative else None) or 1.0
        price = _price(one.frame.where(num_samples=record["num_samples"]), cost)
        parts.append([part / scale for part in at_budget(record, price, grid)])
    values = np.array(parts)  # [cells, 3, budgets]
    best = np.argmin(values[:, 0], axis=0)
    chosen = values[best, :, np.arange(len(grid))]
    paid = np.isfinite(chosen[:, 0])
    cells = tuple(one.frame[int(i)] for i in best[paid])
    mse, lower, upper = chosen[paid].T
    return Curve(one.label, one.style, grid[paid], mse, lower, upper, cells)


def _interesting(curves: Sequence[Curve]) -> float:
    """Return the budget that shows all there is: ten times the last crossing or bend, three decades at the least."""
    first = min(float(curve.budget[0]) for curve in curves)
    latest = max(float(curve.budget[0]) for curve in curves)
    crossings = [10 * crossing.budget for crossing in crossings_of(curves)]
    bends = []
    for curve in curves:
        floor = curve.mse[-1]
        above = curve.budget[curve.mse > 1.1 * floor]
        bend = float(above[-1]) if len(above) else 0.0
        bends.append(bend if bend < 0.5 * float(curve.budget[-1]) else 0.0)
    return max([1e3 * first, 30 * latest, *crossings, *(b for b in bends if b < 1e6 * first)])


def _until(curve: Curve, last: float) -> Curve:
    kept = curve.budget <= last * (1 + 1e-9)
    number = int(kept.sum())
    budget, mse, lower, upper = (part[:number] for part in (curve.budget, curve.mse, curve.lower, curve.upper))
    return Curve(curve.label, curve.style, budget, mse, lower, upper, curve.cells[:number])


def _table(curves: Sequence[Curve], grid: Sequence[float], name: str) -> NDArray[np.float64]:
    """Return [curves, budgets], infinite where a curve has not begun."""
    table = np.full((len(curves), len(grid)), np.inf)
    where = {budget: i for i, budget in enumerate(grid)}
    for row, curve in zip(table, curves, strict=True):
        row[[where[float(b)] for b in curve.budget]] = getattr(curve, name)
    return table


def temperatures_along(curve: Curve) -> list[tuple[float, float | None]]:
    """Return (budget, temperature) wherever the best temperature of a curve changes, its start first."""
    found: list[tuple[float, float | None]] = []
    for budget, record in zip(curve.budget, curve.cells, strict=True):
        temperature = temperature_of(record)
        if not found or found[-1][1] != temperature:
            found.append((float(budget), temperature))
    return found
