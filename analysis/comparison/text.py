"""A comparison for people: tables of text, and the lines around them, on a terminal and in markdown."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..numbers import p_value, seconds, short, with_interval
from ..phrases import count, listed
from ..statistics import Estimate
from ..tables import Column, legend, symbols
from .cells import (
    Cell,
    Side,
    differences,
    estimators_of,
    name_of,
    points_keys,
    samples_of,
    temperatures_of,
)
from .compare import Comparison, Row, Rule

Failed = Mapping[Rule, Sequence[Row]]
NONE_SHOWN = "~"
_WIDEST = 160  # of a table that goes to a file
COLUMNS = (
    Column("estimator", "estimator", False),
    Column("temperature", "τ"),
    Column("num_samples", "S"),
    Column("a", "A"),
    Column("b", "B"),
    Column("ratio", "B/A [95 %]"),
    Column("change", "change"),
    Column("p", "p"),
    Column("p_adjusted", "p adj."),
    Column("paired", "paired", False),
    Column("note", "note", False),
)


@dataclass(frozen=True)
class Block:
    """The rows of one metric on one problem, as text."""

    metric: str
    problem: str
    rows: Sequence[Mapping[str, str]]


def blocks(comparison: Comparison) -> list[Block]:
    """Return the rows as text, a block for each metric and problem."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in comparison.rows:
        groups.setdefault((row.metric, row.pair[0].record["problem"]), []).append(row)
    return [Block(metric, problem, [_texts(row) for row in rows]) for (metric, problem), rows in groups.items()]


def columns_of(found: Sequence[Block]) -> list[Column]:
    """Return the columns that have something to say; one pair of estimators needs none, the lines above name it."""
    texts = [row for block in found for row in block.rows]
    one = len({row["estimator"] for row in texts}) == 1
    return [c for c in COLUMNS if any(row[c.key] for row in texts) and not (c.key == "estimator" and one)]


def heading(comparison: Comparison) -> list[str]:
    """Return what A and B are, with commits, draws and seeds, and how many cells were matched."""
    lines = [f"{letter}: {_described(side)}" for letter, side in (("A", comparison.a), ("B", comparison.b))]
    measured = len(comparison.pairs) - len(comparison.skipped)
    estimators = {estimators_of(pair) for pair in comparison.pairs}
    of = f" of {estimators.pop()}" if len(estimators) == 1 else ""
    parts = [f"{count(measured, 'cell')}{of} compared"]
    if comparison.skipped:
        parts.append(f"{len(comparison.skipped)} matched but not measured on both sides")
    for letter, alone in (("A", comparison.only_a), ("B", comparison.only_b)):
        if alone:
            parts.append(f"{len(alone)} in {letter} only")
    return [*lines, "; ".join(parts) + "."]


def summary(comparison: Comparison) -> list[str]:
    """Return for each metric the geometric mean of the ratios and how many differences are shown."""
    lines = []
    for metric in comparison.metrics:
        mean, number = comparison.geometric_mean(metric)
        rows = comparison.of(metric)
        if mean is None:
            lines.append(f"{metric}: no ratio in {count(len(rows), 'cell')}{_why_none(rows)}.")
            continue
        shown = [row for row in rows if row.shown]
        up = sum((row.ratio.log or 0) > 0 for row in shown)
        lines.append(
            f"{metric}: geometric mean of B/A {interval_text(mean)} over {count(number, 'cell')}; shown to be larger "
            f"in B in {up}, smaller in {len(shown) - up}, no difference shown in {number - len(shown)}."
        )
    return lines


