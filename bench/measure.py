"""Measuring: blocks of draws, their moments, and the statistics that follow."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.estimator import Estimator
from ..estimators.node import MAX_OUTCOMES
from . import environment
from .draws import Block, Request, block_rows, groups, request, run_block
from .exact import Truth, truth
from .intervals import Statistics, statistics
from .moments import Frame, Moments, Tree, block_moments
from .problem import Problem
from .records import Measurement, finite
from .resolve import estimator_of, problem_of
from .tails import tail_size
from .threads import one_thread_each
from .timing import time_requests

DTYPES = {"float64": torch.float64, "float32": torch.float32}
FEW_OUTCOMES = 64  # only then is the rarest outcome one that a user can name


def measure(
    problem: str | Problem,
    estimator: str | Estimator,
    *,
    num_draws: int = 10_000,
    seed: int = 0,
    num_samples: int | None = None,
    timing: bool = True,
    dtype: str | None = None,
    device: str = "cpu",
    threads: int = 1,
    **config: Any,
) -> Measurement:
    """Measure bias, variance and cost of one estimator on one problem.

    bias_sq = |mean - exact|^2 - variance/N, variance = the trace of the covariance of one draw, mse = their
    sum, in squared units of the gradient, each with a 95 % interval. The same arguments give the same
    statistics to the bit, for any number of threads.

    Args:
        problem: a catalogue name with optional parameters in brackets, 'path/to/file.py:attribute', or a Problem.
        estimator: likewise, or an Estimator.
        num_draws: N >= 2, independent gradient draws.
        seed: names the noise, with the problem's name.
        num_samples: S, samples in one draw; the smallest that the method allows by default.
        timing: whether to time the draws too.
        dtype: 'float64' or 'float32'; theta's own by default.
        device: 'cpu' or 'cuda'.
        threads: blocks measured at a time.
        config: parameters of the estimator, e.g. temperature=0.5.

    Returns:
        The Measurement; its status is failed where draws were not finite.

    Raises:
        InputError: (a ValueError) for what the problem, estimator or arguments do not allow, before any sampling;
            NotApplicable where the estimator has no meaning on the problem, CostError where the cost fails.
        TypeError: for a problem or estimator of another type.
    """
    chosen, full = estimator_of(estimator, **config)
    bound = prepared(problem, dtype, device)
    one = request(bound, chosen, full, num_samples)
    check_counts(num_draws=num_draws, seed=seed, threads=threads)
    with one_thread_each():
        exact = truth(bound)
    (result,) = measure_requests(bound, [one], exact, num_draws=num_draws, seed=seed, threads=threads)
    if isinstance(result, InputError):
        raise result
    if timing and result.status == "ok":
        (timed,) = time_requests(bound, [one], seed)
        result = dataclasses.replace(result, **timed.fields())
    return result


def prepared(problem: str | Problem, dtype: str | None, device: str) -> Problem:
    """Return the problem with theta in the wanted dtype on the wanted device.

    Raises:
        InputError: for an unknown problem, dtype or device, or one that is not there.
    """
    bound = problem_of(problem)
    if dtype is not None and dtype not in DTYPES:
        raise InputError(f"dtype '{dtype}'; allowed are {' and '.join(DTYPES)}")
    if device not in ("cpu", "cuda"):
        raise InputError(f"device '{device}'; allowed are cpu and cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device 'cuda': torch sees no GPU here; take --device cpu, or install torch's CUDA build")
    return bound.to(DTYPES[dtype] if dtype else bound.node.theta.dtype, device)


def check_counts(*, num_draws: int, seed: int, threads: int) -> None:
    """Refuse counts that are no whole numbers, or too small.

    Raises:
        InputError: naming the argument.
    """
    for name, value, least in (("num_draws", num_draws, 2), ("seed", seed, 0), ("threads", threads, 1)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(f"{name}={value!r}; it must be a whole number")
        if value < least:
            raise InputError(f"{name}={value}; it must be at least {least}")


def measure_requests(
    problem: Problem, requests: Sequence[Request], exact: Truth, *, num_draws: int, seed: int, threads: int = 1
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
    """
    results: list[Measurement | InputError] = [InputError("not measured")] * len(requests)
    with one_thread_each():
        for positions in groups(requests):
            group = [requests[position] for position in positions]
            try:
                measured = _measure_group(problem, group, exact, num_draws, seed, threads)
            except InputError as error:
                measured = [error] * len(group)
            for position, result in zip(positions, measured, strict=True):
                results[position] = result
    return results


