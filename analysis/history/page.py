"""asv's results as one page that works offline: python -m varbench.analysis.history.page .asv/results -o DIR."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..rendering import rendered
from ..style import context
from ..svg import to_svg
from . import words
from .figures import group_figure
from .results import SHORT, Machine, read

QUESTION = "Did a commit make a kernel slower or faster, hungrier for memory, or move a variance?"
COMMANDS = ("make bench-range RANGE=HEAD~5..HEAD", "make asv-page")


def write(results: Path, out_dir: Path, subjects: Mapping[str, str] | None = None) -> Path:
    """Write index.html and return its path; the same results give the same bytes.

    Args:
        results: asv's results_dir.
        out_dir: the folder, made if it is not there.
        subjects: first lines of the commits' messages by full hash, in the order of history, the oldest first.

    Raises:
        ValueError: if there are no results.
        OSError: if the folder cannot be written.
    """
    known = subjects or {}
    page = render(read(Path(results), list(known)), known)
    Path(out_dir).mkdir(parents=True, exist_ok=True)
    path = Path(out_dir) / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def render(machines: Sequence[Machine], subjects: Mapping[str, str]) -> str:
    """Return the page's text.

    Args:
        machines: what each machine measured.
        subjects: first lines of the commits' messages by full hash.
    """
    sections = [_section(number, machine, subjects) for number, machine in enumerate(machines, 1)]
    size = f"{sum(len(section['latest']) for section in sections):,} series"
    return rendered("asv.html.j2", question=QUESTION, size=size, commands=COMMANDS, machines=sections)


def _section(number: int, machine: Machine, subjects: Mapping[str, str]) -> dict[str, Any]:
    facts = dict(machine.facts)
    steps, clear = words.step_rows(machine), (words.TWICE, words.ONCE)
    return {
        "slug": f"machine-{number}",
        "name": ", ".join(filter(None, [facts.get("processor"), f"Python {facts.get('python', '')}"])),
        "findings": words.findings(machine),
        "steps": [row for row in steps if row["verdict"] in clear],
        "unclear": [row for row in steps if row["verdict"] not in clear],
        "latest": words.latest_rows(machine),
        "commits": [{"hash": one[:SHORT], "subject": subjects.get(one, "")} for one in reversed(machine.commits)],
        "pictures": _pictures(number, machine),
        "facts": machine.facts,
    }


def _pictures(number: int, machine: Machine) -> list[dict[str, Any]]:
    groups = list(dict.fromkeys(series.group for series in machine.series))
    found = []
    for group in groups:
        every = [series for series in machine.series if series.group == group]
        figure = group_figure(group, every, machine.commits)
        steps = sum(len(series.segments) - 1 for series in every if series.segments)
        text = f"{len(every)} panels, value against commit, with {steps} steps; the values stand in the table."
        with context():
            svg = to_svg(figure, f"m{number}-{group.replace('_', '-')}", f"{group} over commits", text)
        found.append({"name": group, "svg": Markup(svg)})
    return found


def history(folder: Path) -> dict[str, str]:
    """Return the first lines of all commits' messages, the oldest first; none where there is no git."""
    words = ["git", "-C", str(folder), "log", "--reverse", "--topo-order", "--format=%H %s", "HEAD"]
    try:
        answer = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return {}
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in answer.stdout.splitlines()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page from a results folder; 2 where there is none."""
    parser = argparse.ArgumentParser(prog="python -m varbench.analysis.history.page", description=__doc__)
    parser.add_argument("results", type=Path, help="asv's results folder, .asv/results")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the page")
    given = parser.parse_args(arguments)
    try:
        path = write(given.results, given.out, history(Path.cwd()))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
