"""Our side of a row: blocks of draws and their moments, as the harness takes them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from ...estimators.errors import InputError
from ..block_sums import BlockSums
from ..blocks import run_block, sum_block
from ..draws import Request, block_rows
from ..draws import request as request_of
from ..moments import Frame, Moments
from ..paths import kernels, path_of
from ..problem import Problem
from ..records import PATHS
from ..resolve import estimator_of
from ..tails import tail_size
from ..tree import Tree
from .race import FIRST
from .side import Call

SEED = 0
NUM_DRAWS = 10**6  # of the measurement that the blocks are taken for: how many top values the moments keep
PARTS = ("cost", "moments", "the rest")
RUNS = 15  # of a block behind its parts
T = TypeVar("T")


def request(problem: Problem, estimator: str, num_samples: int | None = None, **config: Any) -> Request:
    """Return an estimator of the catalogue as it is to be measured on a problem."""
    chosen, full = estimator_of(estimator, **config)
    return request_of(problem, chosen, full, num_samples)


class Ours:
    """Runs of one group of requests that share their points, and where their time went.

    Args:
        problem: in the dtype in which it is measured.
        group: the requests.
        fastest: the path beyond which none is taken, see ``paths.py``.
    """

    def __init__(self, problem: Problem, group: Sequence[Request], fastest: str = PATHS[-1]) -> None:
        self.problem, self.group, self.fastest = problem, group, fastest
        self.path = path_of(kernels(problem, group[0].estimator, fastest))
        self.rows = block_rows(problem, group[0])
        pilot = run_block(problem, group, SEED, 0, self.rows, fastest)
        tail = tail_size(NUM_DRAWS) + 1
        self.frames = [
            Frame(problem.tied(_drawn(draws)).double().mean(0), None, NUM_DRAWS, tail) for draws in pilot.draws
        ]

    def __call__(self, number: int, blocks: int = 1) -> tuple[list[float], float]:
        """Return the mean of the entries and the trace, request after request, of blocks that a tree adds up.

        Args:
            number: of the first block.
            blocks: how many.
        """
        trees = [Tree(blocks) for _ in self.group]
        for k in range(blocks):
            for tree, sums in zip(trees, self._sums(number + k), strict=True):
                tree.add(k, sums)
        found = [_mean_and_trace(tree.total(), frame) for tree, frame in zip(trees, self.frames, strict=True)]
        return [entry for mean, _ in found for entry in mean], sum(trace for _, trace in found)

    def _sums(self, number: int) -> list[Moments]:
        block = run_block(self.problem, self.group, SEED, number, self.rows, self.fastest)
        return [_drawn(one) for one in sum_block(self.problem, block, self.frames, number * self.rows, self.rows)]

    def draws(self, number: int) -> list[torch.Tensor]:
        """Return the gradient draws of the block of this number, of each request."""
        block = run_block(self.problem, self.group, SEED, number, self.rows, self.fastest)
        return [_drawn(draws) for draws in block.draws]

    @property
    def side(self) -> Measuring:
        """The side."""
        return Measuring([self])

    def parts(self) -> dict[str, float]:
        """Return the seconds of one draw in f, in the moments and the rest: medians over blocks.

        f and the moments are timed where they stand alone, between the draws of a block made strip by strip; the rest
        is what is left of the time of a block as it is measured.
        """
        spent = np.median([self._spent(FIRST + number) for number in range(RUNS)], 0) / self.rows
        whole, cost, moments = spent.tolist()
        return dict(zip(PARTS, (cost, moments, max(0.0, whole - cost - moments)), strict=True))

    def _spent(self, number: int) -> tuple[float, float, float]:
        """Return the seconds of a block, of the cost in it, and of its sums."""
        began = time.process_time()
        self._sums(number)
        whole, adding, first = time.process_time() - began, 0.0, number * self.rows
        block = run_block(self.problem, self.group, SEED, number, self.rows, self.fastest, time.process_time)
        sums = [BlockSums(frame, first, self.rows) for frame in self.frames]
        for place, draws in block.strips():
            rows, began = self.problem.rows(_drawn(draws)), time.process_time()
            sums[place].add(rows)
            adding += time.process_time() - began
        return whole, block.cost_seconds, adding


@dataclass(frozen=True)
class Measuring:
    """A side of ours: a turn is one measurement, whose mean and trace are read when its blocks are added up.

    Args:
        runs: measured one after the other, of as many draws a block each.
    """

    runs: Sequence[Ours]

    @property
    def rows(self) -> int:
        """Draws of a block."""
        return self.runs[0].rows

    def __call__(self, seed: int, repeats: int = 1) -> Call:
        """Return what so many blocks of each run took, and their statistics."""
        cpu, began = time.process_time(), time.perf_counter()
        found = [run(seed, repeats) for run in self.runs]
        seconds = time.perf_counter() - began
        mean = [entry for entries, _ in found for entry in entries]
        return Call(seconds, time.process_time() - cpu, np.array(mean), sum(trace for _, trace in found))


def _drawn(made: T | InputError) -> T:
    if isinstance(made, InputError):
        raise made
    return made


def _mean_and_trace(sums: Moments, frame: Frame) -> tuple[list[float], float]:
    """Return shift + sum h / N and (sum |h|^2 - |sum h|^2 / N) / (N - 1)."""
    N = sums.count
    trace = (float(sums.h2) - float(sums.h @ sums.h) / N) / (N - 1)
    return (frame.shift + sums.h / N).tolist(), trace
