"""The kinds of figure: which records each needs, how they part into files, and how a file is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from . import captions, decision_figures, draws, figures, heatmap
from .budget import COSTS, payable
from .frame import Frame, Record
from .names import slugs
from .optimum import swept
from .sentences import draws_caption
from .sizes import sweeps
from .style import Form, context
from .svg import standalone, to_svg

FORMATS = ("svg", "pdf", "png")
Projections = Callable[[Record], draws.Array | None]  # of a cell's draws on the exact gradient; None: not to be had


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


@dataclass(frozen=True)
class Drawn:
    """A figure with its words.

    Args:
        figure: drawn in a form.
        title: names it.
        description: says what it shows to those who cannot see it.
        caption: the sentence under it; `backticks` mark code.
    """

    figure: Figure
    title: str
    description: str
    caption: str


def drawn(part: Part, kind: str, form: Form, projections: Projections) -> Drawn | None:
    """Return a part's figure with its words, None where no draws are to be had.

    Args:
        part: one of ``parts_of(kind, ...)``.
        kind: a key of KINDS.
        form: of a page, or of a column of a paper.
        projections: called for the kind draws only.
    """
    known = KINDS[kind]
    title = f"{part.title}: {known.what}"
    if known.draw is not None:
        caption = captions.DRAWN[kind][1](part.frame)
        return Drawn(known.draw(part.frame, part.title, form), title, captions.description(part.frame, kind), caption)
    cells = draws.chosen_cells(part.frame)
    had = {label: projections(record) for label, (record, _) in cells.items()}
    found = {label: values for label, values in had.items() if values is not None}
    if not found:
        return None
    figure = figures.draws_figure(found, {label: look for label, (_, look) in cells.items()}, part.title, form)
    return Drawn(figure, title, captions.draws_description(found), draws_caption(found))


def save(one: Drawn, path: Path, form: Form) -> None:
    """Write a figure in the format of its path's suffix, with its text alternative inside; same figure, same bytes.

    Args:
        one: drawn in this form.
        path: ends in .svg, .pdf or .png.
        form: what the figure was drawn for.

    Raises:
        OSError: if the file cannot be written.
    """
    figure = one.figure
    with context(form):
        if path.suffix == ".svg":
            width, height = (float(side) for side in figure.get_size_inches())
            svg = to_svg(figure, "v", one.title, one.description)
            path.write_text(standalone(svg, (width, height)), encoding="utf-8")
        elif path.suffix == ".pdf":
            undated = dict.fromkeys(("CreationDate", "Producer", "Creator"))
            figure.savefig(path, metadata={"Title": one.title, "Subject": one.description, **undated})
        else:
            about = {"Title": one.title, "Description": one.description, "Software": None}
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


def _with_temperatures(frame: Frame) -> list[tuple[str, Frame]]:
    return _problems(frame, lambda cells: bool(swept(cells)))


def _with_evaluations(frame: Frame) -> list[tuple[str, Frame]]:
    return _problems(frame, lambda cells: any(payable(record, "evaluations") for record in cells.choices))


def _with_draws(frame: Frame) -> list[tuple[str, Frame]]:
    return _problems(frame, lambda cells: bool(draws.chosen_cells(cells)))


def _sizes(frame: Frame) -> list[tuple[str, Frame]]:
    return [(sweep.title, sweep.frame) for sweep in sweeps(frame)]


def _families(frame: Frame) -> list[tuple[str, Frame]]:
    groups = frame.group_by("family").items()
    return [(f"{family} nodes", cells) for (family,), cells in groups if heatmap.measured(cells)]


KINDS: dict[str, Kind] = {
    "temperature": Kind(
        "bias, variance and mse against temperature",
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
        "bias, variance and mse against the dimension",
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
    "optimum": Kind(
        "best temperature against draws averaged",
        "an estimator measured at two or more temperatures, on a problem whose exact gradient is known",
        _with_temperatures,
        decision_figures.optimum_figure,
    ),
    "front": Kind(
        "bias against work",
        "measured cells, other than enumerate, of a problem whose exact gradient is known",
        _with_evaluations,
        decision_figures.front_figure,
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


def kinds_with(frame: Frame) -> Sequence[str]:
    """Return the kinds for which there is something to draw."""
    return [name for name, kind in KINDS.items() if kind.parts(frame)]
