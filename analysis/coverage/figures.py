"""Three figures: coverage against marks, coverage against the number of draws, and the power of the verdict on bias."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator, PercentFormatter

from ..style import FAINT, INK, MUTED, context, small
from .cells import INTERVALS, LEAST, MOST, Cell
from .verdicts import refuted

FLOOR = 0.6  # of axes of coverage; what lies lower stands on it
_TONES = ("#b9c0ca", "#8b94a1", "#5d6470", "#22262e")  # light to dark, as numbers grow or tails get heavier
_MARKERS = ("o", "s", "D", "^")
_LAWS = ("uniform", "normal", "laplace", "exponential", "student_5", "lognormal")
_DASHES = ((0, (1, 1.2)), "-", (0, (6, 2)), (0, (3, 1.5)), (0, (6, 1.5, 1, 1.5)), "-.")
_LAW_COLOURS = ("#9aa3af", "#1b70b8", "#2ea58e", "#cc5218", "#7d1a3c", "#22262e")
_CURVE = 4  # sizes of bias that make a curve
_SIZES = (200, 1_000, 10_000, 100_000)


def against_marks(cells: Sequence[Cell]) -> Figure:
    """Return coverage against the share of marked replicates, an interval a panel, a dot a case."""
    with context():
        drawn = Figure(figsize=(7.2, 5.6))
        axes = drawn.subplots(2, 2, sharex=True, sharey=True, gridspec_kw={"hspace": 0.28, "wspace": 0.1})
        for ax, (interval, title) in zip(axes.flat, INTERVALS.items(), strict=True):
            _band(ax)
            ax.axvline(0.5, color=FAINT, linewidth=0.8)
            for tone, marker, size in zip(_TONES, _MARKERS, _SIZES, strict=True):
                shown = [c for c in cells if c.interval == interval and c.row["num_draws"] == size]
                x = [c.marked.value for c in shown]
                y = [max(c.held.value, FLOOR) for c in shown]
                ax.plot(
                    x, y, linestyle="", marker=marker, color=tone, markeredgecolor=INK, markeredgewidth=0.5,
                    clip_on=False, label=f"N = {size:,}",
                )  # fmt: skip
            ax.set_title(title)
            _coverage_axis(ax)
            ax.set_xlim(-0.03, 1.03)
            ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        for ax in axes[1]:
            ax.set_xlabel("replicates that are marked")
        for ax in axes[:, 0]:
            ax.set_ylabel("intervals that hold the truth")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="lower center", ncols=4, bbox_to_anchor=(0.5, -0.005), borderaxespad=0)
        drawn.subplots_adjust(left=0.1, right=0.985, top=0.94, bottom=0.13)
    return drawn


def against_draws(cells: Sequence[Cell]) -> Figure:
    """Return coverage of the variance against N, a line for each law in one dimension; hollow where it is marked."""
    with context():
        drawn = Figure(figsize=(5.6, 3.7))
        ax = drawn.add_axes((0.13, 0.15, 0.6, 0.79))
        _band(ax)
        for law, colour, dash in zip(_LAWS, _LAW_COLOURS, _DASHES, strict=True):
            shown = sorted(
                (c for c in cells if _is_plain(c, law) and c.interval == "variance"), key=lambda c: c.row["num_draws"]
            )
            if not shown:
                continue
            x, y = [c.row["num_draws"] for c in shown], [max(c.held.value, FLOOR) for c in shown]
            ax.plot(x, y, color=colour, linestyle=dash, linewidth=1.3, label=law.replace("_", " "))
            for at, c, value in zip(x, shown, y, strict=True):
                ax.plot([at, at], c.held.interval, color=colour, linewidth=1.1)
                face = "white" if c.is_marked else colour
                ax.plot([at], [value], marker="o", color=colour, markerfacecolor=face, linestyle="")
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(_SIZES))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FixedFormatter([f"{size:,}" for size in _SIZES]))
        ax.set_xlabel("number of draws N")
        ax.set_ylabel("intervals of the variance that hold it")
        _coverage_axis(ax)
        handles = ax.get_legend_handles_labels()
        drawn.legend(*handles, loc="center left", bbox_to_anchor=(0.75, 0.55), borderaxespad=0, title="law of a draw")
    return drawn


def power(cells: Sequence[Cell], level: float) -> Figure:
    """Return how often "unbiased" is refuted against the bias, for Normal draws, a line for each shape of the noise."""
    found = [one for one in refuted(cells, level) if _is_normal(one.cell)]
    number = Counter((one.cell.row["dim"], one.cell.row["spectrum"]) for one in found)
    shapes = sorted(shape for shape, biases in number.items() if biases >= _CURVE)
    with context():
        drawn = Figure(figsize=(5.6, 3.5))
        ax = drawn.add_axes((0.13, 0.15, 0.55, 0.79))
        for place, (dim, spectrum) in enumerate(shapes):
            shown = [one for one in found if (one.cell.row["dim"], one.cell.row["spectrum"]) == (dim, spectrum)]
            shown.sort(key=lambda one: one.cell.row["bias"])
            x = [one.cell.row["bias"] for one in shown]
            colour = _LAW_COLOURS[-1 - place % len(_LAW_COLOURS)]
            for one, at in zip(shown, x, strict=True):
                ax.plot([at, at], one.rate.interval, color=colour, linewidth=1.1)
            ax.plot(
                x, [one.rate.value for one in shown], color=colour, marker=_MARKERS[place % 4],
                linestyle=_DASHES[place % len(_DASHES)], label=f"D = {dim}, {spectrum}",
            )  # fmt: skip
        ax.axhline(level, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
        ax.text(10, level + 0.015, f"level {level:g}", ha="right", va="bottom", color=MUTED, fontsize=small())
        ax.set_xlabel("bias in standard errors of the mean, sqrt(variance / N)")
        ax.set_ylabel("replicates that refute 'unbiased'")
        ax.set_ylim(-0.02, 1.02)
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.grid(axis="y")
        handles = ax.get_legend_handles_labels()
        drawn.legend(*handles, loc="center left", bbox_to_anchor=(0.7, 0.5), borderaxespad=0, title="Normal noise")
    return drawn


def _is_plain(cell: Cell, law: str) -> bool:
    row = cell.row
    return row["what"] == law and row["dim"] == 1 and not row["bias"] and not row["precision"]


def _is_normal(cell: Cell) -> bool:
    row = cell.row
    return row["what"] == "normal" and row["num_draws"] == 1_000 and row["along"] == "first"


def _band(ax: Axes) -> None:
    ax.axhspan(LEAST, MOST, color="#e8ebef", linewidth=0)
    ax.axhline(0.95, color=MUTED, linewidth=0.8)


def _coverage_axis(ax: Axes) -> None:
    ax.set_ylim(FLOOR, 1.005)
    ax.yaxis.set_major_locator(FixedLocator([FLOOR, 0.7, 0.8, 0.9, 0.95, 1.0]))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(axis="y")
