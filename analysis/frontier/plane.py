"""The plane of bias and variance: the straight-through forms over the least variance at each bias."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..axes import ARROW_LEFT, log_axis
from ..style import FAINT, INK, Dash, context, small, style_of
from .standings import Curve, Setting, Standing

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP, LEGEND = 11.0, 3.5, 0.72, 0.12, 0.34, 0.34, 1.25  # inches
FEWEST, MOST = 7e-4, 2.0  # bias_sq of the axes: the former where the frontier goes down to 0
VARIANCE = (2e-2, 40.0)
COLUMNS = 5


def plane(standings: Sequence[Standing]) -> Figure:
    """Return the plane of bias_sq and variance for each p, side by side over one legend."""
    with context():
        tall, wide = TOP + HEIGHT + LEGEND, (WIDTH - LEFT - RIGHT - GAP * (len(standings) - 1)) / len(standings)
        drawn = Figure(figsize=(WIDTH, tall))
        for place, one in enumerate(standings):
            x = LEFT + place * (wide + GAP)
            ax = drawn.add_axes((x / WIDTH, LEGEND / tall, wide / WIDTH, HEIGHT / tall))
            draw(ax, one)
            if place:
                ax.set_ylabel("")
                ax.tick_params(labelleft=False)
        handles: list[Artist] = [
            Line2D([], [], color=INK, linewidth=2.2, label="frontier"),
            Patch(facecolor=FAINT, alpha=0.35, label="nothing with D ~ p"),
            *map(_handle, standings[0].curves),
        ]
        at = (LEFT / WIDTH, 0.04 / tall)
        drawn.legend(handles=handles, loc="lower left", bbox_to_anchor=at, ncols=COLUMNS, borderaxespad=0, borderpad=0)
    return drawn


def draw(ax: Axes, one: Standing) -> Axes:
    """Draw a frontier and the estimators around it; what has less bias than the axis holds stands at its left end.

    Args:
        ax: where to draw.
        one: the frontier.
    """
    left, ends = max(FEWEST, one.least[0] / 2), one.least[0] > FEWEST
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(left, MOST)
    ax.set_ylim(*VARIANCE)
    bias_sq, variance = [b for _, b, _ in one.curve], [v for _, _, v in one.curve]
    bias_sq, variance = [*bias_sq, max(one.least[0], left)], [*variance, one.least[1]]
    if ends:  # no M has less bias, whatever its variance
        bias_sq, variance = [*bias_sq, one.least[0]], [*variance, VARIANCE[1]]
    ax.fill_between(bias_sq, variance, VARIANCE[0], color=FAINT, alpha=0.35, linewidth=0)
    if ends:
        ax.axvspan(left, one.least[0], color=FAINT, alpha=0.35, linewidth=0)
    ax.plot(bias_sq, variance, color=INK, linewidth=2.2, zorder=3)
    for curve in one.curves:
        _curve(ax, curve, left)
    log_axis(ax.xaxis, (left, MOST))
    log_axis(ax.yaxis, VARIANCE)
    ax.grid()
    ax.set_title(f"{one.skew}: p = {', '.join(f'{p:.2f}' for p in one.probs)}", fontsize=small() + 0.5)
    ax.set_xlabel("bias²  / mean |∇|²")
    ax.set_ylabel("variance of one draw  / mean |∇|²")
    return ax


def _curve(ax: Axes, curve: Curve, left: float) -> None:
    style = style_of(curve.name, curve.variant)
    face = "white" if curve.outside or curve.along == "" else style.colour
    places = [(max(one.bias_sq, left), one.variance) for one in curve.settings]
    line = [(max(b, left), v) for b, v in curve.line] or ([] if curve.outside else places)
    ax.plot(
        [x for x, _ in line], [y for _, y in line], color=style.colour, linestyle=style.dash, linewidth=1.1, alpha=0.85,
        zorder=4,
    )  # fmt: skip
    for one, (x, y) in zip(curve.settings, places, strict=True):
        if x > MOST or not VARIANCE[0] <= y <= VARIANCE[1]:
            continue
        if one.bias_sq < left:
            ax.plot([x], [y], color=style.colour, marker=ARROW_LEFT, markersize=9, linestyle="", clip_on=False)
        size = _size(curve, one)
        ax.plot(
            [x], [y], color=style.colour, marker=style.marker, markerfacecolor=face, markersize=size,
            linestyle="", clip_on=False, zorder=6 if curve.along else 5,
        )  # fmt: skip


def _size(curve: Curve, one: Setting) -> float:
    if not curve.along:
        return 9.5
    return 6.5 if curve.along == "temperature" and one.value == 1 else 4.0


def _handle(curve: Curve) -> Line2D:
    style = style_of(curve.name, curve.variant)
    hollow = "white" if curve.outside or not curve.along else style.colour
    dash: Dash = style.dash if curve.along and not curve.outside else ""
    label = curve.label.replace("forward_temperature", "forward τ").replace("st_redge", "st_redge (along first_time)")
    return Line2D(
        [], [], color=style.colour, marker=style.marker, markerfacecolor=hollow, linestyle=dash, linewidth=1.1,
        markersize=9.5 if not curve.along else 4.5, label=label,
    )  # fmt: skip
