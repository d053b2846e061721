"""What a draw costs: seconds in rounds interleaved between estimators, the cost's share apart, and memory."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import special

from ..estimators.errors import InputError
from .blocks import run_block
from .draws import Request, block_rows
from .fitting import fitted
from .memory import peak_bytes
from .problem import Problem
from .threads import one_thread_each

ROUNDS = 15
LONGEST = 0.015  # seconds that one timed block may take: longer ones get fewer rows
FEWEST = 6  # rounds of what takes longer even with one row: their extremes still bracket the median in 96.9 %


@dataclass(frozen=True)
class Timing:
    """Seconds for one draw: noise, sample, cost and combine; moments are left out.

    Args:
        seconds_per_draw: median over rounds.
        seconds_per_draw_lower: lower end of its 95 % interval, an order statistic.
        seconds_per_draw_upper: upper end.
        cost_seconds_per_draw: median of the cost function's share.
        peak_bytes: peak of live tensor bytes in one block.
    """

    seconds_per_draw: float
    seconds_per_draw_lower: float
    seconds_per_draw_upper: float
    cost_seconds_per_draw: float
    peak_bytes: int

    def fields(self) -> dict[str, Any]:
        """Return the numbers under the names of the record."""
        return asdict(self)


def time_requests(problem: Problem, requests: Sequence[Request], seed: int, rounds: int = ROUNDS) -> list[Timing]:
    """Return the timing of each request, measured alone, in rounds that visit all of them in turn.

    A machine that slows down for a while slows all estimators of a round, so that their ratios stay true. The memory of
    a program is measured once, at the first of its temperatures.

    Raises:
        InputError: if an estimator or the cost fails.
    """
    with one_thread_each():
        requests = [fitted(problem, one, seed) for one in requests]
        seconds = rounds_of(problem, requests, seed, rounds)
        peaks = {key: peak_bytes(problem, one, seed) for key, one in _programs(requests).items()}
    return [_summary(found, peaks[one.program]) for one, found in zip(requests, seconds, strict=True)]


def rounds_of(problem: Problem, requests: Sequence[Request], seed: int, rounds: int = ROUNDS) -> list[np.ndarray]:
    """Return of each request the seconds of one draw, in all and in the cost, in each of its rounds [rounds, 2].

    Raises:
        InputError: if an estimator or the cost fails.
    """
    with one_thread_each():
        warm = {key: _warm_up(problem, one, seed, rounds) for key, one in _programs(requests).items()}
        plans = [warm[one.program] for one in requests]
        seconds: list[list[tuple[float, float]]] = [[] for _ in requests]
        for r in range(rounds):
            for one, (rows, times), found in zip(requests, plans, seconds, strict=True):
                if r < times:
                    found.append(_time(problem, one, seed, r, rows))
    return [np.array(found) / rows for found, (rows, _) in zip(seconds, plans, strict=True)]


def _programs(requests: Sequence[Request]) -> dict[Hashable, Request]:
    """Return the first request of each program, in their order."""
    firsts: dict[Hashable, Request] = {}
    for one in requests:
        firsts.setdefault(one.program, one)
    return firsts


def _warm_up(problem: Problem, one: Request, seed: int, rounds: int) -> tuple[int, int]:
    """Return the number of rows of a timed block and of rounds, after first, untimed runs.

    They begin with one row; each has as many times the rows of the last one as that one's seconds leave room for.
    """
    most, rows = block_rows(problem, one), 1
    _time(problem, one, seed, 0, rows)
    while (room := int(LONGEST / (taken := _least(problem, one, seed, rows)))) >= 2 and rows < most:
        rows = min(most, rows << (room.bit_length() - 1))
    if taken > LONGEST and rows > 1:  # it took more than its share
        return max(1, int(rows * LONGEST / taken)), rounds
    return rows, rounds if taken <= LONGEST else min(rounds, FEWEST)


def _least(problem: Problem, one: Request, seed: int, rows: int) -> float:
    """Return the lesser seconds of two runs: one may be held up."""
    return min(_time(problem, one, seed, 0, rows)[0] for _ in range(2))


def _time(problem: Problem, one: Request, seed: int, block: int, rows: int) -> tuple[float, float]:
    """Return the seconds of one block, in all and in the cost."""
    started = time.perf_counter()
    done = run_block(problem, [one], seed, block, rows)
    for _, draws in done.strips():
        if isinstance(draws, InputError):
            raise draws
    return time.perf_counter() - started, done.cost_seconds


def _summary(seconds: np.ndarray, peak: int) -> Timing:
    total = np.sort(seconds[:, 0])
    rank = median_rank(len(total))
    cost = float(np.median(seconds[:, 1]))
    return Timing(float(np.median(total)), float(total[rank - 1]), float(total[-rank]), cost, peak)


def median_rank(n: int) -> int:
    """Return the k for which the k-th smallest and k-th largest of n bracket the median in at least 95 %.

    k is the largest with 2 P(Binomial(n, 1/2) < k) <= 0.05, at least 1 (which n < 6 cannot satisfy).
    """
    k = 1
    while 2 * float(special.bdtr(k, n, 0.5)) <= 0.05:
        k += 1
    return k
