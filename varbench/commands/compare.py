"""varbench compare: two stores, or two estimators, cell by cell."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..bench.records import literal
from ..bench.specs import parse
from ..bench.store import Store
from ..estimators.errors import InputError, unknown
from . import complete
from .output import put

if TYPE_CHECKING:
    from ..analysis.comparison.cells import Cell, Side
    from ..analysis.comparison.compare import Comparison, Row, Rule

FORMATS = ("table", "markdown", "latex", "json")
METRICS = ("variance", "mse", "seconds_per_draw")
_RULE = re.compile(r"\s*([^<>=\s]+)\s*([<>])\s*([^<>=\s]+)\s*")


@click.command()
@click.argument("a", shell_complete=complete.stores)
@click.argument("b", shell_complete=complete.stores)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help=f"{', '.join(METRICS)}; repeat for more.")
@click.option(
    "--fail-on",
    "rules",
    multiple=True,
    metavar="RULE",
    help="E.g. 'variance>1.05': end with 1 where a ratio B/A is shown to exceed 1.05; repeat for more.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
@click.pass_context
def compare(
    context: click.Context,
    a: str,
    b: str,
    metrics: tuple[str, ...],
    rules: tuple[str, ...],
    form: str,
    as_json: bool,
    output: Path | None,
) -> None:
    """Compare B with A cell by cell: ratios, their intervals, and whether a difference is shown.

    A and B are stores, or one estimator of a store each: quick.db:straight_through quick.db:reinmax.
    """
    read = [_rule(text) for text in rules]
    asked = [_metric(name) for name in metrics] or ["variance"]
    wanted = list(dict.fromkeys([*asked, *(rule.metric for rule in read)]))
    from ..analysis.comparison import compare as analysis
    from ..analysis.comparison.text import verdict
    from ..analysis.phrases import count

    sides = _side(a), _side(b)
    if (sides[0].estimator is None) != (sides[1].estimator is None):
        raise InputError(
            f"{a} and {b}: one names an estimator and the other does not; "
            "give two stores, or STORE.db:ESTIMATOR on both sides"
        )
    found = analysis.compare(*sides, wanted)
    if not found.pairs:
        raise InputError(_nothing_common(*sides))
    for metric in {rule.metric for rule in read}:
        if all(row.ratio.a is None or row.ratio.b is None for row in found.of(metric)):
            raise InputError(
                f"--fail-on {metric}: no cell has {metric} on both sides, so nothing can fail; {_ADVICE[metric]}"
            )
    failed = analysis.failures(found, read)
    put(_formatted(found, failed, "json" if as_json else form, plain=output is not None), output)
    for rule, rows in failed.items():
        if rows:
            click.echo(f"varbench: {verdict(rule, rows)}", err=True)
    if any(failed.values()):
        context.exit(1)
    lost = [one for one in found.skipped if one.lost]
    if read and lost:
        lost_cells = f"{count(len(lost), 'cell')} that A measured failed in B"
        click.echo(f"varbench: {lost_cells}: --fail-on cannot judge what is not there", err=True)
        context.exit(3)


_ADVICE = {
    "variance": "'varbench show' lists what was not measured, and why",
    "mse": "mse needs problems with an exact gradient",
    "seconds_per_draw": "run the study without --no-timing",
}


def _metric(name: str) -> str:
    if name == "bias_sq":
        raise InputError(
            "bias_sq is not compared as a ratio: its estimate is unbiased and may be negative; "
            "compare --metric mse, or read both intervals in 'varbench show'"
        )
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    return name


def _rule(text: str) -> Rule:
    from ..analysis.comparison.compare import Rule

    match = _RULE.fullmatch(text)
    if match is None:
        raise InputError(f"--fail-on '{text}': write METRIC>NUMBER or METRIC<NUMBER, e.g. --fail-on 'variance>1.05'")
    metric = _metric(match[1])
    try:
        threshold = float(match[3])
    except ValueError:
        threshold = math.nan
    if not 0 < threshold < math.inf:
        raise InputError(
            f"--fail-on '{text}': '{match[3]}' is no positive number; a ratio of 1 is no change, e.g. 1.05"
        )
    return Rule(metric, match[2] == ">", threshold)


def _side(text: str) -> Side:
    """Return the cells of 'STORE.db' or 'STORE.db:ESTIMATOR'."""
    from ..analysis.comparison.cells import Side, cells_of

    path, spec = _split(text)
    with Store.open(Path(path)) as store:
        cells, study = cells_of(store.cells()), store.description().get("name")
    if not cells:
        raise InputError(f"{path} holds no records yet; 'varbench run {study} --out {path}' measures them")
    return Side(path, cells) if spec is None else _selected(path, cells, spec)


def _split(text: str) -> tuple[str, str | None]:
    """Return store and estimator; a file with a colon in its name is a file."""
    if Path(text).is_file() or ":" not in text:
        return text, None
    colons = [i for i, character in enumerate(text) if character == ":"]
    place = next((i for i in colons if Path(text[:i]).is_file()), colons[0])
    return text[:place], text[place + 1 :]


def _selected(path: str, cells: list[Cell], text: str) -> Side:
    from ..analysis.comparison.cells import Side, chosen, settings_of

    spec = parse(text)
    names = dict.fromkeys(cell.record["estimator"] for cell in cells)
    if spec.name not in names:
        raise unknown(f"estimator in {path}", spec.name, names)
    every = chosen(cells, spec.name, {})
    pinned = dict(spec.parameters)
    for key, value in pinned.items():
        known = settings_of(every[0].record)
        if key not in known:
            raise unknown(f"parameter of '{spec.name}'", key, known)
        values = list(dict.fromkeys(settings_of(cell.record)[key] for cell in every))
        if value not in values:
            raise InputError(
                f"{path} has no '{spec.name}' with {key}={literal(value)}; it has {', '.join(map(literal, values))}"
            )
    found = chosen(cells, spec.name, pinned)
    if not found:
        raise InputError(f"{path} has no cell {text}: each value occurs, but not together; 'varbench show {path}'")
    return Side(path, found, text, pinned)


def _nothing_common(a: Side, b: Side) -> str:
    if a.estimator is None:
        return (
            f"{a.name} and {b.name} have no cell in common, with equal problem, estimator, config and num_samples; "
            "run one study into both: 'varbench run STUDY --out FILE.db'"
        )
    from ..analysis.comparison.cells import settings_of

    for key in ("problem", "num_samples", "temperature"):
        first, second = (
            {cell.record["problem"] if key == "problem" else settings_of(cell.record).get(key) for cell in side.cells}
            for side in (a, b)
        )
        if not first & second and None not in first | second:
            x, y = (", ".join(sorted(map(literal, values))[:4]) for values in (first, second))
            remedy = (
                "run a study with both on the same problems"
                if key == "problem"
                else f"run a study with both at the same {key}, or choose one each: ESTIMATOR[{key}=...] on both sides"
            )
            return f"{a.name} and {b.name} have no cell in common: {key} is {x} there, {y} here; {remedy}"
    return f"{a.name} and {b.name} have no cell in common; run a study with both on the same problems and settings"


def _formatted(found: Comparison, failed: dict[Rule, list[Row]], form: str, plain: bool) -> str:
    from ..analysis.comparison import export, text

    if form == "json":
        return export.as_json(found, failed)
    if form == "latex":
        return export.as_latex(found)
    if form == "markdown":
        return text.as_markdown(found, failed)
    return text.as_table(found, failed, colour=not plain)
