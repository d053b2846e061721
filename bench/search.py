"""The search for the estimator of least mse within a budget: successive halving on common noise, within a time."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..estimators.errors import InputError
from .candidates import Budget, Candidate, candidates
from .exact import Truth
from .looks import Choice, Failure, Priced, looked
from .meter import Meter, OutOfTime
from .paired import excess, optimistic
from .preparing import paced, priced, reference_for, too_small, truth_within
from .prices import timed_prices
from .problem import Problem
from .records import finite
from .threads import one_thread_each

FIRST_DRAWS = 256
FEWEST_DRAWS = 16
LAST_DRAWS = 2**17
FACTOR = 4  # more draws a round, for at most half as many candidates
FINALISTS = 12  # are never halved, only shown to be worse
RESOLVED = 0.1  # of a regret: no more draws are needed
TAILS = {"heavy_tail", "one_draw_dominates"}  # few draws of such a leader may hide most of its variance
TAIL_DRAWS = 2**13  # of it, before what is shown of it counts
LEVEL = 0.05  # of a wrong statement on the regret, over all candidates and rounds
SECONDS = 30.0
SHOWN = 12  # choices in plain data
_SHARE = 0.4  # of the time, for each part of the first look
_SLOW_SHARE = 0.8  # of the time, for the one look that a slow cost allows


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found and what it took.

    Args:
        choices: the leader, then the others as they were last looked at, least ratio first.
        ratios: of each choice's mse to that of the leader, on the same draws where both were looked at together.
        regret: with 95 % confidence mse(choice) is at most 1 + this times the least of all that were looked at;
            infinite where no bound is shown, 0 or less where the choice is shown to be the best.
        num_candidates: that could be paid.
        num_looked: that were measured at least once.
        num_late: for which there was no time.
        too_dear: candidates of which one draw is over the budget.
        dropped: (estimator, reason) of candidates that failed.
        rounds: (candidates, draws of each) of every round.
        exact: the gradient that biases refer to.
        evaluations: of f that the search took, a backward pass as 2; the truth's or reference's among them.
        seconds: that it took.
        max_seconds: that it was given.
    """

    choices: tuple[Choice, ...]
    ratios: tuple[float, ...]
    regret: float
    num_candidates: int
    num_looked: int
    num_late: int
    too_dear: int
    dropped: tuple[Failure, ...]
    rounds: tuple[tuple[int, int], ...]
    exact: Truth
    evaluations: int
    seconds: float
    max_seconds: float

    def plain(self) -> dict[str, Any]:
        """Return the search as plain data."""
        kept = (
            *("num_candidates", "num_looked", "num_late", "too_dear", "dropped", "rounds"),
            *("evaluations", "seconds", "max_seconds"),
        )
        gradient = self.exact.gradient
        return {
            "exact_method": self.exact.method,
            "gradient_norm": None if gradient is None else float(gradient.norm()),
            "regret_upper": finite(max(0.0, self.regret)),
            **{name: getattr(self, name) for name in kept},
            "choices": [
                {**one.plain(), "ratio": finite(ratio)}
                for one, ratio in list(zip(self.choices, self.ratios, strict=True))[:SHOWN]
            ],
        }


