"""Running a study: cells that share points together, in this process or in a pool of workers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..estimators.errors import InputError, NotApplicable
from . import environment
from .cells import measure_requests
from .draws import Request, request
from .exact import Truth
from .forecast import measuring_seconds
from .measure import prepared
from .problem import Problem
from .records import Measurement
from .reference import known_truth
from .resolve import loaded_estimator, problem_of
from .sharing import lot_of
from .store import Store
from .study import Cell
from .threads import one_thread_each
from .timing import time_requests
from .workers import Over, executor, never

Progress = Callable[[str, int], None]  # what was done, how many cells


@dataclass(frozen=True)
class Outcome:
    """The record of one cell, the seconds that it took, and what comparisons need beyond the record."""

    key: str
    record: Mapping[str, Any]
    seconds: float
    replicates: Mapping[str, list[float]]


def check(cells: Sequence[Cell]) -> None:
    """Build every problem and load every estimator once, so that a wrong name is found before anything runs.

    Raises:
        InputError: for the first that cannot be had.
    """
    named: dict[str, str] = {}
    for problem in dict.fromkeys(cell.problem for cell in cells):
        name = problem_of(problem).name
        if name in named:
            raise InputError(
                f"problems {named[name]} and {problem} are both named '{name}': their records could not be told apart; "
                "name one of them otherwise"
            )
        named[name] = problem
    for estimator in dict.fromkeys(cell.estimator for cell in cells):
        loaded_estimator(estimator)


def run(cells: Mapping[int, Cell], store: Store, workers: int, progress: Progress, over: Over = never) -> bool:
    """Find the truths that are not stored yet, measure the cells, and store each when it is done.

    Args:
        cells: by their positions in the study.
        store: that nobody else writes.
        workers: 1 for this process, more for a pool.
        progress: called with a line and the number of cells done.
        over: whether the time is over: then nothing more is begun, and what runs is finished and stored.

    Returns:
        Whether all cells were measured.

    Raises:
        WorkerDied: if a worker process was killed.
    """
    positions = {cell.key: position for position, cell in cells.items()}
    truths: dict[str, dict[str, Any]] = store.truths()
    measured = 0
    with executor(workers) as mapped:
        for done in mapped(_carried_out, _tasks(_lots(cells.values()), truths), over):
            if isinstance(done, _Found):
                truths[done.key] = done.truth
                if "error" not in done.truth:
                    store.put_truth(done.key, done.truth)
                progress(f"truth of {json.loads(done.key)[0]}", 0)
                continue
            for outcome in done:
                store.put(outcome.key, positions[outcome.key], outcome.record, outcome.seconds, outcome.replicates)
            measured += len(done)
            names = dict.fromkeys(outcome.record["estimator"] for outcome in done)
            progress(f"{', '.join(names)} on {done[0].record['problem']}", len(done))
    return measured == len(cells)


@dataclass(frozen=True)
class _Found:
    """A truth as plain data, and the key of the cells that share it."""

    key: str
    truth: dict[str, Any]


def _tasks(lots: Sequence[list[Cell]], truths: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Any, ...] | None]:
    """Yield the truths that are missing, then each lot whose truth is there by then; None where all of them wait.

    Args:
        lots: the longest first.
        truths: by their keys; the caller adds what was found.
    """
    missing = {lot[0].truth_key: lot[0] for lot in lots if lot[0].truth_key not in truths}
    for cell in missing.values():
        yield ([cell], None)
    waiting = list(lots)
    while waiting:
        place = next((place for place, lot in enumerate(waiting) if lot[0].truth_key in truths), None)
        if place is None:
            yield None
        else:
            lot = waiting.pop(place)
            yield lot, truths[lot[0].truth_key]


def _carried_out(cells: Sequence[Cell], truth: Mapping[str, Any] | None) -> _Found | list[Outcome]:
    """Find the truth of the first cell where there is none yet, else measure the cells."""
    return _Found(*find_truth(cells[0])) if truth is None else measure_cells(cells, truth)


def find_truth(cell: Cell) -> tuple[str, dict[str, Any]]:
    """Return the key and the truth of a cell's problem as plain data, or under "error" why the cost failed."""
    try:
        with one_thread_each():
            return cell.truth_key, known_truth(_bound(cell.problem, cell.dtype), cell.seed).plain()
    except InputError as error:
        return cell.truth_key, {"error": str(error)}


