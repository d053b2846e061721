"""The search for the estimator of least mse within a budget: successive halving on common noise."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..estimators.errors import InputError
from ..estimators.noise import PhiloxNoise
from .candidates import Budget, Meter, candidates, costs_of, too_small
from .cells import measure_requests
from .cost import Evaluator
from .draws import MAX_BLOCK, Request, run_block
from .exact import Truth
from .problem import Problem
from .records import BACKWARD, Measurement
from .reference import known_truth
from .timing import ROUNDS, time_requests

FIRST_DRAWS = 512
FEWEST_DRAWS = 32
LAST_DRAWS = 2**17
FACTOR = 4  # more draws a round, for at most half as many candidates
FINALISTS = 4  # are never halved, only shown to be worse
RESOLVED = 1.05  # the leader's upper end over its rivals' least lower end: no more draws are needed
SECONDS = 40.0
_TRIED = 64  # points that tell what one evaluation takes


@dataclass(frozen=True, eq=False)
class Choice:
    """A candidate as last measured: mse(n) = bias_sq + variance / n, n = floor(budget / cost of a draw).

    Args:
        request: the estimator with its config and S.
        found: its last measurement.
        unbiased: known to be so; its bias_sq then counts as 0 whatever was measured.
        cost: of one draw, in the budget's unit.
        num_averaged: n.
    """

    request: Request
    found: Measurement
    unbiased: bool
    cost: float
    num_averaged: int

    @property
    def mse(self) -> float:
        """Return the mse of the average."""
        return self._mse("")

    @property
    def lower(self) -> float:
        """Return its lower end."""
        return self._mse("_lower")

    @property
    def upper(self) -> float:
        """Return its upper end."""
        return self._mse("_upper")

    def _mse(self, end: str) -> float:
        bias_sq = 0.0 if self.unbiased else max(0.0, getattr(self.found, f"bias_sq{end}"))
        return bias_sq + float(getattr(self.found, f"variance{end}")) / self.num_averaged

    def plain(self) -> dict[str, Any]:
        """Return the choice as plain data: its record, and what the budget makes of it."""
        return {
            "estimator": self.found.estimator,
            "config": dict(self.found.config),
            "num_samples": self.found.num_samples,
            "unbiased": self.unbiased,
            "cost_per_draw": self.cost,
            "num_averaged": self.num_averaged,
            "mse": self.mse,
            "mse_lower": self.lower,
            "mse_upper": self.upper,
            "record": self.found.record(),
        }


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found and what it took.

    Args:
        choices: the candidates that were measured to the end, least mse first.
        num_candidates: that could be paid.
        too_dear: candidates of which one draw is over the budget.
        dropped: (estimator, reason) of candidates that failed.
        rounds: (candidates, draws of each) of every round.
        exact: the gradient that biases refer to.
        evaluations: of f that the search took, a backward pass as 2; the truth's or reference's among them.
        seconds: that it took.
    """

    choices: tuple[Choice, ...]
    num_candidates: int
    too_dear: int
    dropped: tuple[tuple[str, str], ...]
    rounds: tuple[tuple[int, int], ...]
    exact: Truth
    evaluations: int
    seconds: float

    def plain(self) -> dict[str, Any]:
        """Return the search as plain data."""
        kept = ("num_candidates", "too_dear", "dropped", "rounds", "evaluations", "seconds")
        gradient = self.exact.gradient
        return {
            "exact_method": self.exact.method,
            "gradient_norm": None if gradient is None else float(gradient.norm()),
            **{name: getattr(self, name) for name in kept},
            "choices": [one.plain() for one in self.choices],
        }


