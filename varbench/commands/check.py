"""varbench check: whether an estimator or a problem of one's own is what the harness relies on."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from . import complete, options
from .output import put_json

if TYPE_CHECKING:
    from ..bench.contract.check import Checked

WIDTH = 110
COLOURS = {"ok": "green", "FAILS": "red", "not checked": "yellow"}


@click.command()
@click.argument("thing", metavar="FILE.py:NAME", shell_complete=complete.things)
@click.option(
    "--draws",
    type=click.IntRange(min=1000),
    default=200_000,
    show_default=True,
    help="N of the test of an estimator's mean, where its noise cannot be integrated.",
)
@options.as_json
@click.pass_context
def check(context: click.Context, thing: str, draws: int, as_json: bool) -> None:
    """Check an estimator or a problem of your own, by what the catalogue's own must pass.

    Each property gets one verdict: ok, FAILS with what it means and what to do, or not checked with the reason.
    FILE.py:NAME may be module:NAME or a name from 'varbench list' too, an estimator with parameters in brackets:

    \b
    varbench check mine.py:estimator
    varbench check 'mine.py:estimator[temperature=0.1]' --json

    Exit codes: 0 nothing fails, 1 a property fails, 2 there is no such thing.
    """
    from ..bench.contract.check import check as checked  # after the options: a wrong one needs no torch
    from ..bench.resolve import thing_of

    chosen, config = thing_of(thing)
    found = checked(chosen, draws, **config)
    if as_json:
        put_json(found.plain())
    else:
        _print(found)
    if not found.passed:
        context.exit(1)


def _print(found: Checked) -> None:
    click.echo(f"{found.kind} {found.name}")
    name_width = max(len(verdict.name) for verdict in found.verdicts)
    for verdict in found.verdicts:
        status = click.style(f"{verdict.status:11}", fg=COLOURS[verdict.status])
        indent = " " * (name_width + 17)
        reason = textwrap.fill(
            verdict.reason, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        ).strip()
        click.echo(f"  {verdict.name:{name_width}}  {status}  {reason}")
    failed = [verdict.name for verdict in found.verdicts if verdict.status == "FAILS"]
    skipped = sum(verdict.status == "not checked" for verdict in found.verdicts)
    more = f", {skipped} not checked" if skipped else ""
    click.echo(f"{', '.join(failed)} {'fails' if len(failed) == 1 else 'fail'}{more}" if failed else f"all ok{more}")
