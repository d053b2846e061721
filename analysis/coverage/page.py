"""The page of coverage: counts in, index.html and cells.csv out."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ..rendering import rendered
from ..style import context
from ..svg import to_svg
from . import figures
from .cells import INTERVALS, LEAST, LEVEL, MOST, Cell, Row, cells_of, comparisons, judged
from .marks import ANY, worths
from .verdicts import refuted
from .words import LEVELS, summary

COMMAND = "make coverage"
TITLE = "Do the intervals hold what they promise?"
QUESTION = (
    "Measurements with known truth, repeated thousands of times: how often the 95 % intervals of bias², variance, mse "
    "and ratios hold the exact value, how often a mark warns where they do not, and how often an unbiased estimator "
    "is called biased."
)


def render(rows: Sequence[Row]) -> str:
    """Return the page's text.

    Args:
        rows: cases with their counts.
    """
    cells = cells_of(rows)
    fixed = [cell for cell in cells if not cell.row["precision"]]
    replicates = min(row["replicates"] for row in rows)
    return rendered(
        "coverage.html.j2",
        title=TITLE,
        question=QUESTION,
        size=f"{len(rows)} cases of {replicates:,} replicates",
        command=COMMAND,
        summary=summary(cells),
        least=f"{100 * LEAST:g} %",
        most=f"{100 * MOST:g} %",
        level=f"{100 * LEVEL:g} %",
        comparisons=comparisons(cells),
        pictures=_pictures(fixed),
        headings=list(INTERVALS.values()),
        cases=_cases(rows),
        marks=[
            {"mark": "any mark" if one.mark == ANY else one.mark, "hit": one.sensitivity, "false": one.false_marks}
            for one in worths(fixed)
        ],
        levels=[f"{100 * level:g} %" for level in LEVELS],
        alarms=_alarms(fixed),
        environment=_environment(rows),
    )


def _pictures(cells: Sequence[Cell]) -> list[dict[str, Markup | str]]:
    drawn = (
        (
            "marks", "Coverage against marks", figures.against_marks(cells),
            f"Each dot is a case: how often its interval holds the exact value, against how many of its replicates "
            f"carry a mark. The band is {100 * LEAST:g} to {100 * MOST:g} %, the line in it 95 %; left of the middle "
            "a case counts as unmarked. Intervals of bias² near zero may lie above the band.",
        ),
        (
            "draws", "Coverage of the variance against the number of draws", figures.against_draws(cells),
            "How often the interval of the variance holds it, for laws from light to heavy tails in one dimension; a "
            "hollow dot is a case of which half of the replicates or more are marked; bars are 95 % intervals.",
        ),
        (
            "power", "What the verdict on bias detects", figures.power(cells, LEVELS[0]),
            f"How often 'unbiased' is refuted at {100 * LEVELS[0]:g} %, against the size of the bias, from 1,000 "
            "Normal draws; steep noise has standard deviations 1, 1/2, ..., 1/D, and its bias lies along the first. "
            "Bars are 95 % intervals.",
        ),
    )  # fmt: skip
    with context():
        return [
            {"name": name, "title": title, "caption": caption, "svg": Markup(to_svg(figure, name[0], title, caption))}
            for name, title, figure, caption in drawn
        ]


def _cases(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return a line of the table for each case: coverage of each interval, and how often it is marked."""
    verdicts = {(id(one.cell.row), one.cell.interval): one for one in judged(cells_of(rows))}
    lines = []
    for row in rows:
        found = [verdicts.get((id(row), interval)) for interval in INTERVALS]
        first = found[0]
        assert first is not None
        seen = [f"{name} {100 * number / row['replicates']:.0f} %" for name, number in row["marks"].items() if number]
        lines.append(
            {
                "name": row["name"],
                "draws": f"to {100 * row['precision']:g} %" if row["precision"] else f"{row['num_draws']:,}",
                "tail": row["tail"],
                "held": [None if one is None else (str(one.cell.held), one.verdict.value) for one in found],
                "marked": str(first.cell.marked),
                "marks": ", ".join(seen),
            }
        )
    return lines


def _alarms(cells: Sequence[Cell]) -> list[dict[str, object]]:
    by_level = [refuted(cells, level) for level in LEVELS]
    return [
        {
            "name": found[0].cell.name,
            "bias": f"{found[0].cell.bias_in_se:.2g}",
            "marked": str(found[0].cell.marked),
            "rates": [f"{100 * one.rate.value:.2f} %" for one in found],
        }
        for found in zip(*by_level, strict=True)
    ]


def _environment(rows: Sequence[Row]) -> list[tuple[str, str]]:
    versions = {f"{name} {text}" for row in rows for name, text in row["versions"].items()}
    commits = {str(row["commit"]) for row in rows}
    return [("versions", ", ".join(sorted(versions))), ("commit", ", ".join(sorted(commits)))]


def as_csv(rows: Sequence[Row]) -> str:
    """Return all counts, a line for each interval of each case."""
    buffer = io.StringIO()
    head = (
        "case",
        "num_draws",
        "precision",
        "tail",
        "interval",
        "truth",
        "replicates",
        "held",
        "marked",
        "held_unmarked",
    )
    lines = csv.writer(buffer, lineterminator="\n")
    marks, levels = list(rows[0]["marks"]), list(rows[0]["refuted"])
    lines.writerow([*head, "draws", "capped", *marks, *(f"refuted_{level}" for level in levels)])
    for cell in cells_of(rows):
        row, of = cell.row, cell.interval
        truths = row["truths"] | {"mse": row["truths"]["variance"] + row["truths"]["bias_sq"]}
        lines.writerow(
            [
                row["name"], row["num_draws"], row["precision"] or "", row["tail"], of, truths[of], row["replicates"],
                row["held"][of], row["marked"][of], row["held_unmarked"][of], row["draws"], row["capped"],
                *(row["marks"][mark] for mark in marks), *(row["refuted"][level] for level in levels),
            ]
        )  # fmt: skip
    return buffer.getvalue()


def write(rows: Sequence[Row], folder: Path) -> Path:
    """Write index.html and cells.csv and return the path of the page; the same counts give the same bytes.

    Raises:
        OSError: if the folder cannot be written.
    """
    page, table = render(rows), as_csv(rows)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cells.csv").write_text(table, encoding="utf-8")
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path
