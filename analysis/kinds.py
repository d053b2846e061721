"""The kinds of figure: which records each needs, how they part into files, and how a file is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from ..bench.records import literal
from . import captions, draws, figures, heatmap
from .budget import COSTS, payable
from .frame import Frame, parameters_of
from .names import slugs
from .style import Form, context
from .svg import standalone, to_svg
from .sweep import SIZES

FORMATS = ("svg", "pdf", "png")


@dataclass(frozen=True)
class Part:
    """The records of one file.

    Args:
        name: of the file, without its suffix.
        title: of the figure.
        frame: its records.
    """

    name: str
    title: str
    frame: Frame


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Args:
        what: is drawn, as a title names it.
        needs: which cells it cannot do without, as the end of "it needs ...".
        parts: from all records to those of each file: pairs of a title and its records.
        draw: the figure; None for draws, which are no records.
    """

    what: str
    needs: str
    parts: Callable[[Frame], list[tuple[str, Frame]]]
    draw: Callable[[Frame, str, Form], Figure] | None


def parts_of(kind: str, frame: Frame) -> list[Part]:
    """Return what goes into each file of a kind, in the order of the records; none where there is nothing to draw."""
    found = KINDS[kind].parts(frame)
    names = slugs([title for title, _ in found])
    return [Part(f"{name}-{kind}", title, cells) for name, (title, cells) in zip(names, found, strict=True)]


def save(figure: Figure, path: Path, form: Form, title: str, description: str) -> None:
    """Write a figure in the format of its path's suffix, with its text alternative inside; same figure, same bytes.

    Args:
        figure: drawn in this form.
        path: ends in .svg, .pdf or .png.
        form: what the figure was drawn for.
        title: names the figure.
        description: says what it shows to those who cannot see it.

    Raises:
        OSError: if the file cannot be written.
    """
    with context(form):
        if path.suffix == ".svg":
            width, height = (float(side) for side in figure.get_size_inches())
            svg = to_svg(figure, path.stem, title, description)
            path.write_text(standalone(svg, (width, height)), encoding="utf-8")
        elif path.suffix == ".pdf":
            about = {"Title": title, "Subject": description, "CreationDate": None, "Producer": None, "Creator": None}
            figure.savefig(path, metadata=about)
        else:
            about = {"Title": title, "Description": description, "Software": None}
            figure.savefig(path, dpi=form.dpi, metadata=about)


def _problems(frame: Frame, fits: Callable[[Frame], bool]) -> list[tuple[str, Frame]]:
    return [(str(name), cells) for (name,), cells in frame.group_by("problem").items() if fits(cells)]


def _measured(frame: Frame) -> list[tuple[str, Frame]]:
    return _problems(frame, lambda cells: len(cells.ok) > 0)


def _with_bias(frame: Frame) -> list[tuple[str, Frame]]:
    return _problems(frame, lambda cells: any(r.get("bias_sq") is not None for r in cells.ok))


def _with_samples(frame: Frame) -> list[tuple[str, Frame]]:
    def fits(cells: Frame) -> bool:
        return any(len(mine.values("num_samples")) > 1 for mine in cells.ok.group_by("estimator").values())

    return _problems(frame, fits)


def _with_cost(frame: Frame) -> list[tuple[str, Frame]]:
    return _problems(frame, lambda cells: any(payable(r, cost) for r in cells.choices for cost in COSTS))


def _with_draws(frame: Frame) -> list[tuple[str, Frame]]:
    return _problems(frame, lambda cells: bool(draws.chosen_cells(cells)))


def _sizes(frame: Frame) -> list[tuple[str, Frame]]:
    """Return for each size the problems that differ in nothing else, where there are two or more of them."""
    found = []
    for size in SIZES:
        groups: dict[tuple[str, tuple[tuple[str, object], ...]], list[str]] = {}
        for problem in frame.ok.values("problem"):
            parameters = parameters_of(problem)
            if size in parameters:
                rest = tuple((key, value) for key, value in parameters.items() if key != size)
                groups.setdefault((problem.partition("[")[0], rest), []).append(problem)
        for (name, rest), problems in groups.items():
            if len(problems) > 1:
                inside = ",".join(f"{key}={literal(value)}" for key, value in rest)
                title = f"{name}[{inside}] by {size}" if inside else f"{name} by {size}"
                found.append((title, frame.where(lambda r, mine=set(problems): r["problem"] in mine)))  # type: ignore
    return found


def _families(frame: Frame) -> list[tuple[str, Frame]]:
    groups = frame.group_by("family").items()
    return [(f"{family} nodes", cells) for (family,), cells in groups if heatmap.measured(cells)]


KINDS: dict[str, Kind] = {
    "temperature": Kind(
        "bias and variance against temperature",
        "cells that were measured; a study's 'temperatures' lists the temperatures",
        _measured,
        figures.temperature_figure,
    ),
    "samples": Kind(
        "variance and mse against the number of samples",
        "one estimator measured at two or more numbers of samples, a study's num_samples = [1, 2, 4]",
        _with_samples,
        figures.samples_figure,
    ),
    "dimension": Kind(
        "bias and variance against the dimension",
        "two or more problems that differ in dim, latents or classes only, such as NAME[dim=10] and NAME[dim=100]",
        _sizes,
        figures.dimension_figure,
    ),
    "plane": Kind(
        "bias and variance",
        "measured cells of a problem whose exact gradient is known",
        _with_bias,
        figures.plane_figure,
    ),
    "cost": Kind(
        "error of an average within a budget",
        "measured cells, other than enumerate, of a problem whose exact gradient is known",
        _with_cost,
        figures.cost_figure,
    ),
    "heatmap": Kind(
        "least error of one draw",
        "measured cells of an estimator other than enumerate",
        _families,
        figures.heatmap_figure,
    ),
    "draws": Kind(
        "gradient draws along the exact gradient",
        "measured cells, other than enumerate, of a problem whose exact gradient is known and not zero",
        _with_draws,
        None,
    ),
}


def description_of(kind: str, part: Part) -> str:
    """Return the text alternative of a part's figure, for every kind but draws."""
    return captions.description(part.frame, kind)


def kinds_with(frame: Frame) -> Sequence[str]:
    """Return the kinds for which there is something to draw."""
    return [name for name, kind in KINDS.items() if kind.parts(frame)]
