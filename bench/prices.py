"""What one draw of a candidate costs: evaluations of f, counted without calling it, or seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..estimators.errors import CostError, InputError
from ..estimators.noise import PhiloxNoise
from .blocks import run_block
from .draws import Request, block_rows
from .meter import Meter
from .problem import Problem
from .records import BACKWARD
from .threads import one_thread_each
from .timing import LONGEST, median_rank, rounds_of

_ROWS = 256  # of a block that gives a first price
_ROUGH = 1.5  # such a price may be off by that factor, either way
_SLOW = 1.1  # a slow cost's: its pace is in all of them alike
_QUICK = 1e-3  # seconds: only what takes less is timed in rounds, in blocks of 64 draws and more


@dataclass(frozen=True)
class Price:
    """What one draw costs, with the ends between which it lies.

    Args:
        value: in the budget's unit.
        lower: lower end.
        upper: upper end.
    """

    value: float
    lower: float
    upper: float

    @property
    def factor(self) -> float:
        """Return by which factor it may be off."""
        return max(self.upper / self.value, self.value / self.lower)


def evaluations_of(problem: Problem, one: Request, seed: int) -> int:
    """Return the evaluations of f that one draw takes, a backward pass as 2; f is not called.

    Raises:
        InputError: if the estimator fails.
    """
    theta = problem.node.theta
    with torch.no_grad():
        noise = PhiloxNoise(seed, problem.name, 0, 1, theta.dtype, theta.device)
        num_points = one.sample(problem, noise).shape[1]
    return num_points * (1 + BACKWARD * one.estimator.facts.uses_slopes)


def rough_seconds(meter: Meter, one: Request, evaluations: int, pace: float, seed: int) -> Price:
    """Return what one draw takes, by the better of two short blocks; by the cost's pace where that is slow.

    Raises:
        InputError: if the estimator or the cost fails.
    """
    slowest = evaluations * pace
    rows = min(_ROWS, block_rows(meter.problem, one))
    if slowest > LONGEST:
        return Price(slowest, slowest / _SLOW, slowest * _SLOW)
    rows = max(1, min(rows, int(LONGEST / slowest))) if slowest > 0 else rows
    taken = []
    with one_thread_each():
        for _ in range(2):
            began = meter.clock()
            for _, draws in run_block(meter.problem, [one], seed, 0, rows).strips():
                if isinstance(draws, InputError):
                    raise draws
            taken.append(meter.clock() - began)
    best = min(taken) / rows
    return Price(best, best / _ROUGH, best * _ROUGH)


def timed_prices(problem: Problem, requests: Sequence[Request], rough: Sequence[Price], seed: int) -> list[Price]:
    """Return prices in seconds from interleaved rounds, the rough one where a draw takes over a millisecond."""
    quick = [one for one, price in zip(requests, rough, strict=True) if price.value < _QUICK]
    timed = dict(zip(quick, rounds_of(problem, quick, seed), strict=True))
    return [_median(timed[one]) if one in timed else price for one, price in zip(requests, rough, strict=True)]


def _median(rounds: np.ndarray) -> Price:
    total = np.sort(rounds[:, 0])
    rank = median_rank(len(total))
    return Price(float(np.median(total)), float(total[rank - 1]), float(total[-rank]))


def is_own_fault(error: InputError, one: Request) -> bool:
    """Return whether only this candidate fails: its own halves, or slopes that the cost does not have."""
    return not isinstance(error, CostError) or one.estimator.facts.uses_slopes
