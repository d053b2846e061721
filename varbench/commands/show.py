"""varbench show and export: the records of a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..bench.filters import matching
from ..bench.records import compact, dumps
from ..bench.store import Store
from ..estimators.errors import InputError
from . import options
from .output import put

FORMATS = ("table", "csv", "json", "markdown", "latex", "parquet")
_Command = Callable[..., None]


def _shared(function: _Command) -> _Command:
    """Return a command with the options that show and export have in common."""
    for option in (
        options.filters,
        click.option("--vectors", is_flag=True, help="Gradients of over 1,000 entries too."),
        click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file."),
    ):
        function = option(function)
    return function


@click.command()
@options.store
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@_shared
def show(store: Path, form: str, as_json: bool, output: Path | None, vectors: bool, filters: tuple[str, ...]) -> None:
    """Show the records of STORE."""
    _write(store, "json" if as_json else form, output, vectors, filters)


@click.command()
@options.store
@click.option("--format", "form", type=click.Choice(FORMATS[1:]), default="csv", show_default=True)
@_shared
def export(store: Path, form: str, output: Path | None, vectors: bool, filters: tuple[str, ...]) -> None:
    """Export the records of STORE: csv, json and parquet hold every field of every record."""
    _write(store, form, output, vectors, filters)


def _write(path: Path, form: str, output: Path | None, vectors: bool, filters: tuple[str, ...]) -> None:
    if form == "parquet" and output is None:
        raise InputError("--format parquet is no text for a terminal; name a file with -o FILE.parquet")
    with Store.open(path) as store:
        records = [compact(record, vectors) for record in store.records()]
    if filters:
        records = matching(records, filters, str(path))
    put(_parquet(records) if form == "parquet" else _formatted(records, form, plain=output is not None), output)


def _parquet(records: list[dict[str, Any]]) -> bytes:
    from ..analysis.parquet import as_parquet

    try:
        return as_parquet(records)
    except ModuleNotFoundError as error:
        raise InputError("--format parquet needs pyarrow: pip install 'varbench[parquet]'") from error


def _formatted(records: list[dict[str, Any]], form: str, plain: bool) -> str:
    from ..analysis import tables

    if form == "json":
        return dumps(records) + "\n"
    if form == "csv":
        return tables.as_csv(records)
    if form == "markdown":
        return tables.as_markdown(records)
    if form == "latex":
        from ..analysis.latex import as_latex

        return as_latex(records)
    from ..analysis.terminal import as_table

    return as_table(records, colour=not plain)
