"""Two sides in turns: seconds of a draw round by round, and the median of their ratio with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..timing import median_rank
from .side import Side

WARM = 3  # calls of each side before the first round: compilation, allocation
TURN = 0.1  # seconds that a side's turn takes at least: what it finds in no cache at its start weighs little
FIRST = 10**6  # seed of the rounds; those of the statistics lie below


@dataclass(frozen=True)
class Ratio:
    """The median of paired ratios.

    Args:
        value: the median.
        lower: lower end of its interval of at least 95 %, an order statistic.
        upper: upper end.
    """

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Race:
    """What a race found.

    Args:
        seconds: of one draw, by round and side [rounds, 2], ours first.
        cores: processor seconds for each second by the clock, of each side: below 1 where others had the core too.
    """

    seconds: np.ndarray
    cores: tuple[float, float]

    @property
    def medians(self) -> tuple[float, float]:
        """Seconds of one draw of each side."""
        ours, theirs = np.median(self.seconds, 0)
        return float(ours), float(theirs)

    def ratio(self, over: int) -> Ratio:
        """Return the ratio of one side's seconds to the other's, side ``over`` being the denominator."""
        return median_of(self.seconds[:, 1 - over] / self.seconds[:, over])


def race(ours: Side, theirs: Side, rounds: int, by_clock: bool = False) -> Race:
    """Return the seconds of both sides in rounds that alternate: ours first in one, theirs first in the next.

    What slows the machine for longer than a round slows both, and stays out of their ratio.

    Args:
        ours: one side.
        theirs: the other.
        rounds: how many.
        by_clock: whether seconds are the clock's. They are the processor's otherwise: on one core the same, but for
            what others take of it.
    """
    sides = (ours, theirs)
    repeats = [_warmed(side) for side in sides]
    seconds, wall, cpu = np.empty((rounds, 2)), np.zeros(2), np.zeros(2)
    for number in range(rounds):
        for place in order(number):
            call = sides[place](FIRST + number * max(repeats), repeats[place])
            taken = call.seconds if by_clock else call.cpu
            seconds[number, place] = taken / (repeats[place] * sides[place].rows)
            wall[place] += call.seconds
            cpu[place] += call.cpu
    ours_cores, theirs_cores = cpu / wall
    return Race(seconds, (float(ours_cores), float(theirs_cores)))


def order(number: int) -> tuple[int, int]:
    """Return who goes first in a round: ABBA."""
    return (0, 1) if number % 2 == 0 else (1, 0)


def median_of(ratios: np.ndarray) -> Ratio:
    """Return the median of independent ratios and order statistics around it, see ``timing.median_rank``."""
    found = np.sort(ratios)
    rank = median_rank(len(found))
    return Ratio(float(np.median(found)), float(found[rank - 1]), float(found[-rank]))


def _warmed(side: Side) -> int:
    """Return how many calls make a turn, after those that warm the side up."""
    taken = min(side(seed).seconds for seed in range(WARM))
    return max(1, math.ceil(TURN / taken))
