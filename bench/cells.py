"""Requests on one problem, measured: blocks of draws in, their statistics out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.node import MAX_OUTCOMES
from . import environment
from .blocks import Block, run_block, sum_block
from .draws import MAX_BLOCK, Request, block_rows, groups
from .estimate import Interval
from .exact import Truth
from .fitting import fitted
from .intervals import SEEN, Statistics, statistics
from .moments import Frame, Moments
from .paths import kernels, path_of
from .problem import Problem
from .records import OTHER_TARGETS, PATHS, Measurement, finite
from .sharing import points_key
from .tails import tail_size
from .targets import target_truth
from .threads import one_thread_each
from .tree import Tree

LARGEST = 1e70  # of a draw's entries: intervals need fourth powers of them, and squares of those sums
FEW_OUTCOMES = 64  # only then is the rarest outcome one that a user can name


@dataclass(frozen=True)
class _Run:
    """What the requests of one call share; see ``measure_requests``."""

    num_draws: int
    seed: int
    threads: int
    max_rows: int
    targets: bool
    fastest: str


def measure_requests(
    problem: Problem,
    requests: Sequence[Request],
    exact: Truth,
    *,
    num_draws: int,
    seed: int,
    threads: int = 1,
    max_rows: int = MAX_BLOCK,
    targets: bool = True,
    fastest: str = PATHS[-1],
) -> list[Measurement | InputError]:
    """Return a measurement for each request on one problem, or what went wrong with it.

    Requests that share their points share noise and evaluations of the cost; the numbers are those that each
    would get alone.

    Args:
        problem: in the dtype and on the device where it is measured.
        requests: what to measure.
        exact: the problem's exact gradient.
        num_draws: N.
        seed: of the noise.
        threads: blocks measured at a time.
        max_rows: of a block, for a search whose first looks are shorter than a block; other rows, other noise.
        targets: whether target_bias_sq is wanted too, which may cost more than all the rest.
        fastest: the path beyond which none is taken; see paths.py.
    """
    run = _Run(num_draws, seed, threads, max_rows, targets, fastest)
    results: list[Measurement | InputError] = [InputError("not measured")] * len(requests)
    with one_thread_each():
        ready: dict[int, Request] = {}
        for position, one in enumerate(requests):
            try:
                ready[position] = fitted(problem, one, seed)
            except InputError as error:
                results[position] = error
        for places in groups(ready.values()):
            positions = [list(ready)[place] for place in places]
            group = [ready[position] for position in positions]
            for position, result in zip(positions, _measured(problem, group, exact, run), strict=True):
                results[position] = result
    return results


def _measured(
    problem: Problem, group: Sequence[Request], exact: Truth, run: _Run
) -> Sequence[Measurement | InputError]:
    """Return what was measured of requests that share their points; where slopes fail, values may do alone."""
    try:
        return _measure_group(problem, group, exact, run)
    except InputError as error:
        uses = [one.estimator.facts.uses_slopes for one in group]
        if all(uses) or not any(uses):
            return [error] * len(group)
        parts = {
            use: iter(_measured(problem, [one for one, its in zip(group, uses, strict=True) if its == use], exact, run))
            for use in (False, True)
        }
        return [next(parts[use]) for use in uses]


def _measure_group(
    problem: Problem, group: Sequence[Request], exact: Truth, run: _Run
) -> list[Measurement | InputError]:
    deterministic = group[0].estimator.facts.deterministic
    rows = min(run.max_rows, block_rows(problem, group[0]))
    N = 2 if deterministic else run.num_draws  # two equal draws say all that there is to say
    num_blocks = 1 if deterministic else math.ceil(N / rows)
    pilot = run_block(problem, group, run.seed, 0, rows, run.fastest, wanted=min(rows, N))
    frames = [_frame(problem, draws, exact, N) for draws in pilot.draws]
    trees = [Tree(num_blocks) for _ in group]
    errors: list[InputError | None] = [None] * len(group)
    largest = [0.0] * len(group)

    def summed(number: int) -> tuple[list[float], list[Moments | InputError]]:
        torch.set_num_threads(1)  # each thread of a pool begins with torch's default
        wanted = min(rows, N - number * rows)
        block = run_block(problem, group, run.seed, number, rows, run.fastest, wanted=wanted) if number else pilot
        sums = sum_block(problem, block, frames, number * rows, N if deterministic else wanted)
        return block.largest, sums

    with _mapping(run.threads) as mapped:
        for number, (sizes, blocks) in enumerate(mapped(summed, range(num_blocks))):
            largest = list(map(max, largest, sizes))
            for position, moments in enumerate(blocks):
                if isinstance(moments, InputError):
                    errors[position] = moments
                else:
                    trees[position].add(number, moments)
    return [
        error or _measurement(problem, one, exact, run, tree.total(), frame, pilot, size)
        for one, error, tree, frame, size in zip(group, errors, trees, frames, largest, strict=True)
    ]


@contextmanager
def _mapping(threads: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Return a map over blocks, by a pool of threads where there is more than one."""
    if threads == 1:
        yield map
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool.map


def _frame(problem: Problem, pilot: Tensor | InputError, exact: Truth, N: int) -> Frame:
    """Return what all blocks of a request share; the pilot's mean is the shift."""
    rows = torch.zeros(1, problem.num_entries) if isinstance(pilot, InputError) else problem.tied(pilot)[:N]
    shift = torch.nan_to_num(rows.double().mean(0), 0.0, 0.0, 0.0)
    gradient = None if exact.gradient is None else exact.gradient.to(shift)
    return Frame(shift, gradient, N, tail_size(N) + 1, exact.error_trace, exact.error_square)


