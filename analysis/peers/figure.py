"""One figure: how far each row is from what it is to reach."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..style import FAINT, INK, MUTED, context, small
from . import words
from .lines import Line, Verdict

_ROW = 0.3  # inches
_FACES = {Verdict.REACHED: INK, Verdict.NOT_REACHED: "white", Verdict.DISAGREES: "white"}
_MARKERS = {Verdict.REACHED: "o", Verdict.NOT_REACHED: "o", Verdict.DISAGREES: "X"}


def against_reach(lines: Sequence[Line]) -> Figure:
    """Return each row's ratio over what it is to reach, with its interval, on a log axis; numbers at the right.

    Raises:
        ValueError: if no row was measured.
    """
    shown = [line for line in lines if line.gain is not None]
    if not shown:
        raise ValueError("no row was measured: there is nothing to draw")
    with context():
        height = _ROW * len(shown) + 0.75
        drawn = Figure(figsize=(7.2, height))
        ax = drawn.add_axes((0.22, 0.5 / height, 0.45, _ROW * len(shown) / height))
        ax.set_xscale("log")
        for y, line in enumerate(shown):
            gain = line.gain
            assert gain is not None
            ax.axhline(y, color=FAINT, linewidth=0.5, zorder=0)
            ax.plot([gain.lower, gain.upper], [y, y], color=INK, linewidth=1.4, solid_capstyle="butt")
            ax.plot(
                [gain.value], [y], linestyle="", marker=_MARKERS[line.verdict], color=INK, markersize=6,
                markerfacecolor=_FACES[line.verdict],
            )  # fmt: skip
            ax.text(
                1.03, y, f"{words.ratio(line)}, {words.reach(line)}", transform=ax.get_yaxis_transform(), va="center",
                fontsize=small(), color=INK if line.verdict is Verdict.REACHED else MUTED,
            )  # fmt: skip
        ax.axvline(1, color=MUTED, linewidth=1.0, linestyle=(0, (3, 2)))
        ax.set_yticks(range(len(shown)), [line.name for line in shown])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(shown) - 0.4, -0.6)
        low, high = ax.get_xlim()
        ax.set_xlim(min(low, 0.5), max(high, 2))
        ax.xaxis.set_major_locator(LogLocator(10, (1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlabel("times what is to be reached")
        ax.spines["left"].set_visible(False)
    return drawn
