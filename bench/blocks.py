"""From noise to draws: one block of a group of estimators that share their points."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.families.normal import Normal
from ..estimators.kernels.registry import Kernels
from ..estimators.kernels.table import Polynomial
from ..estimators.noise import PhiloxNoise
from .cost import Evaluator
from .draws import Request, strip_rows
from .moments import BlockSums, Frame, Moments
from .paths import cost_table, kernels, noise_of
from .problem import Problem
from .records import PATHS

if TYPE_CHECKING:
    from ..estimators.kernels.noise import KernelNoise

SWEPT = 16  # temperatures at a time, whose draws are all in memory
Drawing = Iterator[tuple[int, Tensor | InputError]]


@dataclass(frozen=True, eq=False)
class Block:
    """One block of a group: what it met of the cost, and from that its draws, made when they are asked for.

    Args:
        num_points: P.
        num_values: forward evaluations of the cost for a draw.
        largest: for each request the largest value or slope of the cost that entered its draws.
        cost_seconds: time that the cost took.
        drawing: begins to make the draws; see ``strips``.
    """

    num_points: int
    num_values: float
    largest: list[float]
    cost_seconds: float
    drawing: Callable[[], Drawing]

    def strips(self) -> Drawing:
        """Return a request's place and its draws [m, *B, *param] of a strip, strip by strip in order, each made anew.

        What fails in one request's combine is returned in place of its draws.
        """
        return iter(enumerate(self.draws)) if "draws" in self.__dict__ else self.drawing()

    @cached_property
    def draws(self) -> list[Tensor | InputError]:
        """For each request its gradient draws [N, *B, *param], or what went wrong; they are kept."""
        found: list[list[Tensor]] = [[] for _ in self.largest]
        errors: dict[int, InputError] = {}
        for place, draws in self.strips():
            if isinstance(draws, InputError):
                errors.setdefault(place, draws)
            else:
                found[place].append(draws)
        return [errors[place] if place in errors else _joined(strips) for place, strips in enumerate(found)]


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
    """
    sums = [BlockSums(frame, first, wanted) for frame in frames]
    errors: dict[int, InputError] = {}
    for place, draws in block.strips():
        if isinstance(draws, InputError):
            errors.setdefault(place, draws)
            continue
        rows, left = problem.rows(draws), wanted - sums[place].count
        if left > 0:
            sums[place].add(rows.expand(left, -1) if len(rows) == 1 else rows[:left])
    return [errors.get(place) or each.moments() for place, each in enumerate(sums)]


def _joined(strips: Sequence[Tensor]) -> Tensor:
    """Return draws [m, ...] one behind the other; kernels leave the draws' axis last in memory, and so does this."""
    return strips[0] if len(strips) == 1 else torch.cat([part.movedim(0, -1) for part in strips], -1).movedim(-1, 0)


@torch.no_grad()
def run_block(
    problem: Problem,
    group: Sequence[Request],
    seed: int,
    block: int,
    rows: int,
    fastest: str = PATHS[-1],
    clock: Callable[[], float] = time.perf_counter,
) -> Block:
    """Return a block of requests that share their points: sample once, evaluate once, combine each.

    Kernels from noise to gradient go through the block in strips of its noise, with which goes what requests share of a
    strip; the others take the block whole.

    Args:
        problem: whose gradient is wanted.
        group: requests of one ``points_key``.
        seed: of the noise.
        block: its number.
        rows: its draws.
        fastest: the path beyond which none is taken; see paths.py.
        clock: seconds.

    Raises:
        InputError: if sampling or the cost fails.
    """
    noise = noise_of(problem, seed, block, rows)
    ways = [kernels(problem, one.estimator, fastest) for one in group]
    apart = [(one, way) for one, way in zip(group, ways, strict=True) if not way.fused]
    called = _evaluated(problem, apart, noise, clock) if apart else None
    data = _tabulated(problem, group[0].num_samples) if len(apart) < len(group) else None
    met = called or data
    assert met is not None
    each = [data if way.fused and data else met for way in ways]  # as each would be told alone
    largest = [_largest(one, its) for one, its in zip(group, each, strict=True)]
    drawing = partial(_drawn, problem, group, ways, noise, met)
    return Block(met.num_points, met.num_values, largest, met.cost_seconds, drawing)