def remarks(comparison: Comparison) -> list[str]:
    """Return what a reader must know of the ratios: how they were tested, what differed, what was left out."""
    rows = comparison.rows
    lines = []
    if rows:
        tests = sum(row.ratio.tested for row in rows)
        lines.append(
            f"{NONE_SHOWN} no difference is shown: p, adjusted for {count(tests, 'comparison')} (Holm), is above 0.05."
        )
    draws = [row for row in rows if row.ratio.tested and row.metric != "seconds_per_draw" and row.ratio.parts is None]
    if draws:
        lines.append(
            f"paired no: {count(len(draws), 'ratio')} from the two cells' own intervals, for want of 64 parts of at "
            "least 2 draws each that vary; common noise does not shorten them."
        )
    if any(row.metric == "seconds_per_draw" and row.ratio.tested for row in rows):
        lines.append("seconds_per_draw is never paired; its intervals do not know how machines change between runs.")
    same = sum(x is not None and x == y for x, y in map(points_keys, comparison.pairs))
    if same:
        of = count(len(comparison.pairs), "cell")
        lines.append(f"both sides are known to have met the same noise and points in {same:,} of {of}.")
    differing = Counter((name, *values) for pair in comparison.pairs for name, values in differences(pair).items())
    for (name, x, y), number in differing.items():
        noise = ": no common noise" if name == "seed" else ""
        lines.append(f"{name} differs in {count(number, 'cell')} ({x} in A, {y} in B){noise}.")
    reasons: dict[str, list[Cell]] = {}
    for one in comparison.skipped:
        reasons.setdefault(one.reason, []).append(one.pair[1])
    lines += [f"not compared: {_alone(cells)}: {reason}." for reason, cells in reasons.items()]
    for letter, alone in (("A", comparison.only_a), ("B", comparison.only_b)):
        if alone:
            lines.append(f"in {letter} only: {_alone(alone)}.")
    return lines


def verdicts(failed: Failed) -> list[str]:
    """Return for each --fail-on which cells failed it, a line each."""
    lines = []
    for rule, rows in failed.items():
        lines.append(f"--fail-on '{rule}': {failures_text(rows)}{':' if rows else ''}")
        lines += [f"  {_failure(row)}" for row in rows]
    return lines


def verdict(rule: Rule, rows: Sequence[Row]) -> str:
    """Return in one line which cells failed one --fail-on, the first few by name."""
    return f"--fail-on '{rule}': {failures_text(rows)}: {listed(map(_failure, rows), 3)}"


def failures_text(rows: Sequence[Row]) -> str:
    """Return how many cells fail."""
    return f"{count(len(rows), 'cell')} fail{'s' if len(rows) == 1 else ''}" if rows else "no cell fails"


def as_table(comparison: Comparison, failed: Failed, colour: bool) -> str:
    """Return tables for a terminal, or for a file without ``colour``."""
    buffer = io.StringIO()
    terminal = Console()
    seen = colour and terminal.is_terminal
    console = Console(file=buffer, width=max(terminal.width, 100) if seen else _WIDEST, force_terminal=seen)
    found = blocks(comparison)
    lines = heading(comparison)
    console.print(Text("\n".join(lines)), soft_wrap=not seen)
    shown = [column for column in columns_of(found) if column.key != "p"]  # for want of room
    for block in found:
        table = Table(title=Text(f"{block.metric} on {block.problem}"), title_justify="left", box=SIMPLE_HEAD)
        for column in shown:
            justify: Literal["left", "right"] = "right" if column.numeric else "left"
            table.add_column(column.heading, justify=justify, no_wrap=column.key != "note")
        for row in block.rows:
            table.add_row(*(Text(row[column.key]) for column in shown))
        console.print(table)
    marks = [f"{symbol}  {meaning}" for symbol, meaning in mark_legend(comparison)]
    lines = [*summary(comparison), *remarks(comparison), *marks, *verdicts(failed)]
    console.print(Text("\n".join(lines)), soft_wrap=not seen)
    return buffer.getvalue()


