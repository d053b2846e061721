"""How figures look: one table of colour, marker and dash per estimator, and settings that fix every bit."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.font_manager import FontProperties

Dash = Any  # matplotlib's line style: "-" or (offset, (on, off, ...))

INK, MUTED, FAINT = "#22262e", "#5d6470", "#c9ced6"


@dataclass(frozen=True)
class Form:
    """How large a figure is, and what stands around its axes.

    Args:
        name: as the command line knows it.
        width: of the figure, inches.
        small: size of ticks, legends and notes, points.
        base: size of labels on axes, points.
        large: size of the title, points; None: no title.
        left: room for labels at the left of the axes, inches.
        scale: height of the axes relative to the page's.
        dpi: pixels an inch where a figure is written as pixels.
    """

    name: str
    width: float
    small: float
    base: float
    large: float | None
    left: float
    scale: float
    dpi: int


PAGE = Form("page", width=5.6, small=8.5, base=9.5, large=10.5, left=0.76, scale=1.0, dpi=200)
PAPER = Form("paper", width=3.25, small=8.0, base=8.0, large=None, left=0.62, scale=0.66, dpi=600)  # one of 2 columns
FORMS = {form.name: form for form in (PAGE, PAPER)}


@dataclass(frozen=True)
class Style:
    """How one estimator is drawn.

    Args:
        colour: hexadecimal, dark enough for a white card.
        marker: matplotlib's marker.
        dash: matplotlib's line style.
    """

    colour: str
    marker: str
    dash: Dash


# Sorted by lightness (CIE L* from 0 to 66 in steps of at least 4): the order survives a greyscale print.
STYLES: dict[str, Style] = {
    "enumerate": Style("#000000", "*", (0, (1, 2))),
    "reinforce": Style("#2a2a66", "s", "-"),
    "rloo": Style("#7d1a3c", "o", (0, (6, 2))),
    "reparameterization": Style("#12593a", "D", (0, (3, 1.5))),
    "disarm": Style("#8a541c", "^", (0, (8, 2, 1.5, 2))),
    "gumbel_softmax": Style("#1b70b8", "v", "-"),
    "straight_through": Style("#cc5218", "P", (0, (5, 2))),
    "st_gumbel_softmax": Style("#b26acb", "X", (0, (2, 1.5))),
    "gumbel_rao": Style("#2ea58e", "d", (0, (7, 2, 1.5, 2))),
    "reinmax": Style("#e39400", "h", (0, (4, 1.5, 1.5, 1.5, 1.5, 1.5))),
}

# The others, in groups; each has a colour, marker and dash of its own, decided by its place in this list.
_OTHERS = (
    "reinforce_constant", "reinforce_running_mean", "reinforce_exact_mean", "reinforce_optimal", "nvil", "muprop",
    "rebar", "rebar_fitted", "relax", "lax", "double_cv", "rodeo", "delta_method",
    "arm", "arms", "bitflip1", "ugc", "carms", "stick_breaking_disarm", "ars", "arsm",
    "rao_blackwell_topk", "unordered_set", "indecater", "spsa", "evolution_strategies", "measure_valued",
    "antithetic", "rqmc", "gumbel_sparsemax", "gumbel_entmax", "invertible_gaussian", "redge",
    "reinmax_rao", "reinmax_cv", "gapped_st", "decoupled_st", "imle", "aimle",
    "implicit", "go", "stochastic_smoothing", "generalized_gumbel_softmax",
    "stl", "iwae_reinforce", "vimco", "iwae_reparameterization", "iwae_stl", "dreg",
    "delta_method_pathwise", "relaxed_subset", "st_redge",
)  # fmt: skip
_SECOND_NAMES = {
    "loorf": "rloo", "vargrad": "rloo", "u2g": "disarm", "sum_and_sample": "rao_blackwell_topk",
    "local_expectation": "indecater", "concrete": "gumbel_softmax", "zgr": "reinmax",
}  # fmt: skip
_COLOURS = ("#4f5b66", "#5b3fa8", "#0f7c8a", "#a83279", "#6f7d12", "#3c6e47")
_MARKERS = ("p", "<", ">", "H", "8")
_DASHES: tuple[Dash, ...] = ((0, (1, 1.2)), (0, (9, 2)), (0, (3, 3)), (0, (6, 1.5, 1, 1.5)))
_MORE_MARKERS = (*_MARKERS, "s", "o", "D", "^", "v", "P", "X", "d", "h")
_GOLDEN = 0.6180339887  # of the circle of hues: neighbours in the list are far apart on it


def _of_place(place: int) -> Style:
    lightness = (0.24, 0.42, 0.30, 0.36)[place % 4]  # dark and light alternate, for a greyscale print
    red, green, blue = colorsys.hls_to_rgb(place * _GOLDEN % 1, lightness, 0.62)
    colour = "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
    dash = (*_DASHES, (0, (2, 2, 6, 2)))[place // len(_MORE_MARKERS) % 5]
    return Style(colour, _MORE_MARKERS[place % len(_MORE_MARKERS)], dash)


STYLES |= {name: _of_place(place) for place, name in enumerate(_OTHERS)}


def style_of(estimator: str, variant: int = 0) -> Style:
    """Return how an estimator is drawn, the same in every figure.

    Args:
        estimator: its name; one that the table does not hold gets a style that its name alone decides.
        variant: 0, 1, ... for the configurations of one estimator that share a figure: lighter, another marker.
    """
    code = zlib.crc32(estimator.encode())
    style = STYLES.get(_SECOND_NAMES.get(estimator, estimator)) or Style(
        _COLOURS[code % len(_COLOURS)],
        _MARKERS[code // 7 % len(_MARKERS)],
        _DASHES[code // 41 % len(_DASHES)],
    )
    if variant == 0:
        return style
    marker = _MARKERS[(variant - 1) % len(_MARKERS)]
    return replace(style, colour=_lighter(style.colour, variant), marker=marker)


def lightness(colour: str) -> float:
    """Return a colour's CIE lightness L*, 0 for black and 100 for white."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def _lighter(colour: str, variant: int) -> str:
    hue, light, saturation = colorsys.rgb_to_hls(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))
    light += (0.62 - light) * (1 - 0.6**variant)
    return "#" + "".join(f"{round(255 * c):02x}" for c in colorsys.hls_to_rgb(hue, light, saturation))


_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, read aloud
    "svg.hashsalt": "varbench",
    "text.parse_math": False,  # a user's name may hold a dollar sign
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that sizes do not depend on the machine
    "pdf.fonttype": 42,  # text stays text here too
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.prop_cycle": cycler(color=[INK]),
    "grid.color": "#e8ebef",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 5.0,
    "figure.dpi": 100,
    "text.usetex": False,
}


@contextmanager
def context(form: Form = PAGE) -> Iterator[None]:
    """Draw and save in here: matplotlib's own defaults plus the project's settings, the caller's restored after."""
    large = dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize"), form.base)
    small = dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), form.small)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = {**_SETTINGS, **large, **small}
        matplotlib.rcParams.update(settings)
        yield


def small() -> float:
    """Return the size of notes in the settings of now, those of ticks: points."""
    return FontProperties(size=matplotlib.rcParams["xtick.labelsize"]).get_size_in_points()
