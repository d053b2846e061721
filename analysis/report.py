"""The report: one self-contained page, its figures as files, and the records behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..bench.records import compact, label, literal
from . import ranking, tables
from .frame import ORACLES, Frame, Record, temperature_of
from .hover import key, numbered
from .kinds import Projections
from .names import slugs
from .numbers import times, with_interval
from .phrases import listed, marked
from .pictures import Picture, pictures_of
from .rendering import rendered
from .series import fewest_samples, series_of
from .sizes import Sweep, standing_alone, sweeps
from .statistics import marks_of
from .summary import summary
from .svg import standalone
from .words import FEW, MANY, Answer, Finding, answer

LONGEST = 16  # vectors with more entries stay out of records.csv


def _no_draws(_: Record) -> None:
    """Say that no draws are to be had."""


def write(
    records: Sequence[Record],
    study: Mapping[str, Any],
    out_dir: Path,
    command: str,
    projections: Projections = _no_draws,
    files: bool = True,
) -> Path:
    """Write index.html, records.csv and, if wanted, figures/*.svg, and return the path of the page.

    The page needs no network and no other file. The same records give the same bytes.

    Args:
        records: the cells, with the fields of the JSON contract.
        study: name, title, question, draws, seed and grids of the study; what is absent is left out.
        out_dir: the folder, made if it is not there.
        command: the command line that produces this report, printed on the page.
        projections: gives a cell's draws along the exact gradient, for the figures of draws.
        files: whether the figures are written as files too.

    Raises:
        OSError: if the folder cannot be written.
    """
    frame = Frame.of(records)
    pictures = pictures_of(frame, projections)
    page = render(frame, study, command, pictures, files)
    folder = Path(out_dir) / "figures"
    (folder if files else Path(out_dir)).mkdir(parents=True, exist_ok=True)
    for picture in pictures if files else ():
        (folder / f"{picture.name}.svg").write_text(standalone(picture.svg), encoding="utf-8")
    text = tables.as_csv([compact(record, longest=LONGEST) for record in frame])
    (Path(out_dir) / "records.csv").write_text(text, encoding="utf-8")
    path = Path(out_dir) / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def render(
    frame: Frame, study: Mapping[str, Any], command: str, pictures: Sequence[Picture], files: bool = True
) -> str:
    """Return the page's text.

    Args:
        frame: all records.
        study: what was asked.
        command: how to produce the report again.
        pictures: its figures, those of one section together.
        files: whether the figures lie beside the page too.
    """
    problems = list(frame.group_by("problem").values())
    names = [str(cells[0]["problem"]) for cells in problems]
    anchors = dict(zip(names, slugs(names), strict=True))
    alone = set(standing_alone(frame).values("problem"))
    findings = summary(frame)
    rows = {key(record): row for row, record in enumerate(r for cells in problems for r in cells.ok)}
    shown = [replace(one, svg=numbered(one.svg, rows)) for one in pictures]
    held = [name for name, cells in zip(names, problems, strict=True) if len(cells.ok)]
    return rendered(
        "report.html.j2",
        headlines=_headlines(findings),
        first=_first(shown, frame),
        table_of={name: number for number, name in enumerate(held)},
        title=study.get("title") or study.get("name") or "Gradient estimators compared",
        question=study.get("question") or "",
        grids=[_grid(grid, study) for grid in study.get("grids") or ()],
        study=study,
        summary=findings,
        sections=[_section(anchors[name], cells) for name, cells in zip(names, problems, strict=True) if name in alone],
        sweeps=[_sweep(sweep) for sweep in sweeps(frame)],
        galleries=_galleries(shown, {name: anchors[name] for name in names if name in alone}),
        tables=[_table(n, c.ok) for n, c in zip(names, problems, strict=True) if len(c.ok)],
        columns=_columns(frame),
        oracles=sorted(ORACLES),
        missing=_missing(frame),
        marks=_marks(frame),
        command=command,
        single=_single(frame),
        environment=_environment(frame),
        longest=LONGEST,
        many=MANY,
        num_cells=len(frame),
        files=files,
    )


def _galleries(pictures: Sequence[Picture], alone: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the figures by what they are about: all problems, a sweep, then each problem, also one without any."""
    subjects = dict.fromkeys([*(p.subject for p in pictures if p.subject not in alone), *alone])
    found = []
    for number, subject in enumerate(subjects):
        mine = [p for p in pictures if p.subject == subject]
        shown = [
            {"name": p.name, "kind": p.kind, "svg": Markup(p.svg), "caption": p.caption, "problems": p.problems}
            for p in mine
        ]
        found.append({"subject": subject, "slug": alone.get(subject, f"across-{number}"), "pictures": shown})
    return found


def _headlines(findings: Sequence[Finding]) -> list[Finding]:
    """Return what tells most in few words: the first sentences of some findings."""
    wanted = {"Temperature": 2, "Noise": 1, "One draw": 1, f"{MANY} draws": 1}
    told = {one.topic: ". ".join(one.text.split(". ")[: wanted.get(one.topic, 0)]).rstrip(".") for one in findings}
    return [Finding(topic, f"{told[topic]}.") for topic in wanted if told.get(topic)]


def _first(pictures: Sequence[Picture], frame: Frame) -> str:
    """Return the name of the figure that stands first: the plane with the most estimators over temperatures.

    Of several that with a truth that is not estimated, and of those that of the longest gradient.
    """

    def weight(picture: Picture) -> tuple[int, bool, int]:
        cells = frame.ok.where(lambda record: record["problem"] in picture.problems)
        moving = sum(one.has_temperature for one in series_of(fewest_samples(cells)))
        known = not any(str(record["exact_method"]).startswith("reference") for record in cells)
        return moving, known, max((len(record.get("gradient_mean") or ()) for record in cells), default=0)

    planes = [picture for picture in pictures if picture.kind == "plane"]
    return max(planes, key=weight).name if planes else ""


def _table(problem: str, cells: Frame) -> dict[str, Any]:
    norms = {record.get("gradient_norm") for record in cells}
    (norm,) = norms if len(norms) == 1 else (None,)
    return {"problem": problem, "rows": tables.rows(cells), "norm": "" if not norm else f"{norm**2:.6g}"}


def _section(slug: str, cells: Frame) -> dict[str, Any]:
    said = answer(cells)
    return {
        "slug": slug,
        "problem": said.problem,
        "answer": said,
        "temperatures": _temperature_rows(said),
        "leaders": _leaders(cells),
    }


def _sweep(sweep: Sweep) -> dict[str, Any]:
    """Return who leads at each size of a sweep."""
    sizes = sweep.frame.group_by(sweep.along).items()
    rows = [{"size": literal(size), "leaders": _leaders(cells)} for (size,), cells in sizes]
    return {"title": sweep.title, "along": sweep.along, "rows": rows}


def _leaders(cells: Frame) -> list[str]:
    every = series_of(fewest_samples(cells).choices)
    return [_leader(ranking.ranked(every, draws)) for draws in (FEW, MANY)]


def _columns(frame: Frame) -> list[tables.Column]:
    """Return the columns of the page's tables: the marks stand before the numbers that they qualify."""
    known = any(record.get("target_bias_sq") is not None for record in frame)
    left_out = ("problem", "note") if known else ("problem", "note", "target_bias_sq")
    others = [column for column in tables.columns if column.key not in left_out]
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
