"""The best temperature of an average of n draws, and those that are not shown to be worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from ..bench.paired import Score, excess, score
from ..bench.records import COLUMNS, Measurement
from .axes import empty, log_axis, temperature_ticks
from .frame import Frame, Record, temperature_of
from .series import Series, fewest_samples, series_of
from .statistics import LEVEL

DRAWS = tuple(4**k for k in range(9))
_APART = ("dtype", "device", "seed")
_ASIDE = 0.05  # decades between the bars of two estimators


@dataclass(frozen=True)
class Optimum:
    """The temperature of least mse(n) = bias_sq + variance / n among those measured.

    Args:
        num_draws: n.
        best: that temperature.
        lower: the lowest temperature not shown to be worse, at 5 % over all temperatures together.
        upper: the highest one.
        record: the cell at the best temperature.
        mse: of its average, a negative bias_sq counted as 0.
    """

    num_draws: int
    best: float
    lower: float
    upper: float
    record: Record
    mse: float


def optimum(cells: Sequence[Record], num_draws: int) -> Optimum:
    """Return the best temperature for an average of n draws.

    Cells of one seed met the same noise: with their replicates at hand (a store has them) temperatures are compared in
    pairs, which shows more than their intervals do.

    Args:
        cells: of one estimator at several temperatures, each with a bias and a variance.
        num_draws: n.
    """
    scores = [_score(record, num_draws) for record in cells]
    leader = min(range(len(cells)), key=lambda i: (not scores[i].settled, scores[i].value))
    level = LEVEL / max(1, len(cells) - 1)
    temperatures = [float(temperature_of(record) or 0.0) for record in cells]
    level_with = [t for t, one in zip(temperatures, scores, strict=True) if excess(scores[leader], one, level) >= 0]
    ends = [*level_with, temperatures[leader]]
    return Optimum(num_draws, temperatures[leader], min(ends), max(ends), cells[leader], scores[leader].value)


def swept(frame: Frame) -> list[Series]:
    """Return the series, each at its least S, that were measured at two or more temperatures with bias and variance."""
    cells = fewest_samples(frame).choices
    known = cells.where(lambda record: record.get("bias_sq") is not None and record.get("variance") is not None)
    return [one for one in series_of(known, _APART) if one.has_temperature and len(one.frame) > 1]


def best_temperatures(ax: Axes, frame: Frame) -> Axes:
    """Draw each estimator's best temperature against the number n of draws that are averaged.

    Of the temperatures that were measured the marker stands at the one of least mse(n); the bar spans those that are
    not shown to be worse, at 5 %. Bars stand a little aside, so that none hides another.

    Args:
        ax: the axes to draw on; both scales become logarithmic.
        frame: the records of one problem.
    """
    every = swept(frame)
    if not every:
        return empty(ax, "No estimator has a known bias at two temperatures.")
    ax.set(xscale="log", yscale="log", xlabel="draws averaged, n", ylabel="best temperature τ")
    for number, one in enumerate(every):
        found = [optimum(one.frame.records, n) for n in DRAWS]
        aside = 10 ** (_ASIDE * (number - (len(every) - 1) / 2))
        x, style = [n * aside for n in DRAWS], one.style
        ax.vlines(x, [o.lower for o in found], [o.upper for o in found], color=style.colour, lw=1.6, gid="interval")
        ax.plot(
            x,
            [o.best for o in found],
            color=style.colour,
            linestyle=style.dash,
            marker=style.marker,
            linewidth=1.1,
            gid="optimum",
        )
    temperatures = sorted({float(t) for one in every for r in one.frame if (t := temperature_of(r)) is not None})
    edge = (temperatures[-1] / temperatures[0]) ** 0.07
    limits = DRAWS[0] / 2.5, DRAWS[-1] * 2.5
    ax.set(xlim=limits, ylim=(temperatures[0] / edge, temperatures[-1] * edge))
    log_axis(ax.xaxis, limits)
    temperature_ticks(ax.yaxis, temperatures, 1.0)
    ax.grid(axis="y")
    return ax


def _score(record: Record, num_draws: int) -> Score:
    fields: dict[str, Any] = {name: record.get(name) for name in COLUMNS}
    exact = not str(record.get("exact_method")).startswith("reference")  # else the interval knows more than the parts
    found = Measurement(**fields, replicates=(record.get("replicates") or {}) if exact else {})
    return score(found, num_draws, False, 0.0, 1.0)