def time_cells(cells: Sequence[Cell], store: Store, progress: Progress, over: Over = never) -> bool:
    """Time measured cells problem by problem, in rounds that visit all its estimators, and store the seconds.

    One process does it alone: a neighbour on the other core would be measured too.

    Returns:
        Whether all cells were timed; a problem is not begun once the time is over.
    """
    by_problem: dict[tuple[str, str | None, int], list[Cell]] = {}
    for cell in cells:
        by_problem.setdefault((cell.problem, cell.dtype, cell.seed), []).append(cell)
    for (name, dtype, seed), together in by_problem.items():
        if over():
            return False
        problem = _bound(name, dtype)
        requests = [_request(problem, cell) for cell in together]
        for cell, timing in zip(together, time_requests(problem, requests, seed), strict=True):
            store.put_timing(cell.key, timing.fields())
        progress(f"{len(together)} cells on {name}", len(together))
    return True


def _lots(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Return the cells in lots that one worker measures at once, the longest first.

    A lot is all estimators, at all temperatures, whose points are the same.
    """
    lots: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        lots.setdefault(lot_of(cell), []).append(cell)
    return sorted(lots.values(), key=lambda lot: sum(map(measuring_seconds, lot)), reverse=True)


@lru_cache(maxsize=2)
def _bound(name: str, dtype: str | None) -> Problem:
    """Return the problem, which all its cells share."""
    return prepared(name, dtype, "cpu")


def _request(problem: Problem, cell: Cell) -> Request:
    return request(problem, loaded_estimator(cell.estimator), cell.config, cell.num_samples)


def measure_cells(cells: Sequence[Cell], truth: Mapping[str, Any] | None = None) -> list[Outcome]:
    """Return the records of cells on one problem: what fails or does not apply is a record too.

    Args:
        cells: of one problem, number of draws and seed.
        truth: what ``find_truth`` returned for them; found here if it is left out.
    """
    started = time.perf_counter()
    first = cells[0]
    problem = _bound(first.problem, first.dtype)
    truth = find_truth(first)[1] if truth is None else truth
    results: dict[str, Measurement | InputError] = {}
    requests: dict[str, Request] = {}
    for cell in cells:
        try:
            requests[cell.key] = _request(problem, cell)
        except InputError as error:
            results[cell.key] = error
    if "error" in truth:
        results.update(dict.fromkeys(requests, InputError(truth["error"])))
    elif requests:
        exact = Truth.of_plain(truth)
        measured = measure_requests(problem, list(requests.values()), exact, num_draws=first.num_draws, seed=first.seed)
        results.update(zip(requests, measured, strict=True))
    seconds = (time.perf_counter() - started) / len(cells)
    return [_outcome(problem, cell, results[cell.key], seconds) for cell in cells]


def _outcome(problem: Problem, cell: Cell, result: Measurement | InputError, seconds: float) -> Outcome:
    if isinstance(result, Measurement):
        return Outcome(cell.key, result.record(vectors=True), seconds, result.replicates)
    return Outcome(cell.key, _unmeasured(problem, cell, result).record(), seconds, {})


def _unmeasured(problem: Problem, cell: Cell, result: InputError) -> Measurement:
    """Return the record of a cell that does not apply or failed."""
    facts = loaded_estimator(cell.estimator).facts
    wrong_samples = cell.num_samples < facts.min_samples or cell.num_samples % facts.samples_multiple
    does_not_apply = isinstance(result, NotApplicable) or wrong_samples
    return Measurement(
        problem=problem.name,
        estimator=facts.name,
        config=dict(cell.config),
        family=problem.node.family,
        target=facts.target,
        num_draws=cell.num_draws,
        num_samples=cell.num_samples,
        num_points=None,
        seed=cell.seed,
        dtype=str(problem.node.theta.dtype).removeprefix("torch."),
        device="cpu",
        status="not_applicable" if does_not_apply else "failed",
        reason=str(result),
        versions=environment.versions(),
        commit=environment.commit(),
    )
