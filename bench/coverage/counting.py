"""How often the intervals of repeated measurements hold what they should."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ...estimators.errors import InputError
from ..cells import measure_requests
from ..precision import measure_to_precision, reached
from ..records import MARKS, Measurement
from ..workers import executor
from .cases import Case, Known, known

LEVELS = (0.05, 0.01, 0.001)
FIRST_SEED = 1_000_000  # no seed that a study would use
_CHUNK = 250  # replicates of one task
_ROUNDING = 1e-9  # relative: an exact value is known to it

_NUMBERS = ("replicates", "draws", "capped")  # of a tally; the rest are counts by name

Interval = tuple[float, float]
Ratio = Callable[[Measurement, Measurement], Interval | None]


@dataclass(frozen=True)
class Tally:
    """Counts over replicates of one case.

    Args:
        replicates: how many.
        draws: that they took together.
        capped: those that ended at their cap, short of the precision asked for.
        marks: those with each mark.
        held: of each interval, how often it held the truth; "ratio" only where there is a partner.
        marked: of each interval, how often a measurement that it rests on was marked.
        held_unmarked: of each interval, how often it held the truth without a mark.
        refuted: how often unbiased_p lay below each level.
    """

    replicates: int
    draws: int
    capped: int
    marks: Mapping[str, int]
    held: Mapping[str, int]
    marked: Mapping[str, int]
    held_unmarked: Mapping[str, int]
    refuted: Mapping[str, int]

    def __add__(self, other: Tally) -> Tally:
        """Return the counts over both sets of replicates."""
        numbers: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in _NUMBERS}
        counts: dict[str, Any] = {
            field.name: {
                key: count + getattr(other, field.name)[key] for key, count in getattr(self, field.name).items()
            }
            for field in fields(self)
            if field.name not in _NUMBERS
        }
        return Tally(**numbers, **counts)


def tally(case: Case, first: int, replicates: int, ratio: Ratio) -> Tally:
    """Measure a case under ``replicates`` seeds from ``first`` on, and count.

    Raises:
        InputError: if a measurement fails.
    """
    exact = known(case)
    truths = {"variance": exact.variance, "bias_sq": exact.bias_sq, "mse": exact.variance + exact.bias_sq}
    if exact.ratio is not None:
        truths["ratio"] = exact.ratio
    marks, refuted = Counter(dict.fromkeys(MARKS, 0)), Counter({str(level): 0 for level in LEVELS})
    draws = capped = 0
    held, marked, unmarked = (Counter(dict.fromkeys(truths, 0)) for _ in range(3))
    for seed in range(first, first + replicates):
        measured = _measured(exact, case, seed)
        one = measured[0]
        draws += one.num_draws
        capped += bool(case.precision) and not reached(one, case.precision)
        marks.update(one.marks)
        assert one.unbiased_p is not None
        refuted.update(str(level) for level in LEVELS if one.unbiased_p < level)
        for name, truth in truths.items():
            found = ratio(*measured) if name == "ratio" else _interval(one, name)
            holds = found is None or _within(found, truth)
            is_marked = any(m.marks for m in (measured if name == "ratio" else (one,)))
            held[name] += holds
            marked[name] += is_marked
            unmarked[name] += holds and not is_marked
    return Tally(replicates, draws, capped, dict(marks), dict(held), dict(marked), dict(unmarked), dict(refuted))


def _measured(exact: Known, case: Case, seed: int) -> list[Measurement]:
    if case.precision:
        (one,) = exact.requests
        how = {"precision": case.precision, "max_draws": case.num_draws, "seed": seed}
        return [measure_to_precision(exact.problem, one, exact.truth, **how)]  # type: ignore[arg-type]
    measured = []
    for found in measure_requests(exact.problem, exact.requests, exact.truth, num_draws=case.num_draws, seed=seed):
        if isinstance(found, InputError):
            raise found
        measured.append(found)
    return measured


def _interval(measured: Measurement, name: str) -> Interval:
    """Return the interval of a record, whose upper end is null where it is infinite."""
    lower, upper = getattr(measured, f"{name}_lower"), getattr(measured, f"{name}_upper")
    return lower, math.inf if upper is None else upper


def _within(interval: Interval, truth: float) -> bool:
    lower, upper = interval
    slack = _ROUNDING * abs(truth)
    return lower - slack <= truth <= upper + slack


def coverage(
    cases: Sequence[Case], replicates: int, workers: int, ratio: Ratio, progress: Callable[[str, int], None]
) -> Iterator[tuple[Case, Tally]]:
    """Yield each case with its counts, as they are done; the counts do not depend on the number of workers.

    Args:
        cases: what to repeat.
        replicates: how often each.
        workers: processes.
        ratio: the interval of the ratio of two measurements' variances, None where there is none.
        progress: told of a case, and of replicates done.
    """
    tasks = [
        (case, FIRST_SEED + first, min(_CHUNK, replicates - first), ratio)
        for case in cases
        for first in range(0, replicates, _CHUNK)
    ]
    left = Counter({case: -(-replicates // _CHUNK) for case in cases})
    tallies: dict[Case, Tally] = {}
    with executor(workers) as mapped:
        for case, counts in mapped(_task, tasks):
            tallies[case] = tallies[case] + counts if case in tallies else counts
            progress(f"{case.name}, N = {case.num_draws:,}", counts.replicates)
            left[case] -= 1
            if not left[case]:
                yield case, tallies.pop(case)


def _task(case: Case, first: int, replicates: int, ratio: Ratio) -> tuple[Case, Tally]:
    return case, tally(case, first, replicates, ratio)


def plain(case: Case, counts: Tally) -> dict[str, Any]:
    """Return a case, its counts, and what its intervals should hold, as plain data."""
    exact = known(case)
    truths = {"variance": exact.variance, "bias_sq": exact.bias_sq, "ratio": exact.ratio}
    return {"name": case.name, **asdict(case), "truths": truths, **asdict(counts)}
