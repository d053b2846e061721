"""varbench report: a page from a store."""

import shlex
from pathlib import Path

import click

from ..bench.filters import matching
from ..bench.store import Store
from ..estimators.errors import InputError
from . import options
from .output import put_json


@click.command()
@options.store
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder, made if needed.")
@options.filters
@options.as_json
def report(store: Path, output: Path, filters: tuple[str, ...], as_json: bool) -> None:
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
        page = write(chosen, study, output, command)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; name a folder that you may write to") from error
    if as_json:
        put_json({"study": study["name"], "page": str(page), "records": len(chosen)})
        return
    click.echo(f"wrote {page}")
