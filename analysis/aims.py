"""What is left of a bias against the estimator's own target: Monte-Carlo error, if the rest is relaxation."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .axes import point, units
from .frame import Frame, temperature_of
from .phrases import code, listed, temperatures
from .series import Series, series_of
from .style import MUTED

DOTS = (0, (1, 2))


def aimed(frame: Frame) -> list[Series]:
    """Return the series over temperature whose cells are held against a target of their own, with those cells alone."""
    held = frame.ok.where(lambda r: r.get("target_bias_sq") is not None and r.get("target") != "expectation")
    return [one for one in series_of(held) if one.has_temperature]


def draw_aims(ax: Axes, every: Sequence[Series], lowest: float) -> None:
    """Draw the upper end of each cell's bias_sq against its own target as a bar, joined by dots.

    Args:
        ax: of squared bias against temperature.
        every: series as ``aimed`` returns them.
        lowest: of the y axis, on which stands what lies below.
    """
    for one in every:
        scales, _ = units(one.frame.records)
        found = [
            (temperature_of(record), max(target.upper, lowest))
            for record, scale in zip(one.frame, scales, strict=True)
            if (target := point(record, "target_bias_sq", scale)) is not None
        ]
        colour = one.style.colour
        ax.plot(*zip(*found, strict=True), color=colour, linestyle=DOTS, linewidth=0.9, marker="_", gid="aim", zorder=2)


def aim_handle() -> Line2D:
    """Return the legend's handle for what ``draw_aims`` draws."""
    return Line2D(
        [], [], color=MUTED, linestyle=DOTS, linewidth=0.9, marker="_", label="dotted: to own target, at most"
    )


def aim_caption(frame: Frame) -> str:
    """Return how many intervals of the bias against an own target reach 0, and whose do not; '' where there is none."""
    every = [(one, record) for one in aimed(frame) for record in one.frame]
    off = [(one, record) for one, record in every if (record["target_bias_sq_lower"] or 0.0) > 0]
    if not every:
        return ""
    names = []
    for one in dict.fromkeys(one.label for one, _ in off):
        grid = [t for label, r in every if label.label == one and (t := temperature_of(r)) is not None]
        names.append(code(one) + temperatures([t for o, r in off if o.label == one and (t := temperature_of(r))], grid))
    text = f"Against the estimators' own targets {len(every) - len(off)} of {len(every)} intervals of bias² reach 0"
    return f"{text}, where without bias 1 in 40 would not{f'; not {listed(names)}' if names else ''}."
