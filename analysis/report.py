"""The report: one self-contained page, its figures as files, and the records behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..bench.records import compact, label, literal
from . import captions, figures, ranking, tables
from .frame import Frame, Record, temperature_of
from .names import slugs
from .numbers import times, with_interval
from .phrases import listed, marked
from .rendering import rendered
from .series import series_of
from .statistics import marks_of
from .style import context
from .summary import summary
from .svg import standalone, to_svg
from .words import FEW, MANY, Answer, answer

LONGEST = 16  # vectors with more entries stay out of records.csv


@dataclass(frozen=True)
class Picture:
    """A figure in the page and as a file: name, SVG text, the sentence under it."""

    name: str
    svg: str
    caption: str


def write(records: Sequence[Record], study: Mapping[str, Any], out_dir: Path, command: str) -> Path:
    """Write index.html, figures/*.svg and records.csv, and return the path of the page.

    The page needs no network and no other file. The same records give the same bytes.

    Args:
        records: the cells, with the fields of the JSON contract.
        study: name, title, question, draws, seed and grids of the study; what is absent is left out.
        out_dir: the folder, made if it is not there.
        command: the command line that produces this report, printed on the page.

    Raises:
        OSError: if the folder cannot be written.
    """
    frame = Frame.of(records)
    problems = list(frame.group_by("problem").values())
    anchors = slugs([str(cells[0]["problem"]) for cells in problems])
    pictures = [_pictures(cells, slug) for cells, slug in zip(problems, anchors, strict=True)]
    page = render(frame, study, command, dict(zip(anchors, problems, strict=True)), pictures)
    folder = Path(out_dir) / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for picture in (picture for several in pictures for picture in several):
        (folder / f"{picture.name}.svg").write_text(standalone(picture.svg), encoding="utf-8")
    text = tables.as_csv([compact(record, longest=LONGEST) for record in frame])
    (Path(out_dir) / "records.csv").write_text(text, encoding="utf-8")
    path = Path(out_dir) / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def render(
    frame: Frame,
    study: Mapping[str, Any],
    command: str,
    problems: Mapping[str, Frame],
    pictures: Sequence[Sequence[Picture]],
) -> str:
    """Return the page's text.

    Args:
        frame: all records.
        study: what was asked.
        command: how to produce the report again.
        problems: each problem's records by the anchor of its section.
        pictures: each problem's figures, in the same order.
    """
    sections = [
        _section(slug, cells, several) for (slug, cells), several in zip(problems.items(), pictures, strict=True)
    ]
    return rendered(
        "report.html.j2",
        title=study.get("title") or study.get("name") or "Gradient estimators compared",
        question=study.get("question") or "",
        grids=[_grid(grid, study) for grid in study.get("grids") or ()],
        study=study,
        summary=summary(frame),
        sections=sections,
        columns=_columns(),
        missing=_missing(frame),
        marks=_marks(frame),
        command=command,
        single=_single(frame),
        environment=_environment(frame),
        longest=LONGEST,
        many=MANY,
        num_cells=len(frame),
    )


def _pictures(cells: Frame, slug: str) -> list[Picture]:
    """Return a problem's figures; none where nothing was measured, no plane where no bias is known."""
    if not len(cells.ok):
        return []
    problem = str(cells[0]["problem"])
    kinds = {"temperature": (figures.temperature_figure, captions.temperature_caption)}
    if any(record.get("bias_sq") is not None for record in cells.ok):
        kinds["plane"] = (figures.plane_figure, captions.plane_caption)
    found = []
    for kind, (draw, caption) in kinds.items():
        figure = draw(cells, problem)
        name = f"{slug}-{kind}"
        title = f"{problem}: " + ("bias and variance against temperature" if kind == "temperature" else "the plane")
        with context():
            svg = to_svg(figure, name, title, captions.description(cells, kind))
        found.append(Picture(name, svg, caption(cells)))
    return found


def _section(slug: str, cells: Frame, pictures: Sequence[Picture]) -> dict[str, Any]:
    said = answer(cells)
    every = series_of(cells.choices)
    return {
        "slug": slug,
        "problem": said.problem,
        "answer": said,
        "pictures": [{"name": one.name, "svg": Markup(one.svg), "caption": one.caption} for one in pictures],
        "rows": tables.rows(cells.ok),
        "temperatures": _temperature_rows(said),
        "leaders": [_leader(ranking.ranked(every, draws)) for draws in (FEW, MANY)],
    }


def _columns() -> list[tables.Column]:
    """Return the columns of the page's tables: the marks stand before the numbers that they qualify."""
    others = [column for column in tables.columns if column.key not in ("problem", "note")]
    return [*others[:3], tables.Column("note", "mark", False), *others[3:]]


def _leader(ranked: Sequence[ranking.Choice]) -> str:
    """Return the estimator of least mse with its mse, and how many show no difference to it."""
    if not ranked:
        return "not known"
    best, equals = ranked[0], ranking.winners(ranked)[1:]
    text = f"{best.name}: {with_interval(best.mse, ' |∇|²' if best.relative else '')}"
    return text + marked(best.record) + (f"; no difference is shown to {ranking.named(equals)}" if equals else "")


def _temperature_rows(said: Answer) -> list[dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for one in said.temperatures:
        row = rows.setdefault(one.label, {"label": one.label})
        row[f"best_{one.draws}"] = (
            f"{one.best}{'*' if one.edge and one.matters else ''}" if one.matters else "no difference is shown"
        )
        row[f"equal_{one.draws}"] = f"or {listed(one.equal)}" if one.equal and one.matters else ""
        shown = one.loss is not None and one.matters
        row[f"loss_{one.draws}"] = f"{times(one.loss or 0.0)} (τ = {one.worst})" if shown else ""
    return list(rows.values())


def _grid(grid: Mapping[str, Any], study: Mapping[str, Any]) -> dict[str, str]:
    """Return one grid of a study as text; what a grid does not fix is the estimator's own default."""

    def text(name: str) -> str:
        values = grid.get(name)
        if values is None:
            return ""
        values = values if isinstance(values, (list, tuple)) else [values]
        return ", ".join(literal(value) for value in values)

    draws = grid.get("draws") or study.get("draws")
    names = ("problems", "estimators", "temperatures", "num_samples")
    return {name: text(name) for name in names} | {"draws": f"{draws:,}" if isinstance(draws, int) else ""}


def _missing(frame: Frame) -> list[dict[str, str]]:
    """Return what does not apply or failed: one row for cells that differ in temperature only."""
    groups: dict[tuple[str, str, str, str], list[Record]] = {}
    for record in frame.not_ok:
        status = str(record["status"]).replace("_", " ")
        key = (str(record["problem"]), label(record), status, str(record.get("reason") or "no reason was given"))
        groups.setdefault(key, []).append(record)
    rows = []
    for (problem, estimator, status, reason), cells in groups.items():
        values = sorted({t for t in map(temperature_of, cells) if t is not None})
        row = {"problem": problem, "estimator": estimator, "status": status, "reason": reason}
        rows.append(row | {"temperatures": ", ".join(map(literal, values)), "cells": str(len(cells))})
    return sorted(rows, key=lambda row: row["status"] != "failed")


def _marks(frame: Frame) -> list[dict[str, str]]:
    def number(mark: str) -> int:
        return sum(mark in marks_of(record) for record in frame)

    known = [{"symbol": s, "meaning": m, "cells": f"{number(mark):,}"} for mark, (s, m) in tables.MARKS.items()]
    strange = [
        (symbol, meaning) for symbol, meaning in tables.legend(frame) if symbol not in {m["symbol"] for m in known}
    ]
    return known + [{"symbol": s, "meaning": m, "cells": f"{number(s):,}"} for s, m in strange]


def _single(frame: Frame) -> str:
    """Return the command that measures the first measured cell again, '' if there is none."""
    if not len(frame.ok):
        return ""
    record = frame.choices[0] if len(frame.choices) else frame.ok[0]
    temperature = temperature_of(record)
    parts = [f"varbench measure '{record['problem']}' '{label(record)}'"]
    parts += [] if temperature is None else [f"--temperature {literal(temperature)}"]
    parts += [f"--num-samples {record['num_samples']} --draws {record['num_draws']} --seed {record['seed']}"]
    return " ".join(parts)


def _environment(frame: Frame) -> list[tuple[str, str]]:
    """Return what the records say of where they were measured."""
    versions: dict[str, set[str]] = {}
    for record in frame:
        for package, version in (record.get("versions") or {}).items():
            versions.setdefault(package, set()).add(str(version))
    rows = [(package, ", ".join(sorted(found))) for package, found in versions.items()]
    for field in ("commit", "device", "dtype", "threads", "seed", "num_draws", "schema"):
        rows.append((field.replace("_", " "), _distinct(record.get(field) for record in frame)))
    return [(name, text) for name, text in rows if text]


def _distinct(values: Iterable[Any]) -> str:
    return ", ".join(
        dict.fromkeys(f"{value:,}" if isinstance(value, int) else str(value) for value in values if value is not None)
    )
