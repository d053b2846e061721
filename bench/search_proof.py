"""The proof of the search: how often its choice is right, judged by a long measurement of the whole grid.

    python -m varbench.bench.search_proof [--seeds 200] [--budget 20] [PROBLEM ...]

Right means: mse(n) of the choice <= 1.1 times the least over the stated grid + 1e-3 |exact|^2. The judge measures every
candidate with draws that no search sees; the least of its noisy numbers lies below the true least, which errs against
the search.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from .candidates import Budget, candidates, costs_of
from .problem import Problem
from .reference import known_truth
from .resolve import problem_of
from .search import Choice, measured, search

PROBLEMS = {  # with the evaluations that one gradient may take
    "polynomial[dim=8,classes=4,degree=3]": 20.0,
    "bernoulli_quadratic[dim=20,target=0.499]": 10.0,
    "shared_bernoulli": 6.0,
    "normal_cos": 100.0,
    "poisson_square": 100.0,
    "laplace_square": 50.0,
}
JUDGED_DRAWS = 2**16
JUDGE_SEED = 1_000_000
FACTOR, SHARE = 1.1, 1e-3


@dataclass(frozen=True)
class Verdict:
    """How the searches on one problem ended.

    Args:
        problem: its name.
        budget: of one gradient.
        runs: how many searches.
        right: how many of them chose right.
        lower: lower end of the rate's 95 % interval (Clopper and Pearson).
        worst: the largest mse of a choice over what is allowed.
        chosen: how often each estimator was chosen.
        seconds: of one search, on average.
    """

    problem: str
    budget: float
    runs: int
    right: int
    lower: float
    worst: float
    chosen: dict[str, int]
    seconds: float


def proven(problem: Problem, budget: Budget, seeds: Sequence[int], judged_draws: int = JUDGED_DRAWS) -> Verdict:
    """Return how often the search is right on a problem with an exact gradient.

    Raises:
        ValueError: if the problem has none.
    """
    exact = known_truth(problem, JUDGE_SEED)
    if exact.gradient is None or exact.error_trace > 0:
        raise ValueError(f"'{problem.name}' has no exact gradient; the judge needs one")
    every = candidates(problem)
    costs, _ = costs_of(problem, every, budget, JUDGE_SEED)
    payable = [one for one in every if costs.get(one, math.inf) <= budget.amount]
    judged, _ = measured(problem, payable, costs, budget, exact, judged_draws, JUDGE_SEED)
    truth = {_key(one): one.mse for one in judged}
    least = min(truth.values())
    allowed = FACTOR * least + SHARE * float(exact.gradient.square().sum())
    started = time.perf_counter()
    keys = [_key(search(problem, budget, seed=seed).choices[0]) for seed in seeds]
    seconds = (time.perf_counter() - started) / len(seeds)
    right = sum(truth[key] <= allowed for key in keys)
    names = [key[0] for key in keys]
    return Verdict(
        problem.name,
        budget.amount,
        len(seeds),
        right,
        0.0 if right == 0 else float(special.betaincinv(right, len(seeds) - right + 1, 0.025)),
        max(truth[key] for key in keys) / least
        if least > 0
        else 1.0
        if max(truth[key] for key in keys) == 0
        else math.inf,
        {name: names.count(name) for name in sorted(set(names))},
        seconds,
    )


def _key(choice: Choice) -> tuple[str, str, int]:
    return choice.found.estimator, json.dumps(dict(choice.found.config), sort_keys=True), choice.found.num_samples


def main() -> int:
    """Print a verdict a problem; return 1 if one is right in less than 95 % of its runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--budget", type=float, help="evaluations of f for one gradient")
    given = parser.parse_args()
    failed = False
    for name in given.problems:
        budget = Budget(given.budget or PROBLEMS.get(name, 100.0))
        found = proven(problem_of(name), budget, range(given.seeds))
        failed |= found.right < 0.95 * found.runs
        print(
            f"{found.problem} at {found.budget:g} evaluations: right in {found.right} of {found.runs} runs "
            f"(95 % interval from {found.lower:.3f}), worst {found.worst:.3g} times what is allowed, "
            f"{found.seconds:.2f} s a search; chose {found.chosen}",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
