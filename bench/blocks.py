"""From noise to draws: one block of a group of estimators that share their points."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.families.normal import Normal
from ..estimators.kernels.registry import Kernels
from ..estimators.kernels.table import Polynomial
from ..estimators.noise import PhiloxNoise
from .block_sums import BlockSums
from .cost import Evaluator
from .draws import Request, strip_rows
from .moments import Frame, Moments
from .paths import cost_table, has_strips, kernels, noise_of
from .problem import Problem
from .records import PATHS

if TYPE_CHECKING:
    from ..estimators.kernels.noise import KernelNoise

AT_ONCE = 16  # configs of an estimator, whose sums are all in memory
Drawing = Iterator[tuple[int, Tensor | InputError]]


class Block:
    """One block of a group, drawn when it is asked for: sample once, evaluate once, combine each.

    What requests share of points and evaluations is made strip by strip and stays in cache; estimators that may look at
    a block as a whole get it whole. What it met of the cost is counted as it goes.

    Args:
        problem: whose gradient is wanted.
        group: requests of one ``points_key``.
        ways: of each, see paths.py.
        noise: of the block.
        wanted: how many of its draws are; strips beyond them are not made.
        clock: seconds.

    Attributes:
        num_points: P.
        cost_seconds: that the cost took.
    """

    def __init__(
        self,
        problem: Problem,
        group: Sequence[Request],
        ways: Sequence[Kernels],
        noise: PhiloxNoise,
        wanted: int,
        clock: Callable[[], float],
    ) -> None:
        self._problem, self._group, self._ways, self._noise = problem, group, ways, noise
        self._wanted, self._clock, self._evaluate = wanted, clock, Evaluator(problem)
        self._apart = [place for place, way in enumerate(ways) if not way.fused]
        self._joint = [place for place, way in enumerate(ways) if way.fused]
        self._whole = not all(has_strips(problem, group[place].estimator) for place in self._apart)
        self.num_points, self.cost_seconds, self._called = group[0].num_samples if self._joint else 0, 0.0, 0

    @property
    def num_values(self) -> float:
        """Forward evaluations of the cost for a draw; a point of a cost that is data counts as one."""
        return self._evaluate.num_values / self._called if self._called else float(self.num_points)

    @property
    def largest(self) -> list[float]:
        """For each request the largest value or slope of the cost that entered its draws."""
        met = self._evaluate.largest_value, self._evaluate.largest_slope
        data = _largest_of_data(self._problem) if self._joint else met
        found = []
        for one, way in zip(self._group, self._ways, strict=True):
            (value, slope), facts = data if way.fused else met, one.estimator.facts
            found.append(max(value * ("values" in facts.needs), slope * facts.uses_slopes))
        return found

    def strips(self, without: Container[int] = ()) -> Drawing:
        """Return a request's place and its draws [m, *B, *param] of a strip, strip by strip in order, each made anew.

        What fails in one request's combine is returned in place of its draws.

        Args:
            without: places whose draws are not wanted.

        Raises:
            InputError: if sampling or the cost fails.
        """
        return iter(enumerate(self.draws)) if "draws" in self.__dict__ else self._drawn(without)

    def summed(self, frames: Sequence[Frame], first: int) -> dict[int, Moments]:
        """Return the sums over the draws of those requests whose kernel goes from noise to sums, by their places.

        A kernel leaves out what it cannot sum: draws that are not finite, tied entries of a gradient.

        Args:
            frames: of all requests.
            first: number of the block's first draw.
        """
        found: dict[int, Moments] = {}
        if "draws" in self.__dict__ or self._problem.tie is not None:
            return found
        for summed, places in self._together():
            shared = BlockSums.together([frames[place] for place in places], first, self._wanted)
            if shared is None:
                continue
            cells, sums = shared
            configs, S = [self._group[place].both for place in places], self._group[places[0]].num_samples
            failed = _made(summed, self._problem.node, self._noise, cost_table(self._problem), S, configs, cells)
            if failed is None:
                every = zip(places, sums, cells.finite.tolist(), strict=True)
                found |= {place: each.moments() for place, each, finite in every if finite}
        return found

    @cached_property
    def draws(self) -> list[Tensor | InputError]:
        """For each request its gradient draws [N, *B, *param], or what went wrong; they are kept.

        N is the block's draws or, of what is made by strips, those of the strips that hold wanted ones.
        """
        found: list[list[Tensor]] = [[] for _ in self._group]
        errors: dict[int, InputError] = {}
        for place, draws in self.strips():
            if isinstance(draws, InputError):
                errors.setdefault(place, draws)
            else:
                found[place].append(draws)
        return [errors[place] if place in errors else _joined(strips) for place, strips in enumerate(found)]

    def _drawn(self, without: Container[int] = ()) -> Drawing:
        size = strip_rows(self._problem, self._group[0].num_samples)
        if self._apart and self._whole:
            yield from self._combined(self._noise, size)
        table = cost_table(self._problem) if self._joint else None
        in_strips = [] if self._whole else self._apart
        joint = [place for place in self._joint if place not in without]
        for first in range(0, self._wanted if in_strips or joint else 0, size):
            part = cast("KernelNoise", self._noise).strip(first, min(size, self._noise.rows - first))
            if in_strips:
                yield from self._combined(part, size)
            for place in joint:
                yield place, _made(self._group[place].fuse, self._problem, part, self._ways[place].fused, table)

    def _combined(self, noise: PhiloxNoise, size: int) -> Drawing:
        """Return draws of the requests that need the cost itself, all at the same points."""
        problem, first = self._problem, self._apart[0]
        with torch.no_grad():
            points = self._group[first].sample(problem, noise, self._ways[first].sample)
            slopes = any(self._group[place].estimator.facts.uses_slopes for place in self._apart)
            started = self._clock()
            # by strips here too: a network gives other bits for other batch sizes
            parts = [self._evaluate(part, slopes=slopes) for part in points.split(size)]
            self.cost_seconds += self._clock() - started
        values, slope = parts[0] if len(parts) == 1 else (_stacked(list(each)) for each in zip(*parts, strict=True))
        self.num_points = points.shape[1]
        self._called += noise.rows
        for place in self._apart:
            one, kernel = self._group[place], self._ways[place].combine
            yield place, _made(one.combine, problem, noise, points, values, slope, kernel)

    def _together(self) -> Iterator[tuple[Callable[..., None], list[int]]]:
        """Yield kernels from noise to sums, with the places that a call of theirs serves: configs of an estimator."""
        found: dict[Callable[..., None], list[int]] = {}
        for place in self._joint:
            if summed := self._ways[place].summed:
                found.setdefault(summed, []).append(place)
        for summed, places in found.items():
            for start in range(0, len(places), AT_ONCE):
                yield summed, places[start : start + AT_ONCE]


def run_block(
    problem: Problem,
    group: Sequence[Request],
    seed: int,
    block: int,
    rows: int,
    fastest: str = PATHS[-1],
    clock: Callable[[], float] = time.perf_counter,
    wanted: int | None = None,
) -> Block:
    """Return a block of requests that share their points, ready to be drawn.

    Args:
        problem: whose gradient is wanted.
        group: requests of one ``points_key``.
        seed: of the noise.
        block: its number.
        rows: its draws.
        fastest: the path beyond which none is taken; see paths.py.
        clock: seconds.
        wanted: how many of the draws are wanted, the first ones; all where it is left out.
    """
    noise = noise_of(problem, seed, block, rows)
    ways = [kernels(problem, one.estimator, fastest) for one in group]
    return Block(problem, group, ways, noise, rows if wanted is None else wanted, clock)


def sum_block(
    problem: Problem, block: Block, frames: Sequence[Frame], first: int, wanted: int
) -> list[Moments | InputError]:
    """Return the sums over each request's draws, taken strip by strip while they are in cache.

    Args:
        problem: whose gradient it is.
        block: its draws.
        frames: of the requests.
        first: number of the block's first draw.
        wanted: how many of its draws count, the first ones; more than it has where its only draw stands for all.

    Raises:
        InputError: if sampling or the cost fails.
    """
    found: dict[int, Moments | InputError] = dict(block.summed(frames, first))
    if len(found) == len(frames):
        return [found[place] for place in range(len(frames))]
    sums = {place: BlockSums(frame, first, wanted) for place, frame in enumerate(frames) if place not in found}
    for place, draws in block.strips(without=found):
        if isinstance(draws, InputError):
            found.setdefault(place, draws)
            continue
        if place in found:
            continue
        rows, left = problem.rows(draws), wanted - sums[place].count
        if left > 0:
            sums[place].add(rows.expand(left, -1) if len(rows) == 1 else rows[:left])
    return [found[place] if place in found else sums[place].moments() for place in range(len(frames))]


def _joined(strips: Sequence[Tensor]) -> Tensor:
    """Return draws [m, ...] one behind the other; kernels leave the draws' axis last in memory, and so does this."""
    return strips[0] if len(strips) == 1 else torch.cat([part.movedim(0, -1) for part in strips], -1).movedim(-1, 0)


def _stacked(parts: list[Tensor | None]) -> Tensor | None:
    return None if parts[0] is None else torch.cat(cast("list[Tensor]", parts))


@torch.no_grad()
def _made(half: Any, *arguments: Any) -> Any:
    try:
        return half(*arguments)
    except InputError as error:
        return error


@lru_cache(maxsize=4)
def _largest_of_data(problem: Problem) -> tuple[float, float]:
    """Return the largest value and slope of a cost that is data."""
    table = cost_table(problem)
    assert table is not None
    if isinstance(table, Polynomial):
        node = cast(Normal, problem.node)  # whose noise is within 6.4
        return table.largest(node.loc.abs() + 6.4 * node.scale)
    return float(table.values.abs().amax(1).sum()), 0.0 if table.slopes is None else float(table.slopes.abs().max())
