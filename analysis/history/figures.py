"""Figures of asv's results: one panel for each series, value against commit."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from ..style import FAINT, INK, MUTED, context, style_of
from .results import FAILED, SHORT, SKIPPED, Series

WIDTH, PANEL, GAP = 7.6, 1.45, 0.62  # inches
LARGE, SMALL, TINY = 10.5, 8.5, 7.0  # points
LABELS = 14  # commits named below a panel
KINDS = ("time", "peakmemory", "track")
_SHORTER = {"squared gradient units": "gradient²", "squared gradient units x seconds": "gradient² s"}
_UNITS = {"seconds": ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s")), "bytes": ((2.0**20, "MiB"),)}


def scale_of(series: Series) -> tuple[float, str]:
    """Return the unit in which a series is read: its size and its name."""
    largest = max((abs(series.points[position].value or 0.0) for position in series.measured), default=0.0)
    found = (1.0, _SHORTER.get(series.unit, series.unit))
    for size, name in _UNITS.get(series.unit, ()):
        if largest >= size or found == (1.0, series.unit):
            found = (size, name)
    return found


def what(series: Series) -> str:
    """Return a panel's title: what is measured, and on which problem."""
    name = series.benchmark.rpartition(".")[2]
    for prefix, word in (("time_", "time of "), ("peakmem_", "peak memory of "), ("track_", "")):
        if name.startswith(prefix):
            name = word + name.removeprefix(prefix)
    return name.replace("_", " ") + (f", {series.parameter}" if series.parameter else "")


def group_figure(group: str, every: Sequence[Series], commits: Sequence[str]) -> Figure:
    """Return the panels of one estimator, or of the harness, two in a row.

    Args:
        group: its name, the title.
        every: its series.
        commits: full hashes, the oldest first.
    """
    every = sorted(every, key=lambda series: KINDS.index(series.kind) if series.kind in KINDS else len(KINDS))
    rows = math.ceil(len(every) / 2)
    top, bottom, left, right, middle = 0.75, 0.95, 0.68, 0.12, 0.75
    tall = top + bottom + rows * PANEL + (rows - 1) * GAP
    width = (WIDTH - left - right - middle) / 2
    with context():
        figure = Figure(figsize=(WIDTH, tall))
        for position, series in enumerate(every):
            row, column = divmod(position, 2)
            y = tall - top - (row + 1) * PANEL - row * GAP
            x = left + column * (width + middle)
            ax = figure.add_axes((x / WIDTH, y / tall, width / WIDTH, PANEL / tall))
            over_commits(ax, series, commits, labels=position >= len(every) - 2)
        figure.text(0.1 / WIDTH, 1 - 0.08 / tall, group, ha="left", va="top", fontsize=LARGE, fontweight="bold")
        handles = _legend(group)
        where = (0.1 / WIDTH, 0.02 / tall)
        figure.legend(handles=handles, loc="lower left", bbox_to_anchor=where, ncols=5, borderaxespad=0, borderpad=0)
    return figure


def over_commits(ax: Axes, series: Series, commits: Sequence[str], labels: bool = True) -> Axes:
    """Draw one series against commits, with asv's intervals and its steps.

    Args:
        ax: where to draw.
        series: what to draw.
        commits: full hashes, the oldest first.
        labels: whether commits are named below.
    """
    size, unit = scale_of(series)
    style = style_of(series.group)
    at = series.measured
    values = [(series.points[p].value or 0.0) / size for p in at]
    for segment in series.segments:
        ends, level = [segment.first - 0.4, segment.last + 0.4], segment.level / size
        ax.plot(ends, [level, level], color=FAINT, linewidth=5, solid_capstyle="butt", zorder=1)
    for after in series.segments[1:]:
        ax.axvline(after.first - 0.5, color=INK, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
    lower, upper = [], []
    for position, value in zip(at, values, strict=True):
        point = series.points[position]
        lower.append(value if point.lower is None else point.lower / size)
        upper.append(value if point.upper is None else point.upper / size)
    ax.vlines(at, lower, upper, color=style.colour, linewidth=1.1, zorder=2)
    ax.plot(at, values, color=style.colour, linewidth=0.8, marker=style.marker, markersize=4, zorder=3)
    for status, marker in ((SKIPPED, "_"), (FAILED, "x")):
        missing = [p for p, point in enumerate(series.points) if point.status == status]
        heights = [0.06] * len(missing)
        ax.plot(missing, heights, color=MUTED, marker=marker, linestyle="", transform=ax.get_xaxis_transform())
    _limits(ax, lower, upper)
    ax.set_xlim(-0.6, len(commits) - 0.4)
    ax.set_title(f"{what(series)}  ({unit})", fontsize=SMALL, color=INK)
    every = math.ceil(len(commits) / LABELS)
    ticks = list(range((len(commits) - 1) % every, len(commits), every))
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.set_xticklabels([commits[p][:SHORT] if labels else "" for p in ticks], rotation=90, fontsize=TINY)
    ax.grid(axis="y")
    return ax


def _limits(ax: Axes, lower: Sequence[float], upper: Sequence[float]) -> None:
    """Show at least a tenth above and below, so that noise does not look like news."""
    if not lower:
        ax.set_ylim(0, 1)
        ax.set_yticks([])
        ax.text(0.5, 0.5, "nothing measured", transform=ax.transAxes, ha="center", va="center", color=MUTED)
        return
    least, most = min(lower), max(upper)
    centre = (least + most) / 2
    half = max((most - least) / 2, 0.1 * abs(centre), 1e-300) * 1.15
    ax.set_ylim(centre - half * 1.15, centre + half)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))


def _legend(group: str) -> list[Line2D]:
    style = style_of(group)
    return [
        Line2D(
            [], [], color=style.colour, marker=style.marker, markersize=4, linewidth=0.8, label="value, 99 % interval"
        ),
        Line2D([], [], color=FAINT, linewidth=5, label="asv's level"),
        Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (1, 1.5)), label="asv's step"),
        Line2D([], [], color=MUTED, marker="_", linestyle="", markersize=5, label="skipped (the commit lacks it)"),
        Line2D([], [], color=MUTED, marker="x", linestyle="", markersize=5, label="failed"),
    ]
