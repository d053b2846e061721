"""What a better M could gain: over reinmax without bias, and over the best known form at each number of draws."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from ..style import INK, MUTED, Dash, context, small, style_of
from .standings import Curve, Numbers, Standing
from .words import gaps_along

DASHES: tuple[Dash, ...] = ("-", (0, (6, 2)), (0, (3, 1.5)), "-")
TENS = (1, 10, 100, 1000, 10000)


def left_to_gain(numbers: Numbers) -> Figure:
    """Return reinmax's variance over the least of an unbiased estimator, against how skewed p is."""
    with context():
        drawn = Figure(figsize=(5.6, 3.3))
        ax = drawn.add_axes((0.13, 0.16, 0.84, 0.74))
        for place, (K, points) in enumerate(numbers.unbiased):
            ratios, excess = [r for r, _ in points], [100 * (v - 1) for _, v in points]
            ax.plot(
                ratios, excess, color=str(0.6 * (1 - (place + 1) / len(numbers.unbiased))), linestyle=DASHES[place % 4]
            )
            peak = max(range(len(excess)), key=excess.__getitem__) if max(excess) > 1e-6 else len(excess) // 2
            ax.annotate(
                f"K = {K}", (ratios[peak], excess[peak]), xytext=(0, 4), textcoords="offset points",
                ha="center", fontsize=small(), color=MUTED,
            )  # fmt: skip
        ax.set_xlim(1.0, 0.04)
        ax.set_ylim(-0.15, None)
        ax.grid()
        ax.set_title("What reinmax leaves to gain without bias")
        ax.set_xlabel("probability of each class over that of the one before: uniform at 1")
        ax.set_ylabel("variance above the least, %")
    return drawn


def over_draws(quadratic: Sequence[Standing], cubic: Sequence[Standing]) -> Figure:
    """Return the best known mse over the least one, against the number of draws averaged, for two classes of costs."""
    with context():
        drawn = Figure(figsize=(9.4, 4.2))
        best: dict[str, Curve] = {}
        axes = [drawn.add_axes((x, 0.31, 0.425, 0.6)) for x in (0.065, 0.56)]
        for ax, standings in zip(axes, (quadratic, cubic), strict=True):
            best |= _gaps(ax, standings)
        top = max(ax.get_ylim()[1] for ax in axes)
        for ax in axes:
            ax.set_ylim(0.98, top)
        axes[0].set_ylabel("best known mse over the least there is")
        handles = [
            Line2D([], [], color=MUTED, linestyle=dash, label=one.skew)
            for one, dash in zip(quadratic, DASHES, strict=False)
        ]
        handles += [_handle(label, curve) for label, curve in sorted(best.items())]
        drawn.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.065, 0.01), ncols=4, borderaxespad=0)
    return drawn


def _gaps(ax: Axes, standings: Sequence[Standing]) -> dict[str, Curve]:
    """Draw a line for each p, its markers those of the form that is best there; return these forms."""
    found: dict[str, Curve] = {}
    for one, dash in zip(standings, DASHES, strict=False):
        ns, ratios = [], []
        for n, curve, _, ratio in gaps_along(one):
            style = style_of(curve.name, curve.variant)
            ax.plot([n], [ratio], color=style.colour, marker=style.marker, markersize=4.5, linestyle="")
            found[curve.label] = curve
            ns.append(n)
            ratios.append(ratio)
        ax.plot(ns, ratios, color=MUTED, linestyle=dash, linewidth=1.0, zorder=1)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(TENS))
    ax.xaxis.set_major_formatter(FixedFormatter([f"{n:,}" for n in TENS]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.axhline(1, color=INK, linewidth=0.8)
    ax.grid()
    ax.set_title(f"{standings[0].costs} costs, {standings[0].classes} classes")
    ax.set_xlabel("n, draws averaged")
    return found


def _handle(label: str, curve: Curve) -> Line2D:
    style = style_of(curve.name, curve.variant)
    return Line2D([], [], color=style.colour, marker=style.marker, markersize=4.5, linestyle="", label=label)
