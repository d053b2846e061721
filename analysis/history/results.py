"""What asv left behind: its results over commits, as series with intervals and asv's own steps."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHORT = 8  # letters of a commit
MEASURED, SKIPPED, FAILED, ABSENT = "measured", "skipped", "failed", "not run"


@dataclass(frozen=True)
class Point:
    """What one commit gave.

    Args:
        status: measured, skipped (the commit lacks it), failed, or not run.
        value: the median over samples, or the only value; None unless measured.
        lower: lower end of asv's 99 % interval; None where asv has too few samples for one.
        upper: upper end.
    """

    status: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None

    @property
    def weight(self) -> float | None:
        """The weight that asv gives it in its step detection: 2 over the interval's width."""
        if self.lower is None or self.upper is None or self.upper <= self.lower:
            return None
        return 2 / (self.upper - self.lower)

    def apart(self, other: Point) -> bool:
        """Return whether the two intervals do not meet; False where one is missing."""
        if self.lower is None or self.upper is None or other.lower is None or other.upper is None:
            return False
        return self.upper < other.lower or other.upper < self.lower


@dataclass(frozen=True)
class Segment:
    """A stretch of commits on one level, as asv's step detection found it.

    Args:
        first: position of its first commit.
        last: position of its last commit.
        level: the value of the stretch.
    """

    first: int
    last: int
    level: float


@dataclass(frozen=True)
class Series:
    """One benchmark at one parameter over all commits.

    Args:
        benchmark: asv's id, 'estimators.reinmax.time_draws'.
        parameter: 'small', 'large', or ''.
        kind: time, peakmemory or track.
        unit: seconds, bytes, or what the benchmark says.
        points: one for each commit, the oldest first.
        segments: asv's stretches; one, where there is no step.
    """

    benchmark: str
    parameter: str
    kind: str
    unit: str
    points: tuple[Point, ...]
    segments: tuple[Segment, ...]

    @property
    def name(self) -> str:
        """The id as one types it, the parameter in brackets."""
        return f"{self.benchmark}({self.parameter})" if self.parameter else self.benchmark

    @property
    def group(self) -> str:
        """What is benchmarked: an estimator's name, or 'harness'."""
        module, *rest = self.benchmark.split(".")
        return rest[0] if module == "estimators" and len(rest) == 2 else module

    @property
    def measured(self) -> list[int]:
        """Positions of the commits with a value."""
        return [position for position, point in enumerate(self.points) if point.value is not None]

    def count(self, status: str) -> int:
        """Return how many commits have this status."""
        return sum(point.status == status for point in self.points)


@dataclass(frozen=True)
class Machine:
    """One machine in one environment, and what it measured.

    Args:
        facts: cpu, cores, memory, system, Python and packages, as (name, text).
        commits: full hashes, the oldest first.
        series: one for each benchmark and parameter, sorted.
    """

    facts: tuple[tuple[str, str], ...]
    commits: tuple[str, ...]
    series: tuple[Series, ...]


def read(folder: Path, order: Sequence[str] = ()) -> list[Machine]:
    """Return what asv stored in its results folder.

    Args:
        folder: asv's results_dir.
        order: commits in the order of history, the oldest first; where it lacks one, dates decide.

    Raises:
        ValueError: if there are no results, or they are not asv's.
    """
    from asv.results import Results

    index = folder / "benchmarks.json"
    if not index.is_file():
        raise ValueError(f"there are no asv results in {folder}; run 'make bench' first")
    benchmarks = {name: facts for name, facts in json.loads(index.read_text()).items() if isinstance(facts, dict)}
    groups: dict[tuple[str, str], list[Any]] = {}
    for path in sorted(folder.glob("*/*.json")):
        if path.name != "machine.json":
            groups.setdefault((path.parent.name, "-".join(path.stem.split("-")[1:])), []).append(
                Results.load(str(path))
            )
    if not groups:
        raise ValueError(f"there are no asv results in {folder}; run 'make bench' first")
    return [_machine(folder / place, found, benchmarks, order) for (place, _), found in sorted(groups.items())]


def _machine(place: Path, results: list[Any], benchmarks: Mapping[str, Any], order: Sequence[str]) -> Machine:
    ranks = {commit: rank for rank, commit in enumerate(order)}
    known = all(result.commit_hash in ranks for result in results)
    results.sort(key=lambda one: (ranks[one.commit_hash] if known else one.date, one.commit_hash))
    series = []
    for name, facts in sorted(benchmarks.items()):
        for index, parameter in enumerate(itertools.product(*facts["params"])):
            points = tuple(_point(result, name, facts, index) for result in results)
            text = ", ".join(part.strip("'") for part in parameter)
            series.append(Series(name, text, facts["type"], facts["unit"], points, segments(points)))
    commits = tuple(result.commit_hash for result in results)
    return Machine(_facts(place / "machine.json", results), commits, tuple(series))


def _point(result: Any, name: str, facts: Mapping[str, Any], index: int) -> Point:
    """Return one value; asv stores NaN for what was skipped, null for what failed, nothing for what was not run."""
    current = str(facts["version"]) == str(result.benchmark_version.get(name, facts["version"]))
    if name not in result.get_all_result_keys() or not current:
        return Point(ABSENT)
    found = result.get_result_value(name, facts["params"])
    value = found[index] if found is not None and index < len(found) else None
    if value is None:
        return Point(FAILED)
    if math.isnan(value):
        return Point(SKIPPED)
    stats = result.get_result_stats(name, facts["params"])
    ends = (stats[index] or {}) if stats else {}
    lower, upper = ends.get("ci_99_a"), ends.get("ci_99_b")
    if lower is None or upper is None or not math.isfinite(lower) or not math.isfinite(upper):
        return Point(MEASURED, float(value))
    return Point(MEASURED, float(value), float(lower), float(upper))


def segments(points: Sequence[Point]) -> tuple[Segment, ...]:
    """Return the stretches of one level that asv's step detection finds, weighted as asv weighs them."""
    from asv.step_detect import detect_steps

    values = [point.value for point in points]
    if all(value is None for value in values):
        return ()
    steps = detect_steps(values, [point.weight for point in points])
    return tuple(Segment(first, end - 1, level) for first, end, level, _, _ in steps)


def _facts(path: Path, results: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Return what is known of the machine and its packages; its name on the network is left out."""
    machine = json.loads(path.read_text()) if path.is_file() else {}
    rows = [("processor", str(machine.get("cpu", ""))), ("cores", str(machine.get("num_cpu", "")))]
    memory = str(machine.get("ram", ""))
    rows.append(("memory", f"{int(memory) / 2**30:.0f} GiB" if memory.isdigit() else memory))
    rows.append(("system", " ".join([str(machine.get("os", "")).split(" ")[0], str(machine.get("arch", ""))]).strip()))
    rows.append(("python", str(results[-1].params.get("python", ""))))
    variables = results[-1].env_vars
    rows.append(("environment", " ".join(f"{name}={variables[name]}" for name in sorted(variables))))
    required = {**(results[-1].params.get("requirements") or {}), **_requirements(results[-1])}
    rows += [(name, version) for name, version in sorted(required.items())]
    return tuple((name, text) for name, text in rows if text)


def _requirements(result: Any) -> dict[str, str]:
    """Return the pinned packages of a result; asv keeps them beside the machine's own fields."""
    machine = {"arch", "cpu", "machine", "num_cpu", "os", "ram", "python", "requirements", "branch", "env_name"}
    return {str(name): str(version) for name, version in result.params.items() if name not in machine and version}
