"""One look at some candidates: measured on common noise, and what a budget makes of each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..estimators.errors import CostError, InputError
from .candidates import Budget, Candidate
from .cells import measure_requests
from .draws import MAX_BLOCK, groups
from .exact import Truth
from .meter import Meter, OutOfTime
from .paired import Score, score
from .prices import Price, is_own_fault
from .records import Measurement

Failure = tuple[str, str]  # an estimator's name, and why it is left out


@dataclass(frozen=True)
class Priced:
    """A candidate with the price of one draw of it, in the budget's unit."""

    candidate: Candidate
    price: Price
    evaluations: int


@dataclass(frozen=True, eq=False)
class Choice:
    """A candidate as measured: mse(n) = bias_sq + variance / n, n = floor(budget / price of a draw).

    Args:
        priced: the candidate with its price.
        found: its measurement.
        num_averaged: n.
        score: the mse and how it moves with the noise.
    """

    priced: Priced
    found: Measurement
    num_averaged: int
    score: Score

    @property
    def unbiased(self) -> bool:
        """Return whether its bias_sq counts as 0."""
        return self.priced.candidate.unbiased

    @property
    def mse(self) -> float:
        """Return the mse of the average."""
        return self.score.value

    def end(self, name: str) -> float:
        """Return the lower or upper end of its 95 % interval: the sum of the ends of bias_sq and variance / n."""
        ends = [getattr(self.found, f"{part}_{name}") for part in ("bias_sq", "variance")]
        bias_sq, variance = (math.inf if one is None else max(0.0, one) for one in ends)
        return (0.0 if self.unbiased else bias_sq) + variance / self.num_averaged

    def plain(self) -> dict[str, Any]:
        """Return the choice as plain data: its record, and what the budget makes of it."""
        upper = self.end("upper")
        return {
            "estimator": self.found.estimator,
            "config": dict(self.found.config),
            "num_samples": self.found.num_samples,
            "unbiased": self.unbiased,
            "cost_per_draw": self.priced.price.value,
            "num_averaged": self.num_averaged,
            "mse": self.mse,
            "mse_lower": min(self.mse, self.end("lower")),
            "mse_upper": upper if math.isfinite(upper) else None,
            "record": self.found.record(),
        }


def choice(priced: Priced, found: Measurement, budget: Budget, exact: Truth) -> Choice:
    """Return what a budget makes of a measurement."""
    number = max(1, budget.buys(priced.price.value))
    if budget.unit == "seconds":
        found = dataclasses.replace(found, seconds_per_draw=priced.price.value)
    unbiased = priced.candidate.unbiased
    return Choice(priced, found, number, score(found, number, unbiased, exact.error_square, priced.price.factor))


def looked(
    meter: Meter,
    every: Sequence[Priced],
    budget: Budget,
    exact: Truth,
    num_draws: int,
    seed: int,
    partly: bool = False,
) -> tuple[list[Choice], list[Failure]]:
    """Return the candidates measured on common noise, and which failed.

    Args:
        meter: the problem.
        every: candidates, in the order in which they are looked at.
        budget: of one gradient estimate.
        exact: the gradient that biases refer to.
        num_draws: N.
        seed: of the noise.
        partly: whether to return what was measured until the time was up.

    Raises:
        OutOfTime: if the time is up and a part is not wanted.
        CostError: if the cost fails.
    """
    choices: list[Choice] = []
    failures: list[Failure] = []
    for places in groups(one.candidate.request for one in every):
        group = [every[place] for place in places]
        try:
            meter.check()
            results = measure_requests(
                meter.problem,
                [one.candidate.request for one in group],
                exact,
                num_draws=num_draws,
                seed=seed,
                max_rows=min(num_draws, MAX_BLOCK),
                targets=False,
            )
        except OutOfTime:
            if partly:
                break
            raise
        for one, found in zip(group, results, strict=True):
            why = _fault(one, found, exact)
            if why is not None:
                failures.append((one.candidate.request.estimator.facts.name, why))
            elif isinstance(found, Measurement):
                choices.append(choice(one, found, budget, exact))
    return choices, failures


def _fault(one: Priced, found: Measurement | InputError, exact: Truth) -> str | None:
    if isinstance(found, InputError):
        if isinstance(found, CostError) and not is_own_fault(found, one.candidate.request):
            raise found
        return str(found)
    if found.status != "ok":
        return str(found.reason)
    if not one.candidate.unbiased and found.bias_sq is None:
        return f"its bias is not known: {exact.reason}"
    return None
