"""varbench show and export: the records of a store."""

from pathlib import Path
from typing import Any

import click

from ..bench.records import compact, dumps
from ..bench.store import Store
from .output import put

FORMATS = ("table", "csv", "json", "markdown")


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
@click.option("--vectors", is_flag=True, help="Gradients of over 1,000 entries too.")
def show(store: Path, form: str, output: Path | None, vectors: bool) -> None:
    """Show the records of STORE."""
    _write(store, form, output, vectors)


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS[1:]), default="csv", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
@click.option("--vectors", is_flag=True, help="Gradients of over 1,000 entries too.")
def export(store: Path, form: str, output: Path | None, vectors: bool) -> None:
    """Export the records of STORE: csv and json hold every field of every record."""
    _write(store, form, output, vectors)


def _write(path: Path, form: str, output: Path | None, vectors: bool) -> None:
    with Store.open(path) as store:
        records = [compact(record, vectors) for record in store.records()]
    put(_formatted(records, form, plain=output is not None), output)


def _formatted(records: list[dict[str, Any]], form: str, plain: bool) -> str:
    from ..analysis import tables

    if form == "json":
        return dumps(records) + "\n"
    if form == "csv":
        return tables.as_csv(records)
    if form == "markdown":
        return tables.as_markdown(records)
    from ..analysis.terminal import as_table

    return as_table(records, colour=not plain)
