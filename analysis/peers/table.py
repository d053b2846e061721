"""The table on a terminal."""

from __future__ import annotations

from . import words
from .lines import Line, Numbers, lines_of


def as_text(numbers: Numbers) -> str:
    """Return three lines a row: verdict and ratio, the two sides, and what is to be said of it."""
    lines = lines_of(numbers)
    width = max((len(line.name) for line in lines), default=0)
    return "\n".join([*(_row(line, width) for line in lines), f"{words.headline(numbers)}."])


def _row(line: Line, width: int) -> str:
    ratio = f"{words.ratio(line)}, to reach {words.reach(line)}" if line.found else f"to reach {words.reach(line)}"
    said = [f"{line.name:{width}}  {line.verdict.value}: {ratio}"]
    pad = " " * (width + 2)
    ours, theirs = (f" ({words.cost(line, whose)})" if line.found else "" for whose in ("ours", "theirs"))
    said.append(f"{pad}{line.row['ours']}{ours} against {line.row['against']}{theirs}")
    said += [f"{pad}{text}" for text in (words.agreement(line), words.reason(line)) if text]
    return "\n".join(said)