def as_markdown(comparison: Comparison, failed: Failed) -> str:
    """Return markdown tables, with the same lines around them."""
    found = blocks(comparison)
    shown = columns_of(found)
    parts = ["\n".join(f"- {_escaped(line)}" for line in heading(comparison))]
    for block in found:
        head = "| " + " | ".join(column.heading for column in shown) + " |"
        rule = "|" + "|".join("---:" if column.numeric else ":---" for column in shown) + "|"
        body = ["| " + " | ".join(_escaped(row[column.key]) for column in shown) + " |" for row in block.rows]
        parts.append("\n".join([f"### {block.metric} on {_escaped(block.problem)}", "", head, rule, *body]))
    marks = [f"{symbol}: {meaning}" for symbol, meaning in mark_legend(comparison)]
    lines = [*summary(comparison), *remarks(comparison), *marks]
    parts.append("\n".join(f"- {_escaped(line)}" for line in lines))
    if failed:
        nested = [(line[: len(line) - len(line.lstrip())], line.lstrip()) for line in verdicts(failed)]
        parts.append("\n".join(f"{indent}- {_escaped(line)}" for indent, line in nested))
    return "\n\n".join(parts) + "\n"


def mark_legend(comparison: Comparison) -> list[tuple[str, str]]:
    """Return symbol and meaning of every mark on a compared cell."""
    return legend([cell.record for row in comparison.rows for cell in row.pair])


def interval_text(found: Estimate | None) -> str:
    """Return a ratio with its interval, whose upper end may be infinite."""
    if found is None:
        return ""
    if found.upper == float("inf"):
        return f"{short(found.value)} [{short(found.lower)}, ∞]"
    if found.upper <= found.lower * (1 + 1e-6):  # no digit of it is uncertain
        return short(found.value, 6).rstrip("0").rstrip(".") if 0.5 < found.value < 2 else short(found.value, 4)
    return with_interval(found)


def _texts(row: Row) -> dict[str, str]:
    ratio, found = row.ratio, row.ratio.interval
    paired = "" if not ratio.tested else "no" if ratio.parts is None else "yes"
    return {
        "estimator": estimators_of(row.pair),
        "temperature": temperatures_of(row.pair),
        "num_samples": samples_of(row.pair),
        "a": _number(row.metric, ratio.a),
        "b": _number(row.metric, ratio.b),
        "ratio": interval_text(found),
        "change": "" if found is None else _change(found.value) if row.shown else NONE_SHOWN,
        "p": p_value(row.p),
        "p_adjusted": p_value(row.p_adjusted),
        "paired": paired,
        "note": "; ".join(filter(None, [ratio.note, _marks(row)])),
    }


def _number(metric: str, value: float | None) -> str:
    if value is None or metric != "seconds_per_draw":
        return short(value, 4)
    return seconds(Estimate(value, value, value))


def _change(value: float) -> str:
    """Return a shown change: in percent, or as a factor where it is large."""
    return f"{100 * (value - 1):+.2g} %" if 0.5 < value < 1.995 else f"×{short(value, 2)}"


def _marks(row: Row) -> str:
    x, y = (symbols(cell.record) for cell in row.pair)
    return x if x == y else ", ".join(f"{side}: {text}" for side, text in (("A", x), ("B", y)) if text)


def _described(side: Side) -> str:
    commits = [value[:10] + value[40:] if value else "unknown" for value in side.values("commit")]  # keeps -dirty
    draws = [f"{value:,}" for value in side.values("num_draws")]
    seeds = [str(value) for value in side.values("seed")]
    return (
        f"{side.name}, {count(len(side.cells), 'cell')}, commit {listed(commits)}, {listed(draws)} draws, "
        f"seed {listed(seeds)}"
    )


def _alone(cells: Sequence[Cell]) -> str:
    """Return what cells have no partner: each estimator with its number of cells."""
    number = Counter(f"{cell.record['estimator']} on {cell.record['problem']}" for cell in cells)
    return listed((f"{name} ({n})" for name, n in number.items()), 4)


def _why_none(rows: Sequence[Row]) -> str:
    notes = dict.fromkeys(row.ratio.note for row in rows)
    return f": {listed(notes)}" if notes else ""


def _failure(row: Row) -> str:
    ratio = interval_text(row.ratio.interval) or f"{short(row.ratio.a)} in A, {short(row.ratio.b)} in B"
    return f"{name_of(row.pair)}: {ratio}"


def _escaped(text: str) -> str:
    for character in "\\`*<|~":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")
