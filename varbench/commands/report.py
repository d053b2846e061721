"""varbench report: a page from a store."""

from pathlib import Path

import click

from ..bench.store import Store
from ..estimators.errors import InputError


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder, made if needed.")
def report(store: Path, output: Path) -> None:
    """Write a page about STORE: OUTPUT/index.html, with its figures and records beside it."""
    with Store.open(store) as opened:
        study, records = opened.description(), opened.records()
    if not records:
        raise InputError(f"{store} holds no records yet; 'varbench run {study['name']} --out {store}' measures them")
    from ..analysis.report import write

    command = f"varbench run {study['name']} && varbench report {study['name']}.db -o {study['name']}"
    try:
        page = write(records, study, output, command)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; name a folder that you may write to") from error
    click.echo(f"wrote {page}")