def search(
    problem: Problem,
    budget: Budget,
    *,
    seed: int = 0,
    max_seconds: float = SECONDS,
    requests: Sequence[Request] | None = None,
    exact: Truth | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Search:
    """Return the candidates of least mse(n) within a budget.

    Each round measures all that are left on common noise, with 4 times the draws. Who is shown to be worse than the
    leader leaves; of the others the better half stays, four at the least. It ends when the leader is shown to be
    within 5 % of the least, at 2^17 draws, or where the next round would pass ``max_seconds``.

    Args:
        problem: whose gradient is wanted.
        budget: the cost of ONE gradient estimate.
        seed: of the noise.
        max_seconds: a wish, by ``clock``: the first round always runs.
        requests: the grid; ``candidates`` by default.
        exact: the truth; by default the problem's, or an unbiased reference run whose error enters intervals of bias.
        clock: seconds.

    Raises:
        InputError: if the budget pays for no candidate, or the cost fails.
    """
    started, meter = clock(), Meter(problem)
    counted = meter.problem
    exact = exact or known_truth(counted, seed, max_seconds=max_seconds / 4, clock=clock)
    left = list(candidates(counted) if requests is None else requests)
    costs, dropped = costs_of(counted, left, budget, seed)
    affordable = [one for one in left if costs.get(one, math.inf) <= budget.amount]
    if not affordable:
        raise InputError(too_small(problem, costs, budget, dropped))
    too_dear, num_candidates, left = len(costs) - len(affordable), len(affordable), affordable
    draws = _first_draws(counted, left, seed, max_seconds / 4, clock)
    rounds: list[tuple[int, int]] = []
    while True:
        began = clock()
        choices, failures = measured(counted, left, costs, budget, exact, draws, seed)
        dropped += failures
        if not choices:
            raise InputError(f"every estimator failed on '{problem.name}': {dropped[0][0]}: {dropped[0][1]}")
        rounds.append((len(left), draws))
        kept = _kept(choices)
        next_takes = FACTOR * (clock() - began) * len(kept) / len(left)
        if len(kept) == 1 or _resolved(kept) or draws >= LAST_DRAWS or clock() - started + next_takes > max_seconds:
            break
        left, draws = [one.request for one in kept], min(FACTOR * draws, LAST_DRAWS)
    if budget.unit == "seconds":
        choices = _timed_again(counted, kept, budget, seed)
    return Search(
        tuple(choices),
        num_candidates,
        too_dear,
        tuple(dict.fromkeys(dropped)),
        tuple(rounds),
        exact,
        meter.evaluations,
        clock() - started,
    )


def _first_draws(
    problem: Problem, requests: Sequence[Request], seed: int, seconds: float, clock: Callable[[], float]
) -> int:
    """Return the draws of the first round: a power of two, fewer than usual where the cost is slow."""
    theta = problem.node.theta
    points = problem.node.draw(PhiloxNoise(seed, f"{problem.name} (pace)", 0, _TRIED, theta.dtype, theta.device), 1)
    began = clock()
    Evaluator(problem)(points)
    one_point = (clock() - began) / _TRIED
    one_draw = one_point * sum(
        run_block(problem, [one], seed, 0, 1).num_points * (1 + BACKWARD * one.estimator.facts.uses_slopes)
        for one in requests
    )
    draws = FIRST_DRAWS
    while draws > FEWEST_DRAWS and draws * one_draw > seconds:
        draws //= 2
    return draws


def measured(
    problem: Problem,
    requests: Sequence[Request],
    costs: dict[Request, float],
    budget: Budget,
    exact: Truth,
    num_draws: int,
    seed: int,
) -> tuple[list[Choice], list[tuple[str, str]]]:
    """Return the candidates measured on common noise, least mse first, and which failed."""
    results = measure_requests(
        problem, requests, exact, num_draws=num_draws, seed=seed, max_rows=min(num_draws, MAX_BLOCK)
    )
    choices, failures = [], []
    for one, found in zip(requests, results, strict=True):
        facts = one.estimator.facts
        if isinstance(found, InputError):
            failures.append((facts.name, str(found)))
        elif found.status != "ok":
            failures.append((facts.name, str(found.reason)))
        elif not facts.unbiased and found.bias_sq is None:
            failures.append((facts.name, f"its bias is not known: {exact.reason}"))
        else:
            number = int(budget.amount / costs[one] * (1 + 1e-12))
            choices.append(Choice(one, found, facts.unbiased, costs[one], number))
    return sorted(choices, key=lambda choice: choice.mse), failures


def _kept(choices: Sequence[Choice]) -> list[Choice]:
    """Return the better half, four at the least, without those shown to be worse than the leader."""
    most = max(FINALISTS, len(choices) // 2)
    return [one for one in choices if one.lower <= choices[0].upper][:most]


def _resolved(choices: Sequence[Choice]) -> bool:
    leader, *rivals = choices
    return all(leader.upper <= RESOLVED * one.lower for one in rivals)


def _timed_again(problem: Problem, choices: Sequence[Choice], budget: Budget, seed: int) -> list[Choice]:
    """Return the last few with their times measured beside one another; a draw must still fit into the budget."""
    timings = time_requests(problem, [one.request for one in choices], seed, ROUNDS)
    again = []
    for one, timing in zip(choices, timings, strict=True):
        number = max(1, int(budget.amount / timing.seconds_per_draw))
        found = dataclasses.replace(one.found, **timing.fields())
        again.append(dataclasses.replace(one, found=found, cost=timing.seconds_per_draw, num_averaged=number))
    return sorted(again, key=lambda one: one.mse)
