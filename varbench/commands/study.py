"""varbench run and plan: a study, cell by cell."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..bench import filters
from ..bench.forecast import TIMING_SECONDS, measuring_seconds
from ..bench.records import STATUSES
from ..bench.store import Store
from ..bench.study import Cell, Study, read_study
from ..estimators.errors import InputError
from . import options
from .output import put_json
from .progress import progress


@click.command()
@options.study
@options.out
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@options.filters
@click.option("--force", is_flag=True, help="Measure again what is stored.")
@click.option("--retry-failed", is_flag=True, help="Measure again what failed.")
@click.option("--no-timing", is_flag=True, help="Leave the second pass, the seconds per draw, for another run.")
@click.option("--max-time", type=options.Duration(), help="Begin nothing new after 90s, 10m or 1h; run again to go on.")
@options.as_json
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
    max_time: float | None,
    as_json: bool,
) -> None:
    """Run STUDY, a shipped name or a TOML file; what is stored already is not run again."""
    started = time.monotonic()
    if force and max_time is not None:
        raise InputError(
            "--force with --max-time would begin at the first cell each time, and never come to the last; "
            "leave one of them out, or remove the store and run without --force"
        )
    asked = read_study(study)
    chosen = _filtered(asked, filters)
    from ..bench import executors
    from ..bench.workers import WorkerDied

    executors.check(list(chosen.values()))
    path = out or Path(f"{asked.name}.db")
    how = _How(workers, force, retry_failed, not no_timing, None if max_time is None else started + max_time)
    with Store.resume(path, asked.description()) as store:
        try:
            complete = _carried_out(chosen, store, how)
        except WorkerDied as error:
            click.echo(f"varbench: {error}; run the same command to go on", err=True)
            context.exit(3)
        except KeyboardInterrupt as error:
            ended = _Ended.of(asked.name, path, chosen, store)
            raise KeyboardInterrupt(
                f"interrupted: {ended.stored(how.timing)}; run the same command to go on"
            ) from error
        ended = _Ended.of(asked.name, path, chosen, store)
    if as_json:
        put_json(ended.plain())
    elif complete:
        click.echo(str(ended))
    if not complete:
        click.echo(f"varbench: --max-time is over: {ended.stored(how.timing)}; run the same command to go on", err=True)
        context.exit(130)
    if ended.failed:
        context.exit(3)


@dataclass(frozen=True)
class _How:
    """How cells are run; ``end`` is a reading of the monotonic clock after which nothing begins, or None."""

    workers: int
    force: bool
    retry_failed: bool
    timing: bool
    end: float | None

    def over(self) -> bool:
        return self.end is not None and time.monotonic() >= self.end

    def wants(self, status: str | None) -> bool:
        return self.force or status is None or (self.retry_failed and status == "failed")


def _carried_out(chosen: Mapping[int, Cell], store: Store, how: _How) -> bool:
    """Measure and time what is left of the chosen cells; return whether nothing is left."""
    from ..bench import executors

    statuses = store.statuses()
    left = {position: cell for position, cell in chosen.items() if how.wants(statuses.get(cell.key))}
    with progress(len(left), "measuring") as report:
        if not executors.run(left, store, how.workers, report, how.over):
            return False
    if not how.timing:
        return True
    untimed = store.untimed()
    cells = [cell for cell in chosen.values() if cell.key in untimed]
    with progress(len(cells), "timing") as report:
        return executors.time_cells(cells, store, report, how.over)


@dataclass(frozen=True)
class _Ended:
    """What a store holds of the cells that were asked for."""

    study: str
    store: Path
    ok: int
    not_applicable: int
    failed: int
    left: int
    untimed: int

    @classmethod
    def of(cls, name: str, path: Path, chosen: Mapping[int, Cell], store: Store) -> _Ended:
        statuses, untimed = store.statuses(), store.untimed()
        found = [statuses.get(cell.key) for cell in chosen.values()]
        counts = {status: found.count(status) for status in STATUSES}
        return cls(name, path, **counts, left=found.count(None), untimed=sum(c.key in untimed for c in chosen.values()))

    def plain(self) -> dict[str, Any]:
        return {**vars(self), "store": str(self.store)}

    def stored(self, timed: bool) -> str:
        done = self.ok + self.not_applicable + self.failed
        timing = f", {self.untimed} of them not timed yet" if self.untimed and timed else ""
        return f"{done} of {done + self.left} cells are stored in {self.store}{timing}"

    def __str__(self) -> str:
        return (
            f"{self.study}: {self.ok} cells measured, {self.not_applicable} not applicable, {self.failed} failed, "
            f"in {self.store}; see them with 'varbench report {self.store} -o DIR'"
        )


@click.command()
@options.study
@options.out
@options.filters
@options.as_json
def plan(study: str, out: Path | None, filters: tuple[str, ...], as_json: bool) -> None:
    """Say what 'run STUDY' would do: cells, how many are done, roughly how long; runs nothing."""
    asked = read_study(study)
    cells = list(_filtered(asked, filters).values())
    path = out or Path(f"{asked.name}.db")
    done: dict[str, float] = {}
    if path.exists():
        with Store.open(path) as store:
            done = store.seconds()
    names = dict.fromkeys(cell.problem for cell in cells)
    problems = [{"problem": name, **_planned([cell for cell in cells if cell.problem == name], done)} for name in names]
    whole = _planned(cells, done)
    if as_json:
        put_json({"study": asked.name, "store": str(path), **whole, "problems": problems})
        return
    for one in problems:
        click.echo(f"{one['problem']}: {one['cells']} cells, {one['done']} done")
    click.echo(
        f"{asked.name}: {whole['cells']} cells, {whole['done']} done, {whole['left']} left, "
        f"about {_spoken(whole['seconds'])} on one core"
    )


def _planned(cells: list[Cell], done: Mapping[str, float]) -> dict[str, Any]:
    """Return how many cells there are, are done and are left, and roughly the seconds of the last."""
    left = [cell for cell in cells if cell.key not in done]
    seconds = round(sum(map(measuring_seconds, left)) + TIMING_SECONDS * len(left), 1)
    return {"cells": len(cells), "done": len(cells) - len(left), "left": len(left), "seconds": seconds}


def _filtered(asked: Study, texts: tuple[str, ...]) -> dict[int, Cell]:
    """Return the cells that fit all filters, by their positions in the study.

    Raises:
        InputError: for a filter of another form or key, or filters that nothing fits.
    """
    cells = dict(enumerate(asked.cells()))
    facts = {position: filters.facts_of_cell(cell) for position, cell in cells.items()}
    kept = filters.chosen(facts, filters.read_filters(texts), f"'{asked.name}'")
    return {position: cells[position] for position in kept}


def _spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
