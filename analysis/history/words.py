"""What asv's results say, in sentences and rows computed from them."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from ..numbers import short, times, with_interval
from ..phrases import code, count, listed
from ..statistics import Estimate
from ..words import Finding
from .figures import scale_of
from .results import ABSENT, FAILED, SHORT, SKIPPED, Machine, Point, Segment, Series

SMALLEST = 0.05  # a step by less is drawn, not told: asv's own threshold
TWICE, ONCE, MEET, BARE = "apart, seen twice", "apart, seen once", "~ they meet", "none"
VERDICTS = (TWICE, ONCE, BARE, MEET)
EQUAL = 1e-9  # seeded values closer than this agree to rounding


def findings(machine: Machine) -> list[Finding]:
    """Return what one machine's results say, the most general first."""
    texts = [
        ("Measured", _measured(machine)),
        ("Steps", _steps(machine)),
        ("Memory", _memory(machine)),
        ("Variance", _variances(machine.series, machine.commits)),
        ("Slowest", _slowest(machine.series)),
        ("Skipped", _without_value(machine, SKIPPED)),
        ("Failed", _without_value(machine, FAILED)),
    ]
    return [Finding(topic, text) for topic, text in texts if text]


def step_rows(machine: Machine) -> list[dict[str, str]]:
    """Return asv's steps of at least 5 %, the best founded and then the largest first."""
    found = []
    for series in machine.series:
        for before, after in itertools.pairwise(series.segments):
            ratio = after.level / before.level if before.level else math.inf
            if abs(ratio - 1) < SMALLEST:
                continue
            size, unit = scale_of(series)
            row = {
                "name": series.name,
                "kind": series.kind,
                "commit": machine.commits[after.first][:SHORT],
                "before": f"{short(before.level / size)} {unit}",
                "after": f"{short(after.level / size)} {unit}",
                "ratio": f"{ratio:.3g}",
                "verdict": verdict(series, before, after),
            }
            found.append((VERDICTS.index(row["verdict"]), -abs(math.log(ratio)) if ratio > 0 else -math.inf, row))
    return [row for *_, row in sorted(found, key=lambda one: (*one[:2], one[2]["name"], one[2]["commit"]))]


def verdict(series: Series, before: Segment, after: Segment) -> str:
    """Return what intervals say of a step: of all commits on its two sides, else of the two neighbours."""
    left = [point for point in series.points[before.first : before.last + 1] if point.value is not None]
    right = [point for point in series.points[after.first : after.last + 1] if point.value is not None]
    if left[-1].lower is None or right[0].lower is None:
        return BARE
    if not left[-1].apart(right[0]):
        return MEET
    twice = len(left) > 1 and len(right) > 1
    return TWICE if twice and all(one.apart(other) for one in left for other in right) else ONCE


def latest_rows(machine: Machine) -> list[dict[str, str]]:
    """Return one row for each series: its latest value, against the first one, and what has no value."""
    rows = []
    for series in machine.series:
        size, unit = scale_of(series)
        row = {"name": series.name, "value": "", "commit": "", "ratio": "", "missing": _missing(series)}
        if series.measured:
            first, last = series.measured[0], series.measured[-1]
            start, point = series.points[first], series.points[last]
            row["value"] = _value(point, size, unit)
            row["commit"] = machine.commits[last][:SHORT]
            if start.value and last > first:
                row["ratio"] = f"{(point.value or 0.0) / start.value:.3g}"
                no_news = start.lower is not None and not start.apart(point) and not _is_seeded(series)
                row["ratio"] += " ~" if no_news else ""
        rows.append(row)
    return rows


def _value(point: Point, size: float, unit: str) -> str:
    value = (point.value or 0.0) / size
    if point.lower is None or point.upper is None:
        return f"{short(value)} {unit}"
    return with_interval(Estimate(value, point.lower / size, point.upper / size), f" {unit}")


def _missing(series: Series) -> str:
    parts = [(series.count(status), status) for status in (SKIPPED, FAILED, ABSENT)]
    return ", ".join(f"{status} in {number} of {len(series.points)}" for number, status in parts if number)


def _measured(machine: Machine) -> str:
    first, last = machine.commits[0][:SHORT], machine.commits[-1][:SHORT]
    values = sum(len(series.measured) for series in machine.series)
    span = f"{code(first)} to {code(last)}" if len(machine.commits) > 1 else code(first)
    kinds = len({series.benchmark for series in machine.series})
    sizes = f"{len(machine.series)} series (a benchmark on one problem)"
    return f"{count(len(machine.commits), 'commit')}, {span}: {count(kinds, 'benchmark')}, {sizes}, {values:,} values."


