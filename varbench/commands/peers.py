"""varbench peers: this library beside other people's code, in turns in one run."""

from __future__ import annotations

from pathlib import Path

import click

from ..estimators.errors import InputError
from . import options
from .output import put_json
from .progress import progress

DISAGREES = 1  # exit code


@click.command()
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Write peers.json and index.html there."
)
@click.option(
    "--python", type=click.Path(path_type=Path), default=Path(".venv-peers/bin/python"), show_default=True,
    help="An interpreter that has the peers; 'make peers' makes one.",
)  # fmt: skip
@click.option("--rounds", type=click.IntRange(min=15), default=15, show_default=True, help="Of each pair, in turns.")
@click.option(
    "--draws", type=click.IntRange(min=1_000), default=100_000, show_default=True,
    help="Of each side, to compare their statistics.",
)  # fmt: skip
@click.option("--filter", "words", multiple=True, metavar="TEXT", help="Only rows with this in their names.")
@options.as_json
def peers(output: Path | None, python: Path, rounds: int, draws: int, words: tuple[str, ...], as_json: bool) -> None:
    """Time this library and other people's code in turns, and check that their statistics agree.

    One thread each, on one core; ratios are medians over rounds, with 95 % intervals. A row whose peer is not
    installed is skipped with the reason. Exit code 1: two sides do not agree.

    \b
    varbench peers --filter gumbel
    varbench peers -o reports/peers
    """
    from ..bench.peers.row import Settings
    from ..bench.peers.rows import ROWS
    from ..bench.peers.study import study

    chosen = [row for row in ROWS if all(word in row.name for word in words)]
    if not chosen:
        names = ", ".join(row.name for row in ROWS)
        raise InputError(f"no row has {' and '.join(map(repr, words))} in its name; there are {names}")
    with progress(len(chosen), "racing") as report:
        found = study(chosen, Settings(python, rounds, draws), report)
    if output is not None:
        _write(found, output)
    if as_json:
        put_json(found)
    else:
        from ..analysis.peers.table import as_text

        click.echo(as_text(found))
    if any(row["found"] and row["found"]["fails"] for row in found["rows"]):
        raise click.exceptions.Exit(DISAGREES)


def _write(found: dict[str, object], folder: Path) -> None:
    """Write the numbers and their page.

    Raises:
        InputError: if the folder cannot be written.
    """
    from ..analysis.peers import page
    from ..bench.records import dumps

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "peers.json").write_text(dumps(found) + "\n", encoding="utf-8")
        click.echo(f"wrote {page.write(found, folder)}", err=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}; name a folder that you may write") from error
