"""Before the first look: the pace of the cost, the truth, the prices, a reference, each within its time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ..estimators.errors import CostError, InputError
from ..estimators.node import outcome_count
from ..estimators.noise import PhiloxNoise
from .candidates import Budget, Candidate
from .cost import Evaluator
from .draws import MAX_BLOCK
from .exact import Truth, truth
from .looks import Choice, Failure, Priced
from .meter import Meter, OutOfTime
from .prices import Price, evaluations_of, is_own_fault, rough_seconds
from .problem import Problem
from .reference import reference_run

_LONG = 0.25  # seconds of a call that tells the pace
_MOST = 4096  # points of it
_REPEATED = 16  # points at which the cost is called twice
_QUADRATURE = 2**12  # points that it takes at least
_REFERENCE = 10_000  # times the draws that the budget pays for: a biased estimate may have far less mse than that
_SHORTEST, _LONGEST = 2**6, 2**20  # draws of a reference


def paced(meter: Meter, seed: int, seconds: float) -> float:
    """Return the seconds that a point takes among many, after checking that the cost repeats itself.

    Raises:
        InputError: if one call takes longer than ``seconds``.
        CostError: if the cost fails, or is random.
    """
    problem, theta = meter.problem, meter.problem.node.theta
    noise = PhiloxNoise(seed, f"{problem.name} (pace)", 0, _MOST, theta.dtype, theta.device)
    points, number = problem.node.draw(noise, 1), 1
    while True:
        taken = _called(meter, points[:number])
        if taken > seconds:
            raise InputError(
                f"{number} evaluation{'s' * (number > 1)} of the cost of '{problem.name}' took {taken:.2g} s, too long "
                f"to look at anything in {4 * seconds:g} s; give more with --max-seconds"
            )
        if taken > _LONG:
            taken = min(taken, _called(meter, points[:number]))  # the first may have been held up
        if taken > _LONG or number >= _MOST:
            break
        number *= 4
    pace = taken / number
    Evaluator(problem).check_repeatable(points[: max(1, min(_REPEATED, int(_LONG / max(pace, 1e-9))))])
    return pace


def _called(meter: Meter, points: Tensor) -> float:
    began = meter.clock()
    Evaluator(meter.problem)(points)
    return meter.clock() - began


def truth_within(meter: Meter, pace: float, seconds: float) -> Truth:
    """Return the exact gradient, or the reason why there is none, within a time."""
    problem = meter.problem
    if problem.exact_grad is None and problem.terms is None:
        takes = _fewest_evaluations(problem) * pace
        if takes > seconds:
            return Truth(None, None, f"the exact gradient would take {takes:,.0f} s of evaluations")
    meter.allow(seconds)
    try:
        return truth(problem)
    except OutOfTime:
        return Truth(None, None, f"the exact gradient would take over {seconds:g} s")


def _fewest_evaluations(problem: Problem) -> int:
    if problem.node.family == "normal":
        return _QUADRATURE
    try:
        return outcome_count(problem.node)  # type: ignore[arg-type]
    except (InputError, AttributeError):
        return 0  # no rule: truth says so at once


@dataclass(frozen=True)
class Prices:
    """What draws cost.

    Args:
        payable: candidates that the budget pays for.
        too_dear: how many it does not pay for.
        num_unpriced: for how many there was no time.
        dropped: (estimator, reason) of those that failed.
        least: the cheapest of all, None if all failed.
    """

    payable: list[Priced]
    too_dear: int
    num_unpriced: int
    dropped: list[Failure]
    least: Priced | None


def priced(meter: Meter, every: Sequence[Candidate], budget: Budget, pace: float, seed: int, seconds: float) -> Prices:
    """Return the prices of draws of candidates, those of few evaluations first.

    Raises:
        CostError: if the cost fails.
    """
    meter.allow(seconds)
    counted: list[tuple[int, Candidate]] = []
    dropped: list[Failure] = []
    for one in every:
        try:
            counted.append((evaluations_of(meter.problem, one.request, seed), one))
        except InputError as error:
            dropped.append((one.request.estimator.facts.name, str(error)))
    found: list[Priced] = []
    unpriced = 0
    for evaluations, one in sorted(counted, key=lambda pair: pair[0]):
        price = Price(evaluations, evaluations, evaluations)
        if budget.unit == "seconds":
            try:
                meter.check()
                price = rough_seconds(meter, one.request, evaluations, pace, seed)
            except OutOfTime:
                unpriced += 1
                continue
            except InputError as error:
                if isinstance(error, CostError) and not is_own_fault(error, one.request):
                    raise
                dropped.append((one.request.estimator.facts.name, str(error)))
                continue
        found.append(Priced(one, price, evaluations))
    payable = [one for one in found if budget.buys(one.price.value) >= 1]
    least = min(found, key=lambda one: one.price.value, default=None)
    return Prices(payable, len(found) - len(payable), unpriced, dropped, least)


def too_small(problem: Problem, prices: Prices, budget: Budget) -> str:
    """Return the line that tells a person why nothing could be measured."""
    if prices.least is None:
        why = f": {prices.dropped[0][0]}: {prices.dropped[0][1]}" if prices.dropped else ""
        return f"no catalogued estimator can be drawn on '{problem.name}'{why}"
    name, least = prices.least.candidate.request.estimator.facts.name, prices.least.price.value
    return (
        f"a budget of {budget.amount:g} {budget.unit} pays for no draw on '{problem.name}': "
        f"the cheapest, {name}, takes {least:.3g}; give at least that"
    )


def reference_for(
    meter: Meter, choices: Sequence[Choice], exact: Truth, pace: float, seed: int, seconds: float
) -> Truth:
    """Return the gradient by the unbiased candidate of least variance x evaluations, on noise that no look shares.

    Its draws are 10,000 times as many as the budget pays for, where the time allows: its error is then 0.01 % of the
    mse of its own average. It costs no more than a run of rloo, which is one of the candidates.
    """
    known = [one for one in choices if one.score.settled and (one.found.variance or 0.0) > 0]
    if not known:
        return _without(exact, "no unbiased candidate gave a reference")
    best = min(known, key=lambda one: float(one.found.variance or 0.0) * one.priced.evaluations)
    meter.allow()
    seconds, takes = min(seconds, meter.left), best.priced.evaluations * pace
    within = int(seconds / takes) if takes > 0 else _LONGEST
    if within < _SHORTEST:
        return dataclasses.replace(
            exact, reason=f"{exact.reason}; an unbiased reference would take {takes * _SHORTEST:,.0f} s"
        )
    wanted = min(max(_REFERENCE * best.num_averaged, _MOST), _LONGEST, within)
    draws = 1 << (wanted.bit_length() - (wanted & (wanted - 1) == 0 or wanted == within))
    rows = min(MAX_BLOCK, draws)
    meter.allow(2 * seconds)
    try:
        return reference_run(
            meter.problem, best.priced.candidate.request, str(exact.reason), seed, draws, seconds, rows, meter.clock
        )
    except OutOfTime:
        return _without(exact, f"an unbiased reference takes over {seconds:g} s")


def _without(exact: Truth, why: str) -> Truth:
    return dataclasses.replace(exact, reason=f"{exact.reason}; {why}")
