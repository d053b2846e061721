"""The candidates of a search: the catalogue's grid, and estimators of the user's."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..estimators.catalogue import CATALOGUE
from ..estimators.errors import InputError, NotApplicable
from ..estimators.estimator import Estimator, load
from ..estimators.facts import Facts
from .draws import Request, request
from .problem import Problem
from .specs import resolved

SAMPLES = (1, 2, 4, 8, 16, 32, 64)  # times the fewest that a method allows


@dataclass(frozen=True)
class Candidate:
    """One estimator with its parameters and number of samples.

    Args:
        request: what is measured.
        unbiased: known to be so; its bias_sq then counts as 0 whatever was measured.
    """

    request: Request
    unbiased: bool


@dataclass(frozen=True)
class Budget:
    """What one gradient estimate may cost.

    Args:
        amount: evaluations of f, of which a backward pass counts 2, or seconds.
        unit: evaluations or seconds.
    """

    amount: float
    unit: str = "evaluations"

    def buys(self, price: float) -> int:
        """Return how many draws of a price it pays for."""
        return int(self.amount / price * (1 + 1e-12))


def candidates(problem: Problem, own: Sequence[tuple[Estimator, Mapping[str, Any]]] = ()) -> list[Candidate]:
    """Return the stated grid: catalogued estimators that apply, over their temperatures and numbers of samples.

    Left out are oracles, second names, what is fitted first (no share of one gradient's budget pays for a fit), and
    what has a parameter that must be given and that no grid names. Unbiased estimators that need several samples are
    tried at 1 to 64 times their fewest. The others average over independent samples, and an average of draws says the
    same; they are tried at each temperature, other parameters at their defaults.

    Args:
        problem: whose gradient is wanted.
        own: estimators of the user's, with the parameters given in brackets. Their bias is measured, whatever their
            facts say.

    Raises:
        InputError: if one of the user's does not apply, must be fitted first, or lacks a parameter.
    """
    found = []
    for facts in CATALOGUE.values():
        estimator = None if facts.oracle or facts.alias_of else load(facts.name)
        if estimator is not None and estimator.fit is None:
            try:
                found += [
                    Candidate(one, facts.unbiased) for one in _requests(problem, estimator, {}, facts.min_samples > 1)
                ]
            except NotApplicable:
                continue
    for estimator, given in own:
        name = estimator.facts.name
        if estimator.fit is not None:
            raise InputError(
                f"estimator '{name}' is fitted first, which no budget of one gradient pays for; leave it out"
            )
        requests = _requests(problem, estimator, given, coupled=True)
        if not requests:
            lacking = [key for key, default in estimator.facts.config.items() if default is None and key not in given]
            raise InputError(
                f"estimator '{name}' needs {', '.join(lacking)}: give it in brackets, or a grid in its facts"
            )
        found += [Candidate(one, False) for one in requests]
    return found


def _requests(problem: Problem, estimator: Estimator, given: Mapping[str, Any], coupled: bool) -> list[Request]:
    facts = estimator.facts
    alone = facts.deterministic or not facts.unbiased or problem.objective == "iwae" or not coupled
    samples = [None] if alone else [facts.min_samples * times for times in SAMPLES]
    configs = [resolved(f"estimator '{facts.name}'", config, facts.config) for config in _configs(facts, given)]
    return [request(problem, estimator, config, S) for config in configs for S in samples]


def _configs(facts: Facts, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the configurations over temperatures and over what must be given; none if no grid says what to give."""
    swept = [key for key, value in facts.config.items() if key not in given and (key == "temperature" or value is None)]
    if any(key not in facts.grid and facts.config[key] is None for key in swept):
        return []
    swept = [key for key in swept if key in facts.grid]
    return [
        {**facts.config, **given, **dict(zip(swept, values, strict=True))}
        for values in itertools.product(*(facts.grid[key] for key in swept))
    ]
