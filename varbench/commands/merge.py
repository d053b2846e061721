"""varbench merge: stores of one study into one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ..bench.merging import merge as merged
from . import complete, options
from .output import put_json


@click.command()
@click.argument(
    "stores",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    shell_complete=complete.stores,
    metavar="STORE...",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The new store.",
    shell_complete=complete.stores,
)
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@options.as_json
def merge(stores: tuple[Path, ...], output: Path, force: bool, as_json: bool) -> None:
    """Merge stores of one and the same study, e.g. of halves that two machines ran with --filter.

    A cell that several hold is kept once, the timed one if there is one; a measured cell beats a failed one. Where
    stores disagree on a cell's statistics or on a truth nothing is written, and the exit code is 4.
    """
    done = merged(stores, output, force)
    if as_json:
        put_json({**asdict(done), "store": str(output)})
        return
    read = ", ".join(f"{count} of {path}" for path, count in done.read.items())
    counts = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in done.cells.items()) or "none"
    click.echo(
        f"{output}: {sum(done.cells.values())} cells of '{done.study}' ({counts}; {done.untimed} not timed yet) "
        f"from {read}; {done.shared} were in several, {done.replaced} failed ones were measured elsewhere"
    )
