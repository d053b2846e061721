"""Text to the terminal or to a file."""

from pathlib import Path

import click

from ..bench.records import dumps
from ..estimators.errors import InputError


def put(text: str | bytes, output: Path | None) -> None:
    """Print text, or write it, or bytes, to a file where one is named.

    Raises:
        InputError: if the file cannot be written.
    """
    if output is None:
        click.echo(text.rstrip("\n") if isinstance(text, str) else text)
        return
    try:
        output.write_bytes(text.encode() if isinstance(text, str) else text)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; name a file that you may write") from error


def put_json(value: object) -> None:
    """Print one strict JSON value."""
    click.echo(dumps(value))
