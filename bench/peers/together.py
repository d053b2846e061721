"""Rows of two against one: threads over the blocks of a measurement, processes over measurements; by the clock."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from ...estimators.errors import InputError
from ..cells import measure_requests
from ..draws import Request
from ..exact import Truth
from ..problem import Problem
from ..workers import executor
from . import problems
from .ours import request
from .race import race
from .row import Found, Row, Settings, of_race
from .side import Here, Skipped

TWO = 2
TEMPERATURE = 0.5
NUM_DRAWS = 2**20  # of a measurement
TASKS = 4  # measurements of a call, so that both processes have as many


def threads(row: Row, settings: Settings) -> Found:
    """Return the row of two threads against one; every number of both must be the same."""
    equal = measured(0, threads=1) == measured(0, threads=TWO)
    run = race(_side(lambda: measured(0, TWO), 1), _side(lambda: measured(0, 1), 1), settings.rounds, by_clock=True)
    note = f"the two together had {run.cores[0]:.2f} cores, the one {run.cores[1]:.2f}"
    return of_race(row, run, equal=equal, note=note)


def workers(row: Row, settings: Settings) -> Found:
    """Return the row of two worker processes against one, each over the same four measurements."""
    tasks = [(seed,) for seed in range(TASKS)]
    with executor(TWO) as both, executor(1) as alone:

        def found(mapped: Callable[..., Any]) -> list[Any]:
            return sorted(mapped(measured, tasks), key=lambda record: record["seed"])

        equal = found(both) == found(alone)
        ours, theirs = _side(lambda: found(both), TASKS), _side(lambda: found(alone), TASKS)
        run = race(ours, theirs, settings.rounds, by_clock=True)
    return dataclasses.replace(of_race(row, run, equal=equal), cores=None)


def measured(seed: int, threads: int = 1) -> dict[str, Any]:
    """Return the record of a measurement, but for the number of its threads."""
    problem, one = _case()
    (result,) = measure_requests(
        problem, [one], Truth(None, None, "it was not asked for"), num_draws=NUM_DRAWS, seed=seed, threads=threads,
        targets=False,
    )  # fmt: skip
    if isinstance(result, InputError):
        raise result
    return result.record() | {"threads": None}


@cache
def _case() -> tuple[Problem, Request]:
    problem = problems.built_in()
    return problem, request(problem, "st_gumbel_softmax", temperature=TEMPERATURE)


def _side(run: Callable[[], Any], measurements: int) -> Here:
    """Return a side of so many measurements a call, whose records are compared elsewhere.

    Raises:
        Skipped: on a machine of one core.
    """
    if (os.cpu_count() or 1) < TWO:
        raise Skipped("there is 1 core; this row takes 2")

    def call(_: int) -> tuple[list[float], float]:
        run()
        return [0.0], 0.0

    return Here(call, measurements * NUM_DRAWS)
