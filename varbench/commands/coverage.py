"""varbench coverage: how often the intervals hold what they should, by repeating measurements of known truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .output import put_json
from .progress import progress

if TYPE_CHECKING:
    from ..bench.records import Measurement


@click.command()
@click.option("--replicates", type=click.IntRange(min=1), default=10_000, show_default=True, help="Of each case.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("coverage.jsonl"), show_default=True,
    help="Counts, a line for each case; run again to go on.",
)  # fmt: skip
@click.option("--page", type=click.Path(file_okay=False, path_type=Path), help="Write index.html and cells.csv there.")
@click.option("--filter", "words", multiple=True, metavar="TEXT", help="Only cases with this in their names.")
@options.as_json
def coverage(
    replicates: int, workers: int, out: Path, page: Path | None, words: tuple[str, ...], as_json: bool
) -> None:
    """Repeat measurements whose truth is known, and count how often their intervals hold it.

    Laws of draws with tails from light to heavy, rare outcomes, and estimators of the catalogue whose variance is
    exact. All of it takes an hour or more on two cores.

    \b
    varbench coverage --replicates 200 --filter exponential
    varbench coverage --workers 2 --page reports/coverage
    """
    from ..bench.coverage import tallies
    from ..bench.coverage.cases import cases
    from ..bench.coverage.counting import coverage as counted
    from ..bench.coverage.counting import plain

    chosen = [case for case in cases() if all(word in case.name for word in words)]
    left = tallies.left(chosen, tallies.read(out), replicates)
    with progress(len(left) * replicates, "repeating") as report:
        for case, tally in counted(left, replicates, workers, ratio_interval, report):
            tallies.append(out, plain(case, tally))
    rows = list(tallies.latest(chosen, tallies.read(out)))
    if page is not None:
        from ..analysis.coverage.page import write

        click.echo(f"wrote {write(rows, page)}", err=True)
    if as_json:
        put_json(rows)
    elif rows:
        from ..analysis.coverage.cells import as_text, cells_of

        click.echo(as_text(cells_of(rows)))
    else:
        click.echo(f"no case has {' and '.join(map(repr, words))} in its name", err=True)


def ratio_interval(one: Measurement, other: Measurement) -> tuple[float, float] | None:
    """Return the interval of the ratio of two variances, as 'varbench compare' gives it."""
    from ..analysis.comparison.ratios import ratio_of

    found = ratio_of(one.record(), other.record(), one.replicates, other.replicates, "variance").interval
    return None if found is None else (found.lower, found.upper)
