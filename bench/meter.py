"""A cost that counts its calls and keeps to a time: what a search may spend is known, and never passed."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from .problem import Problem
from .records import BACKWARD

_PIECE = 0.5  # seconds that one call of a slow cost may take: the clock is looked at between calls


class OutOfTime(BaseException):
    """The time is up. No Exception: what guards against a faulty cost must not catch it."""


class Meter:
    """A problem whose cost counts the points at which it was called, times them, and stops when the time is up.

    Points of a slow cost are handed on in pieces of about half a second.

    Args:
        problem: whose cost is counted.
        max_seconds: from now on, by ``clock``.
        clock: seconds.
    """

    must_be_called = True  # no table may stand in for it

    def __init__(
        self, problem: Problem, max_seconds: float = math.inf, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.evaluations = 0  # a backward pass counts 2
        self.pace = 0.0  # seconds that a point took in the last call
        self.end = clock() + max_seconds
        self.until = self.end
        self.clock = clock
        self._cost = problem.cost
        self.problem = dataclasses.replace(problem, cost=self)

    def __call__(self, x: Tensor) -> Tensor:
        """Return f at points.

        Raises:
            OutOfTime: if the time is up.
        """
        piece = max(1, int(min(_PIECE / self.pace, x.shape[0]))) if self.pace > 0 else max(1, x.shape[0])
        values = [self._timed(part) for part in x.split(piece)]
        return values[0] if len(values) == 1 else torch.cat(values)

    def _timed(self, x: Tensor) -> Tensor:
        self.check()
        began = self.clock()
        value = self._cost(x)
        self.evaluations += x.shape[0] * (1 + BACKWARD * x.requires_grad)
        self.pace = (self.clock() - began) / max(1, x.shape[0])
        return value

    def allow(self, seconds: float = math.inf) -> None:
        """Set the time that is left to what follows, within the time that is left to all."""
        self.until = min(self.end, self.clock() + seconds)

    @property
    def left(self) -> float:
        """Return the seconds left."""
        return self.until - self.clock()

    def check(self) -> None:
        """Look at the clock.

        Raises:
            OutOfTime: if the time is up.
        """
        if self.clock() > self.until:
            raise OutOfTime
