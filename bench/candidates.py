"""The candidates of a search: the catalogue's grid, and what one draw of each costs."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..estimators.catalogue import CATALOGUE
from ..estimators.errors import CostError, InputError, NotApplicable
from ..estimators.estimator import load
from ..estimators.facts import Facts
from .draws import Request, request, run_block
from .problem import Problem
from .records import BACKWARD
from .timing import time_requests

SAMPLES = (1, 2, 4, 8, 16, 32, 64)  # times the fewest that a method allows
_COARSE_ROUNDS = 3  # of timing, where every candidate is timed


@dataclass(frozen=True)
class Budget:
    """What one gradient estimate may cost.

    Args:
        amount: evaluations of f, of which a backward pass counts 2, or seconds.
        unit: evaluations or seconds.
    """

    amount: float
    unit: str = "evaluations"


class Meter:
    """A problem's cost that counts the points at which it was called.

    Args:
        problem: whose cost is counted.
    """

    def __init__(self, problem: Problem) -> None:
        self.evaluations = 0
        self._cost = problem.cost
        self.problem = dataclasses.replace(problem, cost=self)

    def __call__(self, x: Tensor) -> Tensor:
        """Return f at points, counted; points that ask for slopes count the backward pass too."""
        self.evaluations += x.shape[0] * (1 + BACKWARD * x.requires_grad)
        return self._cost(x)


def candidates(problem: Problem) -> list[Request]:
    """Return the stated grid: catalogued estimators that apply, over their temperatures and numbers of samples.

    Left out are oracles, second names, what is fitted first (no share of one gradient's budget pays for a fit), and
    what has a parameter that must be given and that no grid names. Unbiased estimators are tried at 1 to 64 times their
    fewest samples. The others average over independent samples, and an average of draws says the same; they are tried
    at each temperature, other parameters at their defaults.
    """
    found = []
    for facts in CATALOGUE.values():
        estimator = None if facts.oracle or facts.alias_of else load(facts.name)
        if estimator is None or estimator.fit is not None:
            continue
        for config in _configs(facts):
            for S in _samples(facts, problem):
                try:
                    found.append(request(problem, estimator, config, S))
                except NotApplicable:
                    continue
    return found


def _configs(facts: Facts) -> list[dict[str, Any]]:
    """Return the configurations over temperatures and over what must be given; none if no grid says what to give."""
    swept = [key for key, default in facts.config.items() if key == "temperature" or default is None]
    if any(key not in facts.grid for key in swept):
        return []
    return [
        {**facts.config, **dict(zip(swept, values, strict=True))}
        for values in itertools.product(*(facts.grid[key] for key in swept))
    ]


def _samples(facts: Facts, problem: Problem) -> list[int | None]:
    if facts.deterministic or not facts.unbiased or problem.objective == "iwae":
        return [None]
    return [facts.min_samples * times for times in SAMPLES]


def costs_of(
    problem: Problem, requests: Sequence[Request], budget: Budget, seed: int
) -> tuple[dict[Request, float], list[tuple[str, str]]]:
    """Return what one draw of each request costs in the budget's unit, and which failed."""
    costs: dict[Request, float] = {}
    dropped: list[tuple[str, str]] = []
    for one in requests:
        name = one.estimator.facts.name
        try:
            if budget.unit == "seconds":
                costs[one] = time_requests(problem, [one], seed, _COARSE_ROUNDS)[0].seconds_per_draw
            else:
                block = run_block(problem, [one], seed, 0, 2)
                costs[one] = block.num_values * (1 + BACKWARD * one.estimator.facts.uses_slopes)
        except CostError as error:
            if not one.estimator.facts.uses_slopes:
                raise
            dropped.append((name, str(error)))
        except InputError as error:
            dropped.append((name, str(error)))
    return costs, dropped


def too_small(problem: Problem, costs: dict[Request, float], budget: Budget, dropped: Sequence[tuple[str, str]]) -> str:
    """Return the line that tells a person why nothing could be measured."""
    if not costs:
        why = f": {dropped[0][0]}: {dropped[0][1]}" if dropped else ""
        return f"no catalogued estimator can be drawn on '{problem.name}'{why}"
    one, least = min(costs.items(), key=lambda item: item[1])
    return (
        f"a budget of {budget.amount:g} {budget.unit} pays for no draw on '{problem.name}': "
        f"the cheapest, {one.estimator.facts.name}, takes {least:g}; give at least that"
    )
