"""The proof of the search: how often its choice is right, judged by a long measurement of the whole grid.

    python -m varbench.bench.search_proof [--runs 200] [--workers 2] [-o FILE.md]

Right means: mse(n) of the choice <= 1.1 times the least over the stated grid + 1e-3 |exact|^2, oracles left out. The
judge measures the grid on noise that no search sees, with more and more draws for those near the least, until each of
their mean squared errors is known to 1 %. What is left of its error counts against the search: two standard errors are
added to the choice's mse, and the least of noisy numbers lies below the true least.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from scipy import special

from .candidates import Budget, candidates
from .exact import Truth
from .looks import Choice, looked
from .meter import Meter
from .paired import standard_error
from .preparing import paced, priced
from .problem import Problem
from .reference import known_truth
from .resolve import problem_of
from .search import search

# evaluations that one gradient may take: few, where bias may be worth it, and many; chosen before any run
CASES = {
    "bernoulli_quadratic[dim=10,target=0.45]": (6, 60),
    "carms_toy": (6, 60),
    "polynomial[dim=4,classes=4,degree=3]": (8, 60),
    "shared_bernoulli": (6, 60),
    "normal_cos": (6, 100),
    "laplace_square": (6, 100),
    "gamma_square": (6, 100),
    "poisson_square": (6, 100),
}
RUNS = 200
JUDGE_SEED = 1_000_000
FACTOR, SHARE = 1.1, 1e-3
_JUDGED = 2**11, 2**20  # draws of the judge: at first, at most
_NEAR = 2.0  # times the least: beyond it nothing is right, but for the share of |exact|^2
_PRECISE = 0.01

Key = tuple[str, str, int]


@dataclass(frozen=True)
class Judged:
    """The grid's mean squared errors.

    Args:
        mse: of each candidate.
        se: its standard error.
        allowed: the largest mse that is right.
    """

    mse: Mapping[Key, float]
    se: Mapping[Key, float]
    allowed: float

    @property
    def least(self) -> float:
        """Return the least mse."""
        return min(self.mse.values())

    @property
    def imprecision(self) -> float:
        """Return ``imprecision_of`` those near the least."""
        return self.imprecision_of([key for key, mse in self.mse.items() if mse <= _NEAR * self.allowed])

    def imprecision_of(self, keys: Collection[Key]) -> float:
        """Return the largest standard error of some candidates and of the least, over the largest mse that is right."""
        least = min(self.mse, key=lambda key: self.mse[key])
        largest = max(self.se[key] for key in {*keys, least})
        return 0.0 if largest == 0 else largest / self.allowed

    def right(self, key: Key) -> bool:
        """Return whether a choice is right, the judge's own error counted against it."""
        return self.mse[key] + 2 * self.se[key] <= self.allowed


@dataclass(frozen=True)
class Verdict:
    """How the searches on one problem at one budget ended.

    Args:
        problem: its name.
        budget: evaluations of one gradient.
        grid: how many candidates it pays for.
        runs: how many searches.
        right: how many of them chose right.
        worst: the largest mse of a choice over the least.
        imprecision: of the judge: the largest standard error of what was chosen and of the least, over what is right.
        chosen: how often each estimator was chosen.
        seconds: of one search, on average.
    """

    problem: str
    budget: float
    grid: int
    runs: int
    right: int
    worst: float
    imprecision: float
    chosen: Mapping[str, int]
    seconds: float

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the rate of right choices (Clopper and Pearson)."""
        k, n = self.right, self.runs
        lower = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, 0.025))
        upper = 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 0.975))
        return lower, upper


def judged(problem: Problem, budget: Budget, exact: Truth, precise: float = _PRECISE) -> Judged:
    """Return the grid's mean squared errors; members near the least are measured until they are known precisely."""
    meter = Meter(problem)
    prices = priced(meter, candidates(problem), budget, paced(meter, JUDGE_SEED, math.inf), JUDGE_SEED, math.inf)
    assert exact.gradient is not None
    share = SHARE * float(exact.gradient.square().sum())
    mse: dict[Key, float] = {}
    se: dict[Key, float] = {}
    left, draws = prices.payable, _JUDGED[0]
    while True:
        for one in looked(meter, left, budget, exact, draws, JUDGE_SEED)[0]:
            mse[key_of(one)], se[key_of(one)] = one.mse, standard_error(one.score)
        found = Judged(mse, se, FACTOR * min(mse.values()) + share)
        if found.imprecision <= precise or draws >= _JUDGED[1]:
            return found
        near = {key for key in mse if mse[key] - 4 * se[key] <= _NEAR * found.allowed}
        left = [one for one in left if _key(one.candidate.request) in near]
        draws *= 2