def _steps(machine: Machine) -> str:
    if len(machine.commits) < 2:
        return "One commit shows no step; measure a range."
    rows = [row for row in step_rows(machine) if row["kind"] != "peakmemory"]
    if not rows:
        return "asv's step detection finds no step of 5 % or more in time or variance."
    counts = Counter(row["verdict"] for row in rows)
    text = (
        f"asv's step detection finds {count(len(rows), 'step')} of 5 % or more in time and variance × seconds. In "
        f"{counts[TWICE] + counts[ONCE] or 'none'} the 99 % intervals on its two sides are apart; in "
        f"{counts[TWICE] or 'none'} this holds for every commit before and after, at least two of each: "
    )
    if not counts[TWICE]:
        return text + "so none is told from the machine's own ups and downs."
    told = [row for row in rows if row["verdict"] == TWICE]
    return text + listed(f"{code(row['name'])} at {code(row['commit'])}, times {row['ratio']}" for row in told) + "."


def _memory(machine: Machine) -> str:
    """Return at which commits peak memory stepped; it has no interval, and moves for many benchmarks at once."""
    rows = [row for row in step_rows(machine) if row["kind"] == "peakmemory"]
    every = sum(series.kind == "peakmemory" for series in machine.series)
    if not every or len(machine.commits) < 2:
        return ""
    if not rows:
        return f"Peak memory has no step of 5 % or more in {every} series."
    parts = []
    for commit in dict.fromkeys(one[:SHORT] for one in machine.commits):
        ratios = [float(row["ratio"]) for row in rows if row["commit"] == commit]
        if ratios:
            middle = statistics.median(ratios)
            parts.append(f"at {code(commit)} in {len(ratios)} series (times {middle:.3g} at the median)")
    return f"Of {every} series, peak memory steps by 5 % or more {listed(parts)}."


def _variances(every: Sequence[Series], commits: Sequence[str]) -> str:
    """Return which seeded variances moved: they are the same numbers in every run of the same code."""
    seeded = [series for series in every if _is_seeded(series) and len(series.measured) > 1]
    if not seeded:
        return ""
    moved = {series.group: at for series in seeded if (at := _moves(series))}
    if not moved:
        return f"The seeded variances of all {count(len(seeded), 'estimator')} agree to rounding over all commits."
    where = [f"{code(group)} at {listed(code(commits[p][:SHORT]) for p in at)}" for group, at in moved.items()]
    what = f"Of {count(len(seeded), 'seeded variance')}, {len(moved)} moved: {listed(where)}"
    return f"{what}. What the code computes changed there."


def _is_seeded(series: Series) -> bool:
    return series.benchmark.endswith(".track_variance")


def _moves(series: Series) -> list[int]:
    """Return the positions of commits whose value is not that of the measured commit before."""
    values = [(position, series.points[position].value or 0.0) for position in series.measured]
    pairs = itertools.pairwise(values)
    return [after for (_, old), (after, new) in pairs if abs(new - old) > EQUAL * max(abs(old), abs(new))]


def _slowest(every: Sequence[Series]) -> str:
    """Return the slowest and the fastest draws at the latest commit."""
    parts = []
    for size in ("small", "large"):
        found = [
            (series.points[series.measured[-1]].value or 0.0, series)
            for series in every
            if series.benchmark.endswith(".time_draws") and series.parameter == size and series.measured
        ]
        if len(found) > 1:
            ordered = sorted(found, key=lambda pair: pair[0])
            (least, fast), (most, slow) = ordered[0], ordered[-1]
            parts.append(f"{code(slow.group)} takes {times(most / least)} as long as {code(fast.group)} ({size})")
    return f"For one block of draws, at the latest value of each, {listed(parts)}." if parts else ""


def _without_value(machine: Machine, status: str) -> str:
    found = [series for series in machine.series if series.count(status)]
    if not found:
        return "" if status == SKIPPED else "Nothing failed."
    where = {machine.commits[p][:SHORT] for series in found for p in _positions(series.points, status)}
    ordered = [commit[:SHORT] for commit in machine.commits if commit[:SHORT] in where]
    why = "; the commit lacks what they measure" if status == SKIPPED else ""
    return f"{len(found)} series are {status} at {listed(map(code, ordered))}{why}."


def _positions(points: Iterable[Point], status: str) -> list[int]:
    return [position for position, point in enumerate(points) if point.status == status]
