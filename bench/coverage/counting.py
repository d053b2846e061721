"""How often the intervals of repeated measurements hold what they should."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...estimators.errors import InputError
from ..cells import measure_requests
from ..records import MARKS, Measurement
from ..workers import executor
from .cases import Case, Known, known

INTERVALS = ("variance", "bias_sq", "mse", "ratio")
LEVELS = (0.05, 0.01, 0.001)
FIRST_SEED = 1_000_000  # no seed that a study would use
_CHUNK = 250  # replicates of one task
_ROUNDING = 1e-9  # relative: an exact value is known to it

Interval = tuple[float, float]
Ratio = Callable[[Measurement, Measurement], Interval | None]


@dataclass(frozen=True)
class Tally:
    """Counts over replicates of one case.

    Args:
        replicates: how many.
        marked: those with any mark.
        marks: those with each mark.
        held: of each interval, how often it held the truth.
        held_unmarked: the same over replicates without a mark.
        refuted: how often unbiased_p lay below each level.
    """

    replicates: int
    marked: int
    marks: Mapping[str, int]
    held: Mapping[str, int]
    held_unmarked: Mapping[str, int]
    refuted: Mapping[str, int]

    def __add__(self, other: Tally) -> Tally:
        """Return the counts over both sets of replicates."""
        both = asdict(self), asdict(other)
        added = {
            key: both[0][key] + both[1][key]
            if isinstance(both[0][key], int)
            else {name: both[0][key][name] + both[1][key][name] for name in both[0][key]}
            for key in both[0]
        }
        return Tally(**added)


def count(case: Case, first: int, replicates: int, ratio: Ratio) -> Tally:
    """Measure a case under ``replicates`` seeds from ``first`` on, and count.

    Raises:
        InputError: if a measurement fails.
    """
    exact = known(case)
    truths = {
        "variance": exact.variance,
        "bias_sq": exact.bias_sq,
        "mse": exact.variance + exact.bias_sq,
        "ratio": exact.ratio,
    }
    marked, marks, refuted = 0, Counter(dict.fromkeys(MARKS, 0)), Counter({str(level): 0 for level in LEVELS})
    held, unmarked = (Counter(dict.fromkeys(INTERVALS, 0)) for _ in range(2))
    for seed in range(first, first + replicates):
        one, other = _measured(exact, case.num_draws, seed)
        found = {name: (getattr(one, f"{name}_lower"), getattr(one, f"{name}_upper")) for name in INTERVALS[:3]}
        holds = [
            name
            for name, interval in (*found.items(), ("ratio", ratio(one, other)))
            if interval is None or _within(interval, truths[name])
        ]
        marked += bool(one.marks)
        marks.update(one.marks)
        held.update(holds)
        if not one.marks:
            unmarked.update(holds)
        assert one.unbiased_p is not None
        refuted.update(str(level) for level in LEVELS if one.unbiased_p < level)
    return Tally(replicates, marked, dict(marks), dict(held), dict(unmarked), dict(refuted))


def _measured(exact: Known, num_draws: int, seed: int) -> tuple[Measurement, Measurement]:
    one, other = measure_requests(exact.problem, exact.pair, exact.truth, num_draws=num_draws, seed=seed)
    for found in (one, other):
        if isinstance(found, InputError):
            raise found
    assert isinstance(one, Measurement)
    assert isinstance(other, Measurement)
    return one, other


def _within(interval: tuple[float | None, float | None], truth: float) -> bool:
    """Return whether an interval, whose upper end may be infinite (None), holds a truth."""
    lower, upper = interval
    slack = _ROUNDING * abs(truth)
    return (lower or 0.0) <= truth + slack and (upper is None or truth - slack <= upper)


def coverage(
    cases: Sequence[Case], replicates: int, workers: int, ratio: Ratio, progress: Callable[[int], None]
) -> Iterator[tuple[Case, Tally]]:
    """Yield each case with its counts, as they are done; the counts do not depend on the number of workers.

    Args:
        cases: what to repeat.
        replicates: how often each.
        workers: processes.
        ratio: the interval of the ratio of two measurements' variances, None where there is none.
        progress: told of replicates done.
    """
    tasks = [
        (case, FIRST_SEED + first, min(_CHUNK, replicates - first), ratio)
        for case in cases
        for first in range(0, replicates, _CHUNK)
    ]
    left = Counter({case: -(-replicates // _CHUNK) for case in cases})
    tallies: dict[Case, Tally] = {}
    with executor(workers) as mapped:
        for case, tally in mapped(_task, tasks):
            tallies[case] = tallies[case] + tally if case in tallies else tally
            progress(tally.replicates)
            left[case] -= 1
            if not left[case]:
                yield case, tallies[case]


def _task(case: Case, first: int, replicates: int, ratio: Ratio) -> tuple[Case, Tally]:
    return case, count(case, first, replicates, ratio)


def plain(case: Case, tally: Tally) -> dict[str, Any]:
    """Return a case and its counts as plain data."""
    return {"name": case.name, **asdict(case), **asdict(tally)}