def proven(
    problem: Problem, budget: Budget, seeds: Sequence[int], precise: float = _PRECISE, found: Judged | None = None
) -> Verdict:
    """Return how often the search is right on a problem with an exact gradient.

    Raises:
        ValueError: if the problem has none.
    """
    exact = known_truth(problem, JUDGE_SEED)
    if exact.gradient is None or exact.error_trace > 0:
        raise ValueError(f"'{problem.name}' has no exact gradient; the judge needs one")
    found = found or judged(problem, budget, exact, precise)
    started = time.perf_counter()
    keys = [key_of(search(problem, budget, seed=seed, exact=exact).choices[0]) for seed in seeds]
    seconds = (time.perf_counter() - started) / len(seeds)
    names = [key[0] for key in keys]
    worst = max(found.mse[key] for key in keys)
    return Verdict(
        problem.name,
        budget.amount,
        len(found.mse),
        len(seeds),
        sum(map(found.right, keys)),
        1.0 if worst == found.least else worst / found.least if found.least > 0 else math.inf,
        found.imprecision_of(set(keys)),
        {name: names.count(name) for name in sorted(set(names))},
        seconds,
    )


def key_of(choice: Choice) -> Key:
    """Return what tells a choice from the others of the grid."""
    return _key(choice.priced.candidate.request)


def _key(one: Any) -> Key:
    return one.estimator.facts.name, json.dumps(dict(one.config), sort_keys=True), one.num_samples


def as_markdown(verdicts: Sequence[Verdict]) -> str:
    """Return the page of the proof."""
    lines = [
        "# How often `varbench recommend` is right",
        "",
        "Generated by `make recommend-proof`. Right means: mse(n) of the choice is at most 1.1 times the least over",
        "the stated grid, oracles left out, plus 1e-3 of the squared norm of the exact gradient. The grid was measured",
        "on noise that no search saw; *judge* is the largest standard error of what was chosen and of the least, over",
        "what is right, and two such errors count against the search. *worst* is the largest mse chosen over the",
        "least: it may pass 1.1 where the gradient is large beside it. The interval is 95 %, by Clopper and Pearson.",
        "",
        "| problem | evaluations | grid | right | interval | worst | judge | seconds | chosen |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | --- |",
    ]
    for one in verdicts:
        lower, upper = one.interval
        chosen = ", ".join(f"{name} {times}" for name, times in sorted(one.chosen.items(), key=lambda c: -c[1]))
        lines.append(
            f"| `{one.problem}` | {one.budget:g} | {one.grid} | {one.right} of {one.runs} | "
            f"{lower:.3f} to {upper:.3f} | {one.worst:.3g} | {one.imprecision:.2%} | {one.seconds:.2f} | {chosen} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write a row for each problem and budget; return 1 if one is right in less than 95 % of its runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", default=list(CASES))
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--workers", type=int, default=1, help="rows proven at a time, each on a core")
    parser.add_argument("-o", "--output", type=Path, help="a page; the screen by default")
    given = parser.parse_args()
    rows = [(name, budget, given.runs) for name in given.problems for budget in CASES[name]]
    verdicts = []
    with ProcessPoolExecutor(given.workers, get_context("spawn")) as pool:
        for one in pool.map(_row, rows):
            verdicts.append(one)
            page = as_markdown(verdicts)
            print(page.splitlines()[-1], flush=True)
            if given.output:
                given.output.write_text(page, encoding="utf-8")
    return int(any(one.right < 0.95 * one.runs for one in verdicts))


def _row(row: tuple[str, float, int]) -> Verdict:
    name, budget, runs = row
    return proven(problem_of(name), Budget(budget), range(runs))


if __name__ == "__main__":
    sys.exit(main())
