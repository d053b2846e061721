"""From noise to draws: one block of a group of estimators that share their points."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.families.normal import Normal
from ..estimators.kernels.registry import Kernels
from ..estimators.kernels.table import Polynomial
from ..estimators.noise import PhiloxNoise
from .cost import Evaluator
from .draws import Request
from .paths import cost_table, kernels, noise_of
from .problem import Problem
from .records import PATHS


@dataclass(frozen=True)
class Block:
    """One block of a group.

    Args:
        draws: for each request its gradient draws [N, *B, *param], or what went wrong.
        num_points: P.
        num_values: forward evaluations of the cost for a draw.
        largest: for each request the largest value or slope of the cost that entered its draws.
        cost_seconds: time that the cost took.
    """

    draws: list[Tensor | InputError]
    num_points: int
    num_values: float
    largest: list[float]
    cost_seconds: float


def run_block(
    problem: Problem,
    group: Sequence[Request],
    seed: int,
    block: int,
    rows: int,
    fastest: str = PATHS[-1],
    clock: Callable[[], float] = time.perf_counter,
) -> Block:
    """Return the draws of requests that share their points: sample once, evaluate once, combine each.

    Args:
        problem: whose gradient is wanted.
        group: requests of one ``points_key``.
        seed: of the noise.
        block: its number.
        rows: its draws.
        fastest: the path beyond which none is taken; see paths.py.
        clock: seconds.

    Raises:
        InputError: if sampling or the cost fails; what fails in one request's combine is returned in its place.
    """
    with torch.no_grad():
        noise = noise_of(problem, seed, block, rows)
        ways = [kernels(problem, one.estimator, fastest) for one in group]
        apart = [(one, way) for one, way in zip(group, ways, strict=True) if not way.fused]
        called = _evaluated(problem, apart, noise, clock) if apart else None
        data = _tabulated(problem, group[0].num_samples) if len(apart) < len(group) else None
        met = called or data
        assert met is not None
        draws = [_drawn(problem, one, way, noise, met) for one, way in zip(group, ways, strict=True)]
        each = [data if way.fused and data else met for way in ways]  # as each would be told alone
        largest = [_largest(one, its) for one, its in zip(group, each, strict=True)]
    return Block(draws, met.num_points, met.num_values, largest, met.cost_seconds)


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


def _tabulated(problem: Problem, S: int) -> _Met:
    """Return what is met of a cost that is data: a point of it is one evaluation all the same."""
    table = cost_table(problem)
    assert table is not None
    if isinstance(table, Polynomial):
        node = cast(Normal, problem.node)  # whose noise is within 6.4
        return _Met(S, float(S), *table.largest(node.loc.abs() + 6.4 * node.scale))
    slope = 0.0 if table.slopes is None else float(table.slopes.abs().max())
    return _Met(S, float(S), float(table.values.abs().amax(1).sum()), slope)


def _drawn(problem: Problem, one: Request, way: Kernels, noise: PhiloxNoise, met: _Met) -> Tensor | InputError:
    try:
        if way.fused:
            return one.fuse(problem, noise, way.fused, cost_table(problem))
        assert met.points is not None
        assert met.values is not None
        return one.combine(problem, noise, met.points, met.values, met.slopes, way.combine)
    except InputError as error:
        return error


def _largest(one: Request, met: _Met) -> float:
    """Return the largest number of the cost that entered a request's draws."""
    facts = one.estimator.facts
    return max(met.largest_value * ("values" in facts.needs), met.largest_slope * facts.uses_slopes)
