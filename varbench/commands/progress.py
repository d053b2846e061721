"""How far a run is: a bar on a terminal, lines elsewhere, always on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Report = Callable[[str, int], None]


@contextmanager
def progress(total: int, verb: str) -> Iterator[Report]:
    """Report progress: a bar with the time left on a terminal, plain lines elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or total == 0:
        done = 0

        def line(what: str, count: int) -> None:
            nonlocal done
            done += count
            click.echo(f"{verb} {done}/{total}: {what}", err=True)

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(verb, total=total)

        def step(what: str, count: int) -> None:
            bar.update(task, advance=count, description=what)

        yield step
