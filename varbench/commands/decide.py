"""varbench decide: what the records of a problem say on which cell to choose."""

from __future__ import annotations

from pathlib import Path

import click

from ..bench.filters import matching
from ..estimators.catalogue import CATALOGUE
from ..estimators.errors import InputError
from . import options
from .output import put_json
from .recorded import records_of

COSTS = ("evaluations", "seconds")


@click.command()
@options.store
@click.option(
    "--accuracy",
    type=click.FloatRange(0, min_open=True),
    default=0.01,
    show_default=True,
    help="The mse to be reached, over the squared norm of the exact gradient.",
)
@click.option("--cost", type=click.Choice(COSTS), default="evaluations", show_default=True)
@options.filters
@options.as_json
def decide(store: Path, accuracy: float, cost: str, filters: tuple[str, ...], as_json: bool) -> None:
    """Say for each problem of STORE (or of a csv export) which cell to choose.

    \b
    least cost    of an average to reach an accuracy, in whole draws
    the front     of bias and work = variance x cost of a draw, and the budgets at which each cell leads
    crossovers    C* = (v_u c_u - v_b c_b) / bias_sq, beyond which the best unbiased cell has less mse
    """
    records = records_of(store)
    chosen = matching(records, filters, str(store)) if filters else records
    from ..analysis.decide import as_text, decided
    from ..analysis.frame import Frame

    known = {name for name, facts in CATALOGUE.items() if facts.unbiased}
    parts = Frame.of(chosen).group_by("problem").values()
    measured = [part for part in parts if len(part.choices)]
    if not measured:
        raise InputError(f"{store} has no measured cell to choose; 'varbench show {store}' says what it holds")
    found = [decided(part, cost, accuracy, known) for part in measured]
    if as_json:
        put_json(found)
    else:
        click.echo("\n\n".join(map(as_text, found)))
