"""varbench run and plan: a study, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import click

from ..bench import catalogue
from ..bench.records import literal
from ..bench.specs import parse
from ..bench.store import Store
from ..bench.study import Cell, Study, read_study
from ..estimators.errors import InputError, unknown

_FILTERS = ("problem", "estimator", "temperature", "num_samples")
_TIMING_SECONDS = 0.2  # of one cell, for plans
_Report = Callable[[str, int], None]


@click.command()
@click.argument("study")
@click.option("--out", type=click.Path(path_type=Path), help="The store; STUDY.db in this folder by default.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=PATTERN",
    help=f"Only cells whose {', '.join(_FILTERS)} fits, e.g. 'problem=normal*'; repeat to narrow.",
)
@click.option("--force", is_flag=True, help="Measure again what is stored.")
@click.option("--retry-failed", is_flag=True, help="Measure again what failed.")
@click.option("--no-timing", is_flag=True, help="Leave the second pass, the seconds per draw, for another run.")
@click.pass_context
def run(
    context: click.Context,
    study: str,
    out: Path | None,
    workers: int,
    filters: tuple[str, ...],
    force: bool,
    retry_failed: bool,
    no_timing: bool,
) -> None:
    """Run STUDY, a shipped name or a TOML file; what is stored already is not run again."""
    asked = read_study(study)
    chosen = _filtered(asked, filters)
    from ..bench import executors

    executors.check(list(chosen.values()))
    path = out or Path(f"{asked.name}.db")
    with Store.resume(path, asked.description()) as store:
        statuses = store.statuses()
        left = {p: c for p, c in chosen.items() if force or _is_left(statuses.get(c.key), retry_failed)}
        try:
            with _progress(len(left), "measuring") as progress:
                executors.run(left, store, workers, progress)
            if not no_timing:
                untimed = store.untimed()
                cells = [cell for cell in chosen.values() if cell.key in untimed]
                with _progress(len(cells), "timing") as progress:
                    executors.time_cells(cells, store, progress)
        except executors.WorkerDied as error:
            click.echo(f"varbench: {error}; run the same command to go on", err=True)
            context.exit(3)
        except KeyboardInterrupt as error:
            done = len(store.statuses().keys() & {cell.key for cell in chosen.values()})
            raise KeyboardInterrupt(
                f"interrupted: {done} of {len(chosen)} cells are stored in {path}; run the same command to go on"
            ) from error
        after = store.statuses()
    count = [sum(after.get(c.key) == s for c in chosen.values()) for s in ("ok", "not_applicable", "failed")]
    click.echo(
        f"{asked.name}: {count[0]} cells measured, {count[1]} not applicable, {count[2]} failed, in {path}; "
        f"see them with 'varbench report {path} -o DIR'"
    )
    if count[2]:
        context.exit(3)


@click.command()
@click.argument("study")
@click.option("--out", type=click.Path(path_type=Path), help="The store; STUDY.db in this folder by default.")
def plan(study: str, out: Path | None) -> None:
    """Say what 'run STUDY' would do: cells, how many are done, roughly how long; runs nothing."""
    asked = read_study(study)
    cells = asked.cells()
    path = out or Path(f"{asked.name}.db")
    done: dict[str, float] = {}
    if path.exists():
        with Store.open(path) as store:
            done = store.seconds()
    left = [cell for cell in cells if cell.key not in done]
    for problem in dict.fromkeys(cell.problem for cell in cells):
        here = [cell for cell in cells if cell.problem == problem]
        click.echo(f"{problem}: {len(here)} cells, {sum(cell.key in done for cell in here)} done")
    seconds = sum(map(_guess, left))
    click.echo(
        f"{asked.name}: {len(cells)} cells, {len(cells) - len(left)} done, {len(left)} left, "
        f"about {_spoken(seconds)} on one core"
    )


def _is_left(status: str | None, retry_failed: bool) -> bool:
    return status is None or (retry_failed and status == "failed")


def _filtered(asked: Study, filters: tuple[str, ...]) -> dict[int, Cell]:
    """Return the cells that fit all filters, by their positions in the study.

    Raises:
        InputError: for a filter of another form or key, or filters that nothing fits.
    """
    cells = dict(enumerate(asked.cells()))
    for text in filters:
        key, equals, pattern = (part.strip() for part in text.partition("="))
        if not equals:
            raise InputError(f"--filter {text}: write it as KEY=PATTERN, e.g. --filter 'problem=normal*'")
        if key not in _FILTERS:
            raise unknown("key of --filter", key, _FILTERS)
        cells = {position: cell for position, cell in cells.items() if _fits(cell, key, pattern)}
    if not cells:
        raise InputError(f"no cell of '{asked.name}' fits {' and '.join(filters)}; 'varbench plan' lists its problems")
    return cells


def _fits(cell: Cell, key: str, pattern: str) -> bool:
    value = cell.config.get("temperature") if key == "temperature" else getattr(cell, key)
    # a bracket is part of a problem's name, no set of characters
    return fnmatchcase(literal(value), pattern.replace("[", "[[]"))


def _guess(cell: Cell) -> float:
    """Return roughly the seconds that a cell takes on one core, its timing included."""
    name = parse(cell.problem).name
    facts = catalogue.CATALOGUE.get(name)
    microseconds = facts.microseconds if facts else 10.0
    work = cell.num_samples * (1 + cell.config.get("conditional_samples", 0) / 3)
    return cell.num_draws * work * microseconds * 1e-6 + _TIMING_SECONDS


def _spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


@contextmanager
def _progress(total: int, verb: str) -> Iterator[_Report]:
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
