"""The page of peers: python -m varbench.analysis.peers.page reports/peers/peers.json -o DIR."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ..phrases import count
from ..rendering import rendered
from ..style import context
from ..svg import to_svg
from . import words
from .figure import against_reach
from .lines import Line, Numbers, lines_of, read

COMMAND = "make peers"
TITLE = "Beside other people's code"
QUESTION = (
    "How much faster than the usual ways of taking gradient draws is this library, on one machine, in turns, with the "
    "same statistics on both sides, and does it reach what it set out to?"
)


def render(numbers: Numbers) -> str:
    """Return the page's text; the same numbers give the same text."""
    lines = lines_of(numbers)
    return rendered(
        "peers.html.j2",
        title=TITLE,
        question=QUESTION,
        size=count(len(lines), "row"),
        command=COMMAND,
        headline=words.headline(numbers),
        findings=words.findings(numbers),
        rounds=numbers["rounds"],
        draws=f"{numbers['draws']:,}",
        figure=_figure(lines),
        rows=[_row(line) for line in lines],
        reasons=[(line.name, text) for line in lines if (text := words.reason(line))],
        environment=_environment(numbers, lines),
    )


def _figure(lines: Sequence[Line]) -> dict[str, Markup | str] | None:
    if all(line.found is None for line in lines):
        return None
    title, caption = "Ratios against what is to be reached", words.caption(lines)
    with context():
        return {"svg": Markup(to_svg(against_reach(lines), "fr", title, caption)), "caption": caption}


def _row(line: Line) -> dict[str, str | bool]:
    return {
        "name": line.name,
        "ours": line.row["ours"],
        "path": line.found["path"] if line.found else "",
        "against": line.row["against"],
        "reach": words.reach(line),
        "ratio": words.ratio(line),
        "cost_ours": words.cost(line, "ours"),
        "cost_theirs": words.cost(line, "theirs"),
        "agreement": words.agreement(line),
        "verdict": line.verdict.value,
    }


def _environment(numbers: Numbers, lines: Sequence[Line]) -> list[tuple[str, str]]:
    ours = numbers["versions"]
    theirs = {f"{name} {text}" for line in lines if line.found for name, text in line.found["versions"].items()}
    return [
        ("processor", f"{ours['processor']}, {count(numbers['cores'], 'core')}"),
        ("vectors", numbers["vectors"] or "not known"),
        ("load", _load(numbers)),
        ("versions", ", ".join(f"{name} {text}" for name, text in ours.items() if name != "processor")),
        ("the peers' versions", ", ".join(sorted(theirs)) or "none was installed"),
        ("commit", numbers["commit"] or "an installed package"),
    ]


def _load(numbers: Numbers) -> str:
    """Return how busy the machine was."""
    if numbers["load"] is None:
        return "the system does not tell"
    least, most = numbers["load"]
    return f"{least:.1f} to {most:.1f} processes wanted a core, the run's own included"


def write(numbers: Numbers, folder: Path) -> Path:
    """Write index.html and return its path; the same numbers give the same bytes.

    Raises:
        OSError: if the folder cannot be written.
    """
    page = render(numbers)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; 2 where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m varbench.analysis.peers.page", description=__doc__)
    parser.add_argument("numbers", type=Path, help="the peers.json of 'varbench peers'")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the page")
    given = parser.parse_args(arguments)
    try:
        path = write(read(given.numbers), given.out)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