def _measurement(
    problem: Problem,
    one: Request,
    exact: Truth,
    run: _Run,
    moments: Moments,
    frame: Frame,
    pilot: Block,
    largest: float,
) -> Measurement:
    facts, theta = one.estimator.facts, problem.node.theta
    gradient = None if exact.gradient is None else exact.gradient.tolist()
    base = Measurement(
        problem=problem.name,
        estimator=facts.name,
        config=dict(one.config),
        family=problem.node.family,
        target=facts.target,
        num_draws=run.num_draws,
        num_samples=one.num_samples,
        num_points=pilot.num_points,
        seed=run.seed,
        dtype=str(theta.dtype).removeprefix("torch."),
        device=theta.device.type,
        reason=exact.reason,
        exact_method=exact.method,
        gradient_exact=gradient,
        gradient_norm=None if gradient is None else math.hypot(*gradient),
        num_nonfinite=moments.num_nonfinite,
        cost_values_per_draw=pilot.num_values,
        cost_slopes_per_draw=pilot.num_values if facts.uses_slopes else 0.0,
        fit_seconds=one.fit_seconds,
        fit_values=one.fit_values,
        versions=environment.versions(),
        threads=run.threads,
        path=path_of(kernels(problem, one.estimator, run.fastest)),
        points_key=points_key(problem, one, run.seed),
        commit=environment.commit(),
    )
    if moments.num_nonfinite:
        bad = f"{moments.num_nonfinite} of {run.num_draws} draws are not finite though the cost was"
        return dataclasses.replace(base, status="failed", reason=bad)
    if float(moments.largest) > LARGEST:
        return dataclasses.replace(
            base,
            status="failed",
            reason=f"draws of over {LARGEST:g}: their fourth powers have no numbers; scale the cost",
        )
    rounding = torch.finfo(theta.dtype).eps * max(largest, float(moments.largest))
    rarest = None if facts.deterministic else _rarest(problem, run.num_draws, pilot.num_points, one.num_samples)
    certain = facts.deterministic or _rarest_choice(problem, run.num_draws * pilot.num_points) >= SEEN
    found = statistics(moments, frame, rounding, rarest, certain)
    fields = _fields(found)
    if facts.target in OTHER_TARGETS:
        unasked = Truth(None, None, "it was not asked for")
        target = target_truth(problem, one, exact, run.num_draws, run.seed) if run.targets else unasked
        if target.gradient is None:
            fields["reason"] = "; ".join(filter(None, [exact.reason, f"no target_bias_sq: {target.reason}"]))
        else:
            aimed = statistics(moments, _aimed(frame, target), rounding, rarest, certain)
            fields |= _interval("target_bias_sq", aimed.bias_sq)
    return dataclasses.replace(base, **fields)


def _aimed(frame: Frame, target: Truth) -> Frame:
    """Return the frame with another gradient to compare the draws with; nothing else in it changes."""
    assert target.gradient is not None
    gradient = target.gradient.to(frame.shift)
    return dataclasses.replace(frame, exact=gradient, error_trace=target.error_trace, error_square=target.error_square)


def _rarest(problem: Problem, num_draws: int, num_points: int, num_samples: int) -> float | None:
    """Return how often the rarest outcome is expected, None for more than 64 outcomes.

    Among N P points, and twice in one of the S (S - 1) / 2 pairs of a draw's samples: estimators that compare samples
    differ in such pairs, so that the ratio of two variances rests on them.
    """
    node = problem.node
    count = getattr(node, "num_outcomes", MAX_OUTCOMES)
    if count > FEW_OUTCOMES:
        return None
    axes = (1,) * len(node.batch_shape)
    log_prob = node.log_prob(node.outcomes().reshape(-1, *axes, *node.event_shape))  # type: ignore[attr-defined]
    least = math.exp(float(log_prob[torch.isfinite(log_prob)].min()))
    pairs = num_samples * (num_samples - 1) / 2
    twice = num_draws * pairs * least**2 if pairs and count**2 <= FEW_OUTCOMES else math.inf
    return min(num_draws * num_points * least, twice)


def _rarest_choice(problem: Problem, num_points: int) -> float:
    """Return how often the rarest choice of any single variable is expected, infinity for continuous ones."""
    probs = getattr(problem.node, "probs", None)
    if probs is None:
        return math.inf
    both = torch.stack([probs, 1 - probs])
    return num_points * float(both[both > 0].min())


def _fields(found: Statistics) -> dict[str, Any]:
    """Return the statistics under the names of the record."""
    fields: dict[str, Any] = {
        "gradient_mean": found.mean.tolist(),
        "unbiased_p": found.unbiased_p,
        "snr": finite(found.snr),
        "cosine": finite(found.cosine),
        "pareto_k": finite(found.pareto_k),
        "marks": found.marks,
        "replicates": found.replicates,
    }
    for name in ("bias_sq", "variance", "mse"):
        fields |= _interval(name, getattr(found, name))
    return fields


def _interval(name: str, interval: Interval | None) -> dict[str, Any]:
    if interval is None:
        return {}
    ends = {f"{name}_lower": finite(interval.lower), f"{name}_upper": finite(interval.upper)}
    return {name: finite(interval.value), **ends}
