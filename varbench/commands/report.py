"""varbench report: a page from a store."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..bench.filters import matching
from ..bench.store import Store
from ..estimators.errors import InputError
from . import options
from .output import put_json

DRAWS = 2000  # in figures of draws


@click.command()
@options.store
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder, made if needed.")
@click.option("--no-figures", is_flag=True, help="Leave the figures out as files; the page holds them anyway.")
@options.filters
@options.as_json
def report(store: Path, output: Path, no_figures: bool, filters: tuple[str, ...], as_json: bool) -> None:
    """Write a page about STORE: OUTPUT/index.html, with its figures and records beside it."""
    with Store.open(store) as opened:
        study, records = opened.description(), opened.records()
    if not records:
        raise InputError(f"{store} holds no records yet; 'varbench run {study['name']} --out {store}' measures them")
    chosen = matching(records, filters, str(store))
    from ..analysis.report import write

    words = " ".join(f"--filter {shlex.quote(text)}" for text in filters)
    command = f"varbench run {study['name']} && varbench report {study['name']}.db -o {study['name']} {words}".rstrip()
    try:
        page = write(chosen, study, output, command, _projections, files=not no_figures)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; name a folder that you may write to") from error
    if as_json:
        put_json({"study": study["name"], "page": str(page), "records": len(chosen)})
        return
    click.echo(f"wrote {page}")


def _projections(record: Mapping[str, Any]) -> Any:
    """Return a cell's draws along the exact gradient, None where its problem cannot be built from its name."""
    from ..bench.redraw import projections

    try:
        return projections(record, DRAWS)
    except InputError:
        return None
