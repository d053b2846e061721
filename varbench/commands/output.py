"""Text to the terminal or to a file."""

from pathlib import Path

import click

from ..estimators.errors import InputError


def put(text: str, output: Path | None) -> None:
    """Print text, or write it to a file where one is named.

    Raises:
        InputError: if the file cannot be written.
    """
    if output is None:
        click.echo(text.rstrip("\n"))
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; name a file that you may write") from error
