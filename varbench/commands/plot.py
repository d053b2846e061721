"""varbench plot: figures from a store, one file a problem."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..bench.filters import matches, matching
from ..estimators.errors import InputError, unknown
from . import options
from .output import put_json
from .recorded import records_of

if TYPE_CHECKING:
    from ..analysis.kinds import Part
    from ..analysis.style import Form

KINDS = ("temperature", "samples", "dimension", "plane", "cost", "optimum", "front", "heatmap", "draws")
FORMATS = ("svg", "pdf", "png")
STYLES = ("page", "paper")


@click.command()
@options.store
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What to draw.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder, made if needed.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="svg", show_default=True)
@click.option(
    "--style", type=click.Choice(STYLES), default="page", show_default=True, help="paper: one column, 3.25 in, 8 pt."
)
@click.option("--problem", "pattern", help="Only problems whose name matches, e.g. 'normal_*' or '*dim=10,*'.")
@click.option(
    "--draws", type=click.IntRange(100), default=2000, show_default=True, help="Draws of --kind draws, made anew."
)
@options.filters
@options.as_json
def plot(
    store: Path,
    kind: str,
    output: Path,
    form: str,
    style: str,
    pattern: str | None,
    draws: int,
    filters: tuple[str, ...],
    as_json: bool,
) -> None:
    """Draw the records of STORE, or of a csv export: one file a problem, named OUTPUT/PROBLEM-KIND.FORMAT.

    \b
    temperature  bias and variance against temperature
    samples      variance and mse against the number of samples in one draw
    dimension    bias and variance against dim, latents or classes: one file a family of problems
    plane        variance against squared bias, with lines of equal mse
    cost         mse of an average against seconds and against evaluations of f
    optimum      best temperature against the number of draws averaged
    front        squared bias against variance x cost, and who is best at some budget
    heatmap      estimators by problems, least mse of one draw: one file a family of nodes
    draws        how gradient draws are spread along the exact gradient
    """
    records = records_of(store, replicates=kind == "optimum")
    chosen = matching(_of_problems(records, pattern), filters, str(store))
    from ..analysis.frame import Frame
    from ..analysis.kinds import KINDS as KNOWN
    from ..analysis.kinds import parts_of
    from ..analysis.style import FORMS

    parts = parts_of(kind, Frame.of(chosen))
    if not parts:
        asked = [*([f"problem={pattern}"] if pattern else []), *filters]
        where = f" that fits {' and '.join(asked)}" if asked else ""
        raise InputError(f"{store} has nothing{where} to draw for --kind {kind}: it needs {KNOWN[kind].needs}")
    try:
        output.mkdir(parents=True, exist_ok=True)
        written = []
        for part in parts:
            written.append(_written(part, kind, output / f"{part.name}.{form}", FORMS[style], draws))
            if not as_json:
                click.echo(written[-1])
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; name a folder that you may write to") from error
    if as_json:
        put_json([str(path) for path in written])


def _of_problems(records: list[dict[str, Any]], pattern: str | None) -> list[dict[str, Any]]:
    """Return the records of problems whose full name, or name before the brackets, matches the pattern."""
    if pattern is None:
        return records
    names = list(dict.fromkeys(str(record["problem"]) for record in records))
    kept = {name for name in names if any(matches(text, pattern) for text in (name, name.partition("[")[0]))}
    if not kept:
        raise unknown("problem", pattern, names, "--problem takes * for anything, e.g. 'normal_*'")
    return [record for record in records if record["problem"] in kept]


def _written(part: Part, kind: str, path: Path, form: Form, num_draws: int) -> Path:
    """Draw one part, write it, and return its path."""
    from ..analysis import kinds

    one = kinds.drawn(part, kind, form, lambda record: _projections(record, num_draws))
    assert one is not None, "_projections returns draws or raises"
    kinds.save(one, path, form)
    return path


def _projections(record: Mapping[str, Any], num_draws: int) -> Any:
    from ..bench.redraw import projections

    return projections(record, num_draws)