def search(
    problem: Problem,
    budget: Budget,
    *,
    seed: int = 0,
    max_seconds: float = SECONDS,
    grid: Sequence[Candidate] | None = None,
    exact: Truth | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Search:
    """Return the candidates of least mse(n) within a budget.

    The first look measures all candidates on common noise. A rival is settled once the leader is shown to be at most
    10 % above it, in paired comparisons at 5 % over all candidates and numbers of draws together; each further look
    measures, with 4 times the draws, the better half of those that are not, twelve at the least, by the ends that speak
    for them, beside the leader. What a leader of heavy tails shows counts from 2^13 draws on. The search ends when all
    are settled, at 2^17 draws, or when the time is up: a look that is cut short does not count.

    Args:
        problem: whose gradient is wanted.
        budget: the cost of ONE gradient estimate.
        seed: of the noise.
        max_seconds: by ``clock``; a slow cost is looked at as far as that allows.
        grid: ``candidates`` of the catalogue by default.
        exact: the truth; by default the problem's, or a run of the unbiased candidate of least variance x price, on
            noise of its own, whose error enters the intervals of bias.
        clock: seconds.

    Raises:
        InputError: if the budget pays for no candidate, there is no time for one, or the cost fails.
    """
    meter, started = Meter(problem, max_seconds, clock), clock()
    with one_thread_each():
        pace = paced(meter, seed, max_seconds / 4)
        exact = exact or truth_within(meter, pace, max_seconds / 4)
        every = candidates(problem) if grid is None else grid
        prices = priced(meter, every, budget, pace, seed, max_seconds / 4)
        if not prices.payable:
            raise InputError(too_small(problem, prices, budget))
        draws = _first_draws(prices.payable, pace, _SHARE * max_seconds)
        share = max_seconds * (_SHARE if draws > FEWEST_DRAWS else _SLOW_SHARE)
        first, exact, failures = _first_look(meter, prices.payable, budget, exact, draws, pace, seed, share)
        dropped = [*prices.dropped, *failures]
        if not first:
            raise InputError(_nothing(problem, failures if meter.left > 0 else [], pace, max_seconds))
        meter.allow()
        level = _level(len(first), draws)
        late = len(prices.payable) + prices.num_unpriced - len(first) - len(failures)
        looks, failures = _rounds(meter, first, budget, exact, draws, pace, level, seed)
    rivals = sorted(_rivals(looks, level), key=lambda one: (not one.choice.score.settled, one.ratio))
    return Search(
        (looks[-1][0], *(one.choice for one in rivals)),
        (1.0, *(one.ratio for one in rivals)),
        max((one.excess for one in rivals), default=0.0),
        len(prices.payable) + prices.num_unpriced,
        len(first),
        late,
        prices.too_dear,
        tuple(dict.fromkeys([*dropped, *failures])),
        tuple((len(look), look[0].found.num_draws) for look in looks),
        exact,
        meter.evaluations,
        clock() - started,
        max_seconds,
    )


def _first_draws(every: Sequence[Priced], pace: float, seconds: float) -> int:
    """Return the draws of the first look: a power of two, fewer than usual where the cost is slow."""
    draws = FIRST_DRAWS
    while draws > FEWEST_DRAWS and draws * _takes(every, pace) > seconds:
        draws //= 2
    return draws


def _level(number: int, draws: int) -> float:
    """Return the level of one comparison: any rival may be the best, last looked at in any round, before any last."""
    rounds = 1 + math.ceil(math.log(LAST_DRAWS / draws, FACTOR))
    return LEVEL / (max(1, number - 1) * rounds * (rounds + 1))


def _takes(every: Sequence[Priced], pace: float) -> float:
    """Return the seconds that the cost takes for one draw of each candidate, points that are shared once."""
    shared = {one.candidate.request.points_key: one.evaluations for one in every}
    return pace * sum(shared.values())


def _first_look(
    meter: Meter,
    every: Sequence[Priced],
    budget: Budget,
    exact: Truth,
    draws: int,
    pace: float,
    seed: int,
    seconds: float,
) -> tuple[list[Choice], Truth, list[Failure]]:
    """Return the first look, cheap draws first, and the truth: where there is none, that of an unbiased candidate."""
    order = sorted(every, key=lambda one: one.evaluations)
    parts = [[one for one in order if one.candidate.unbiased is unbiased] for unbiased in (True, False)]
    parts = [order] if exact.gradient is not None else parts
    choices: list[Choice] = []
    failures: list[Failure] = []
    for part in parts:
        if choices and part and exact.gradient is None:
            exact = reference_for(meter, choices, exact, pace, seed, seconds / 2)
        if part and exact.gradient is None and not part[0].candidate.unbiased:
            failures += [(one.candidate.request.estimator.facts.name, str(exact.reason)) for one in part]
            continue
        meter.allow(seconds)
        found, failed = looked(meter, part, budget, exact, draws, seed, partly=True)
        choices, failures = choices + found, failures + failed
    return _ranked(choices), exact, failures


def _rounds(
    meter: Meter,
    first: list[Choice],
    budget: Budget,
    exact: Truth,
    draws: int,
    pace: float,
    level: float,
    seed: int,
) -> tuple[list[list[Choice]], list[Failure]]:
    """Return the looks, each with more draws, at the leader and half of those that may still be much better."""
    looks, dropped, timed = [first], [], set[Candidate]()
    while True:
        leader, rivals = looks[-1][0], _open(looks, level)
        if not rivals:
            break
        draws = min(FACTOR * draws, LAST_DRAWS)
        every = [leader.priced, *(one.priced for one in rivals[: max(FINALISTS, len(rivals) // 2)])]
        if _takes(every, pace) * draws > meter.left:
            break
        try:
            if budget.unit == "seconds":
                every = _timed(meter, every, timed, seed)
            choices, failures = looked(meter, every, budget, exact, draws, seed)
        except OutOfTime:
            break
        dropped += failures
        if not choices:
            break
        looks.append(_ranked(choices))
    return looks, dropped


def _ranked(choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices, least mse first, of equals the cheapest; a variance that may not be what it seems is last."""
    return sorted(choices, key=lambda one: (not one.score.settled, one.mse, one.priced.price.value))


def _open(looks: Sequence[Sequence[Choice]], level: float) -> list[Choice]:
    """Return the rivals of which it is not shown that the leader is within 10 % of them, the most promising first."""
    unresolved = [one.choice for one in _rivals(looks, level) if one.excess > RESOLVED]
    left = [one for one in unresolved if one.found.num_draws < LAST_DRAWS]
    return sorted(left, key=lambda one: optimistic(one.score))


@dataclass(frozen=True, eq=False)
class _Rival:
    """A candidate as it was last looked at, beside the leader."""

    choice: Choice
    ratio: float  # of its mse to the leader's
    excess: float  # the upper end of what the leader's mse is above its own, relative


def _rivals(looks: Sequence[Sequence[Choice]], level: float) -> list[_Rival]:
    """Return the rivals of the leader, each compared within its last look, or, where that says more, across looks."""
    leader = looks[-1][0]
    found: dict[Candidate, _Rival] = {}
    for look in looks:
        mine = next((one for one in look if one.priced.candidate is leader.priced.candidate), None)
        for one in look:
            if one is not mine:
                beside = mine or leader
                ratio = one.mse / beside.mse if beside.mse > 0 else math.inf if one.mse > 0 else 1.0
                upper = excess(leader.score, one.score, level, paired=False) if _trusted(leader) else math.inf
                if mine and _trusted(mine):
                    upper = min(upper, excess(mine.score, one.score, level))
                found[one.priced.candidate] = _Rival(one, ratio, upper)
    return list(found.values())


def _trusted(leader: Choice) -> bool:
    return not TAILS & set(leader.found.marks) or leader.found.num_draws >= TAIL_DRAWS


def _timed(meter: Meter, every: list[Priced], timed: set[Candidate], seed: int) -> list[Priced]:
    """Return candidates with prices timed beside the leader's, the first of them; once each but for the leader."""
    new = [every[0], *(one for one in every[1:] if one.candidate not in timed)]
    prices = timed_prices(meter.problem, [one.candidate.request for one in new], [one.price for one in new], seed)
    timed |= {one.candidate for one in new}
    known = {one.candidate: price for one, price in zip(new, prices, strict=True)}
    return [dataclasses.replace(one, price=known.get(one.candidate, one.price)) for one in every]


def _nothing(problem: Problem, dropped: Sequence[Failure], pace: float, max_seconds: float) -> str:
    if dropped:
        return f"every estimator failed on '{problem.name}': {dropped[0][0]}: {dropped[0][1]}"
    return (
        f"in {max_seconds:g} s no candidate on '{problem.name}' could be measured, at {pace:.2g} s an evaluation; give "
        "more with --max-seconds"
    )