def _measure_group(
    problem: Problem, group: Sequence[Request], exact: Truth, num_draws: int, seed: int, threads: int
) -> list[Measurement | InputError]:
    deterministic = group[0].estimator.facts.deterministic
    rows = block_rows(problem, group[0])
    N = 2 if deterministic else num_draws  # two equal draws say all that there is to say
    num_blocks = 1 if deterministic else math.ceil(N / rows)
    pilot = run_block(problem, group, seed, 0, rows)
    accumulators = [_Accumulator(problem, draws, exact, N, num_blocks) for draws in pilot.draws]
    largest = _add(accumulators, pilot, 0, 0)

    def later(block: int) -> float:
        torch.set_num_threads(1)
        return _add(accumulators, run_block(problem, group, seed, block, rows), block, block * rows)

    if threads == 1:
        largest = max([largest, *map(later, range(1, num_blocks))])
    else:
        with ThreadPoolExecutor(threads) as pool:
            largest = max([largest, *pool.map(later, range(1, num_blocks))])
    return [
        accumulator.error or _measurement(problem, one, exact, num_draws, seed, threads, accumulator, pilot, largest)
        for one, accumulator in zip(group, accumulators, strict=True)
    ]


class _Accumulator:
    """The moments of one request as its blocks arrive, or the error that ended it."""

    def __init__(self, problem: Problem, pilot: Tensor | InputError, exact: Truth, N: int, num_blocks: int) -> None:
        self.problem, self.N = problem, N
        self.error: InputError | None = None
        if isinstance(pilot, InputError):
            self.error = pilot
            return
        shift = torch.nan_to_num(problem.tied(pilot)[:N].mean(0), 0.0, 0.0, 0.0)
        gradient = None if exact.gradient is None else exact.gradient.to(shift)
        self.frame = Frame(shift, gradient, N, tail_size(N) + 1)
        self.tree = Tree(num_blocks)

    def add(self, draws: Tensor | InputError, block: int, first: int) -> None:
        if isinstance(draws, InputError):
            self.error = draws
        if self.error is not None or isinstance(draws, InputError):
            return
        used = self.problem.tied(draws)[: self.N - first]
        if used.shape[0] == 1 < self.N:
            used = used.expand(2, -1) if self.N == 2 and draws.shape[0] == 1 else used
        self.tree.add(block, block_moments(used, self.frame, first))

    def total(self) -> Moments:
        return self.tree.total()


def _add(accumulators: Sequence[_Accumulator], block: Block, number: int, first: int) -> float:
    for accumulator, draws in zip(accumulators, block.draws, strict=True):
        accumulator.add(draws, number, first)
    return block.largest


def _measurement(
    problem: Problem,
    one: Request,
    exact: Truth,
    num_draws: int,
    seed: int,
    threads: int,
    accumulator: _Accumulator,
    pilot: Block,
    largest: float,
) -> Measurement:
    facts, theta = one.estimator.facts, problem.node.theta
    moments = accumulator.total()
    gradient = None if exact.gradient is None else exact.gradient.tolist()
    base = Measurement(
        problem=problem.name,
        estimator=facts.name,
        config=dict(one.config),
        family=problem.node.family,
        target=facts.target,
        num_draws=num_draws,
        num_samples=one.num_samples,
        num_points=pilot.num_points,
        seed=seed,
        dtype=str(theta.dtype).removeprefix("torch."),
        device=theta.device.type,
        reason=exact.reason,
        exact_method=exact.method,
        gradient_exact=gradient,
        gradient_norm=None if gradient is None else math.hypot(*gradient),
        num_nonfinite=moments.num_nonfinite,
        cost_values_per_draw=pilot.num_values,
        cost_slopes_per_draw=pilot.num_values if facts.uses_slopes else 0.0,
        versions=environment.versions(),
        threads=threads,
        commit=environment.commit(),
    )
    if moments.num_nonfinite:
        bad = f"{moments.num_nonfinite} of {num_draws} draws are not finite though the cost was"
        return dataclasses.replace(base, status="failed", reason=bad)
    rounding = torch.finfo(theta.dtype).eps * max(largest, float(moments.largest))
    rarest = None if facts.deterministic else _rarest(problem, num_draws * pilot.num_points)
    found = statistics(moments, accumulator.frame, rounding, rarest)
    return dataclasses.replace(base, **_fields(found))


def _rarest(problem: Problem, num_points: int) -> float | None:
    """Return how often the rarest outcome is expected among the points, None for more than 64 outcomes."""
    node = problem.node
    count = getattr(node, "num_outcomes", MAX_OUTCOMES)
    if count > FEW_OUTCOMES:
        return None
    axes = (1,) * len(node.batch_shape)
    log_prob = node.log_prob(node.outcomes().reshape(-1, *axes, *node.event_shape))  # type: ignore[attr-defined]
    return num_points * math.exp(float(log_prob[torch.isfinite(log_prob)].min()))


def _fields(found: Statistics) -> dict[str, Any]:
    """Return the statistics under the names of the record."""
    fields: dict[str, Any] = {
        "gradient_mean": found.mean.tolist(),
        "unbiased_p": found.unbiased_p,
        "snr": finite(found.snr),
        "cosine": finite(found.cosine),
        "pareto_k": finite(found.pareto_k),
        "marks": found.marks,
    }
    for name in ("bias_sq", "variance", "mse"):
        interval = getattr(found, name)
        if interval is not None:
            fields[name] = finite(interval.value)
            fields[f"{name}_lower"], fields[f"{name}_upper"] = finite(interval.lower), finite(interval.upper)
    return fields
