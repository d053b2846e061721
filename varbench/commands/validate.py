"""varbench validate: whether a store is what it should be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..bench.validation import Validation
from ..bench.validation import validate as validated
from . import options
from .output import put_json

if TYPE_CHECKING:
    from ..bench.remeasure import Remeasured


@click.command()
@options.store
@click.option(
    "--remeasure", "count", type=click.IntRange(min=1), metavar="K", help="Measure K cells again and compare."
)
@options.as_json
@click.pass_context
def validate(context: click.Context, store: Path, count: int | None, as_json: bool) -> None:
    """Check STORE: the file, every record against the contract, its study, its truths and its replicates.

    With --remeasure K cells, spread over the store, are measured again: on the same processor and versions their
    statistics must be equal to the bit, else to rounding. Exit codes: 0 valid, 1 something is wrong, 4 no store.
    """
    found = validated(store)
    again: list[Remeasured] = []
    if count is not None:
        from ..bench.remeasure import remeasure

        again = remeasure(store, count)
    valid = not found.findings and all(one.ok for one in again)
    if as_json:
        put_json(_plain(store, found, again, valid))
    else:
        for line in (*map(str, found.findings), *(f"note: {note}" for note in found.notes), *map(_said, again)):
            click.echo(line)
        click.echo(_verdict(store, found, again))
    if not valid:
        context.exit(1)


def _plain(store: Path, found: Validation, again: list[Remeasured], valid: bool) -> dict[str, Any]:
    return {
        "store": str(store),
        "study": found.study,
        "valid": valid,
        "cells": found.cells,
        "missing": found.missing,
        "untimed": found.untimed,
        "problems": [vars(one) for one in found.findings],
        "notes": list(found.notes),
        "remeasured": [{**vars(one), "ok": one.ok} for one in again],
    }


def _said(one: Remeasured) -> str:
    how = "to the bit" if one.exact else "to rounding (another processor or version)"
    if one.error:
        return f"{one.cell}: {one.error}"
    return (
        f"{one.cell}: measured again, "
        + (f"{', '.join(one.differing)} not equal {how}" if one.differing else f"equal {how}")
        + (f"; {', '.join(one.added)} is known now and was not when it was stored" if one.added else "")
    )


def _verdict(store: Path, found: Validation, again: list[Remeasured]) -> str:
    wrong = len(found.findings) + sum(not one.ok for one in again)
    whole = "" if found.missing is None else f" of {found.cells + found.missing}"
    more = f", {found.untimed} not timed yet" if found.untimed else ""
    return f"{store}: {found.cells}{whole} cells of '{found.study}'{more}; " + (
        f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong" if wrong else "valid"
    )
