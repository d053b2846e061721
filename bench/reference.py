"""A truth that is estimated: a long run of an unbiased estimator, whose error enters every interval."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from ..estimators.errors import InputError
from ..estimators.estimator import load
from ..estimators.noise import PhiloxNoise
from .blocks import Block, run_block, sum_block
from .cost import Evaluator
from .covariance import covariance
from .draws import MAX_BLOCK, Request, block_rows, request
from .exact import Truth, truth
from .moments import Frame
from .problem import Problem
from .tails import tail_size
from .tree import Tree

ESTIMATOR, NUM_SAMPLES = "rloo", 4
OF_A_BOUND = "vimco"  # with the bound's own particles
MAX_DRAWS = 2**20
MAX_SECONDS = 60.0
_TRIED = 16  # points at which the cost is called twice
_FIRST = 2**10  # draws before the first look at the clock


def known_truth(
    problem: Problem,
    seed: int,
    max_draws: int = MAX_DRAWS,
    max_seconds: float = MAX_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Truth:
    """Return the exact gradient, or else the mean of a long run of rloo with four samples, of vimco for an iwae.

    Args:
        problem: whose gradient is wanted.
        seed: of the noise.
        max_draws: a power of two.
        max_seconds: by ``clock``.
        clock: seconds.

    Raises:
        CostError: if the cost fails, or is random.
    """
    theta = problem.node.theta
    noise = PhiloxNoise(seed, f"{problem.name} (repeatable)", 0, _TRIED, theta.dtype, theta.device)
    Evaluator(problem).check_repeatable(problem.node.draw(noise, 1))
    exact = truth(problem)
    if exact.gradient is not None:
        return exact
    name, S = (OF_A_BOUND, problem.particles) if problem.objective == "iwae" else (ESTIMATOR, NUM_SAMPLES)
    one = request(problem, load(name), {}, S)
    return reference_run(problem, one, str(exact.reason), seed, max_draws, max_seconds, clock=clock)


def reference_run(
    problem: Problem,
    one: Request,
    reason: str,
    seed: int,
    max_draws: int,
    max_seconds: float,
    max_rows: int = MAX_BLOCK,
    clock: Callable[[], float] = time.perf_counter,
) -> Truth:
    """Return the mean of a long run of an unbiased estimator, with its error.

    The run has noise of its own, under the problem's name with " (reference)" behind it, and ends after
    ``max_draws`` draws or, looking at powers of two, where the next doubling would pass ``max_seconds``. The number of
    draws is in the method's name: with it the run can be had again to the bit.

    Args:
        problem: whose gradient is wanted.
        one: the unbiased estimator.
        reason: why there is no exact gradient.
        seed: of the noise.
        max_draws: a power of two.
        max_seconds: by ``clock``.
        max_rows: of a block, a power of two; few where the cost is slow.
        clock: seconds.

    Raises:
        CostError: if the cost fails.
    """
    apart = dataclasses.replace(problem, name=f"{problem.name} (reference)")
    rows = min(block_rows(apart, one), max_rows)
    tree = Tree(max_draws // rows)  # any power of two of blocks is a whole subtree of it
    started, blocks, frame = clock(), 0, None
    while True:
        draws = max(min(_FIRST, max_rows), rows) if blocks == 0 else 2 * blocks * rows
        for number in range(blocks, draws // rows):
            block = run_block(apart, [one], seed, number, rows)
            frame = frame or _frame(apart, block, max_draws)
            (moments,) = sum_block(apart, block, [frame], number * rows, rows)
            if isinstance(moments, InputError):
                raise moments
            tree.add(number, moments)
        blocks = draws // rows
        if 2 * draws > max_draws or 2 * (clock() - started) > max_seconds:
            break
    assert frame is not None
    name = one.estimator.facts.name
    moments = tree.total()
    if moments.num_nonfinite:
        return Truth(None, None, f"{reason}; a reference run of {name} had draws that are not finite")
    cov = covariance(moments, dataclasses.replace(frame, num_draws=draws))
    method = f"reference[estimator={name},num_samples={one.num_samples},num_draws={draws}]"
    gradient = frame.shift + moments.h / draws
    return Truth(gradient, method, None, cov.trace / draws, cov.square / draws**2)


def _frame(problem: Problem, pilot: Block, num_draws: int) -> Frame:
    (draws,) = pilot.draws
    if isinstance(draws, InputError):
        raise draws
    return Frame(problem.tied(draws).mean(0), None, num_draws, tail_size(num_draws) + 1)