def _drawn(
    problem: Problem, group: Sequence[Request], ways: Sequence[Kernels], noise: PhiloxNoise, met: _Met
) -> Drawing:
    for place, (one, way) in enumerate(zip(group, ways, strict=True)):
        if not way.fused:
            assert met.points is not None
            assert met.values is not None
            points, values, slopes = met.points, met.values, met.slopes
            yield place, _made(one.combine, problem, noise, points, values, slopes, way.combine)
    joint = [place for place, way in enumerate(ways) if way.fused]
    together = _swept(group, ways, joint)
    size = strip_rows(problem, group[0].num_samples) if joint else noise.rows
    for first in range(0, noise.rows if joint else 0, size):
        part = cast("KernelNoise", noise).strip(first, min(size, noise.rows - first))
        for places in together:
            yield from _fused(problem, [group[place] for place in places], places, ways[places[0]], part)


def _swept(group: Sequence[Request], ways: Sequence[Kernels], joint: Sequence[int]) -> list[list[int]]:
    """Return the places that one call of a kernel serves: temperatures of an estimator, where its kernel sweeps."""
    together: dict[Hashable, list[int]] = {}
    for place in joint:
        together.setdefault(group[place].but_temperature if ways[place].swept else place, []).append(place)
    return [places[i : i + SWEPT] for places in together.values() for i in range(0, len(places), SWEPT)]


def _fused(
    problem: Problem, requests: Sequence[Request], places: Sequence[int], way: Kernels, noise: KernelNoise
) -> Drawing:
    table = cost_table(problem)
    if len(places) == 1:
        yield places[0], _made(requests[0].fuse, problem, noise, way.fused, table)
        return
    node, S = problem.node, requests[0].num_samples
    draws = _made(way.swept, node, noise, table, S, tuple(one.temperature for one in requests))
    for number, place in enumerate(places):
        yield place, draws if isinstance(draws, InputError) else draws[number]


@torch.no_grad()
def _made(half: Any, *arguments: Any) -> Any:
    try:
        return half(*arguments)
    except InputError as error:
        return error


@dataclass(frozen=True, eq=False)
class _Met:
    """What requests that share their points met of the cost: f and its slopes there, or f as data."""

    num_points: int
    num_values: float  # a draw
    largest_value: float
    largest_slope: float
    cost_seconds: float = 0.0
    points: Tensor | None = None
    values: Tensor | None = None
    slopes: Tensor | None = None


def _evaluated(
    problem: Problem, apart: Sequence[tuple[Request, Kernels]], noise: PhiloxNoise, clock: Callable[[], float]
) -> _Met:
    first, way = apart[0]
    points = first.sample(problem, noise, way.sample)
    evaluate = Evaluator(problem)
    started = clock()
    values, slopes = evaluate(points, slopes=any(one.estimator.facts.uses_slopes for one, _ in apart))
    seconds, number = clock() - started, evaluate.num_values / noise.rows
    largest = evaluate.largest_value, evaluate.largest_slope
    return _Met(points.shape[1], number, *largest, seconds, points, values, slopes)


@lru_cache(maxsize=4)
def _tabulated(problem: Problem, S: int) -> _Met:
    """Return what is met of a cost that is data: a point of it is one evaluation all the same."""
    table = cost_table(problem)
    assert table is not None
    if isinstance(table, Polynomial):
        node = cast(Normal, problem.node)  # whose noise is within 6.4
        return _Met(S, float(S), *table.largest(node.loc.abs() + 6.4 * node.scale))
    slope = 0.0 if table.slopes is None else float(table.slopes.abs().max())
    return _Met(S, float(S), float(table.values.abs().amax(1).sum()), slope)


def _largest(one: Request, met: _Met) -> float:
    """Return the largest number of the cost that entered a request's draws."""
    facts = one.estimator.facts
    return max(met.largest_value * ("values" in facts.needs), met.largest_slope * facts.uses_slopes)
