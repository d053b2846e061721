"""How gradient draws are spread along the exact gradient: one row of axes an estimator."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from ..bench.records import literal
from .axes import empty, length
from .frame import Frame, Record, temperature_of
from .ranking import ranked
from .series import fewest_samples, series_of
from .statistics import Estimate
from .style import FAINT, INK, Style, small, style_of

Array = NDArray[np.float64]
BINS = 121
WIDE = 40.0  # a spread beyond this times 1, the truth, gets a scale that is logarithmic in its tails


@dataclass(frozen=True)
class Spread:
    """What the draws of one estimator say of its distribution.

    Args:
        mean: with its 95 % interval, mean +- 1.96 standard errors.
        quantiles: at 2.5, 25, 50, 75 and 97.5 %.
        negative: fraction of draws that point against the exact gradient.
    """

    mean: Estimate
    quantiles: tuple[float, float, float, float, float]
    negative: float


def distribution_of_draws(ax: Axes, draws: Mapping[str, Array], styles: Mapping[str, Style] | None = None) -> Axes:
    """Draw how draws are spread along the exact gradient, g . exact / |exact|^2: 1 is the truth, 0 is no step.

    Each row is a mirrored histogram (no smoothing: atoms stay atoms), as tall at its fullest bin in every row; along
    it lie the middle 50 % of draws as a thick and the middle 95 % as a thin line, and on it the mean as a marker with
    its 95 % interval. The axis holds the middle 99 % of the widest row; where that reaches far beyond 1, the scale is
    linear within 2 and logarithmic outside.

    Args:
        ax: the axes to draw on.
        draws: projections [N] of the draws by label, the first on top; values that are not finite are left out.
        styles: how each label is drawn; by its first word as an estimator's name where it is absent.
    """
    finite = {label: found[np.isfinite(found)] for label, found in draws.items()}
    finite = {label: found for label, found in finite.items() if len(found) > 1}
    if not finite:
        return empty(ax, "There are no draws.")
    left, right = _limits(list(finite.values()))
    if max(-left, right) > WIDE:
        ax.set_xscale("symlog", linthresh=2.0, linscale=0.7)
    ax.set(xlim=(left, right), ylim=(len(finite) - 0.35, -0.6))
    _ticks(ax, left, right)
    ax.set_xlabel("g·∇ / |∇|² of one draw g  (1 = truth)")
    ax.set_yticks(range(len(finite)), list(finite))
    ax.tick_params("y", length=0)
    ax.spines["left"].set_visible(False)
    ax.axvline(0.0, color=FAINT, linewidth=0.9, zorder=0, gid="zero")
    ax.axvline(1.0, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0, gid="truth")
    for row, (label, found) in enumerate(finite.items()):
        _row(ax, row, found, (styles or {}).get(label) or style_of(re.split(r"[,\[\n]", label)[0]))
    return ax


def spread_of(draws: Array) -> Spread:
    """Return mean and quantiles of projections [N], N >= 2."""
    mean, half = float(draws.mean()), 1.96 * float(draws.std(ddof=1)) / math.sqrt(len(draws))
    low, first, middle, third, high = (float(q) for q in np.quantile(draws, (0.025, 0.25, 0.5, 0.75, 0.975)))
    negative = float((draws < 0).mean())
    return Spread(Estimate(mean, mean - half, mean + half), (low, first, middle, third, high), negative)


def chosen_cells(frame: Frame) -> dict[str, tuple[Record, Style]]:
    """Return for one problem each estimator's cell of least mse (without a truth: none), by a label with its τ."""
    every = series_of(fewest_samples(frame).choices)
    best = {choice.label: choice.record for choice in ranked(every, 1)}
    found = {}
    for one in every:
        record = best.get(one.label)
        if record is None or not record.get("gradient_norm"):
            continue
        temperature = temperature_of(record)
        label = one.label if temperature is None else f"{one.label}, τ = {literal(temperature)}"
        found[label] = (record, one.style)
    return found


def _limits(every: Sequence[Array]) -> tuple[float, float]:
    """Return limits that hold 0, 1 and the middle 99 % of every row."""
    low = min(0.0, *(float(np.quantile(found, 0.005)) for found in every))
    high = max(1.0, *(float(np.quantile(found, 0.995)) for found in every))
    pad = 0.04 * (high - low)
    return low - pad, high + pad


def _ticks(ax: Axes, left: float, right: float) -> None:
    """Put ticks at 0, 1 and powers of ten on the scale with logarithmic tails, or leave matplotlib's linear ones."""
    if ax.get_xscale() == "linear":
        ax.xaxis.get_major_locator().set_params(nbins=max(4, int(length(ax.xaxis) / (4.5 * small()))))  # type: ignore
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
        return
    values = [0.0, 1.0, *(sign * 10.0**k for k in range(1, 16) for sign in (-1, 1))]
    values = sorted(value for value in values if left <= value <= right)
    forward = ax.transData.transform
    labels, last = [], -math.inf
    for value in values:
        text = f"{value:,.0f}".replace("-", "−")
        at = float(forward((value, 0))[0]) * 72 / ax.figure.dpi
        needed = (len(text) + 1) * 0.62 * small()
        room = at - last >= needed
        last = at if room else last
        labels.append(text if room else "")
    ax.xaxis.set_major_locator(FixedLocator(values))
    ax.xaxis.set_major_formatter(FixedFormatter(labels))
    ax.xaxis.set_minor_locator(NullLocator())


def _row(ax: Axes, row: int, found: Array, style: Style) -> None:
    left, right = ax.get_xlim()
    transform = ax.xaxis.get_transform()
    start, end = (float(transform.transform(np.array([value]))[0]) for value in (left, right))
    edges = transform.inverted().transform(np.linspace(start, end, BINS + 1))
    counts, _ = np.histogram(found, edges)
    half = 0.40 * counts / max(1, int(counts.max()))
    new = np.append(True, half[1:] != half[:-1])  # neighbours of one height are one step
    edges, half = np.append(edges[:-1][new], edges[-1]), half[new]
    middle = np.repeat(edges, 2)[1:-1]
    tall = np.repeat(half, 2)
    body: dict[str, Any] = {"facecolor": style.colour, "alpha": 0.30, "linewidth": 0, "gid": "histogram"}
    ax.fill_between(middle, row - tall, row + tall, **body)
    spread = spread_of(found)
    low, first, _, third, high = spread.quantiles
    ax.plot([low, high], [row, row], color=style.colour, linewidth=1.0, gid="middle_95", solid_capstyle="butt")
    ax.plot([first, third], [row, row], color=style.colour, linewidth=3.2, gid="middle_50", solid_capstyle="butt")
    mean = spread.mean
    ax.plot([mean.lower, mean.upper], [row, row], color=INK, linewidth=1.2, marker="|", markersize=7, gid="interval")
    point: dict[str, Any] = {
        "color": style.colour,
        "markeredgecolor": "white",
        "markeredgewidth": 0.7,
        "markersize": 6.5,
    }
    ax.plot([mean.value], [row], marker=style.marker, linestyle="none", zorder=5, gid="mean", **point)
