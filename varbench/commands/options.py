"""Options and arguments that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from . import complete

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?")


class Duration(click.ParamType):
    """A time as people write it, 90s, 10m or 1h30m, in seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds.

        Raises:
            click.UsageError: for a text of another form, or no time at all.
        """
        match = _DURATION.fullmatch(str(value).strip().lower())
        parts = match.groupdict() if match else {}
        seconds = sum(float(number) * _UNITS[unit] for unit, number in parts.items() if number)
        if seconds <= 0:
            self.fail(f"'{value}' is no time: write 90s, 10m or 1h", param, ctx)
        return seconds


study = click.argument("study", shell_complete=complete.studies)
store = click.argument("store", type=click.Path(path_type=Path), shell_complete=complete.stores)
out = click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The store; STUDY.db in this folder by default.",
    shell_complete=complete.stores,
)
filters = click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=PATTERN",
    help="Only cells whose problem, estimator, num_samples or parameter fits, e.g. 'problem=normal*', "
    "'temperature<=1'; repeat to narrow.",
    shell_complete=complete.filters,
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
