"""measure: one estimator on one problem, for people."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from ..estimators.errors import InputError
from ..estimators.estimator import Estimator
from .cells import measure_requests
from .draws import Request, request
from .exact import Truth
from .precision import MAX_DRAWS, check_precision, measure_to_precision
from .problem import Problem
from .records import Measurement
from .reference import known_truth
from .resolve import estimator_of, problem_of
from .threads import one_thread_each
from .timing import time_requests

DTYPES = {"float64": torch.float64, "float32": torch.float32}


def measure(
    problem: str | Problem,
    estimator: str | Estimator,
    *,
    num_draws: int = 10_000,
    precision: float | None = None,
    max_draws: int = MAX_DRAWS,
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
        precision: instead of num_draws: draw until half the variance's interval is that share of the variance, or
            max_draws are drawn (see precision.py); the measurement's num_draws says where it ended.
        max_draws: the cap.
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
    if precision is not None:
        check_precision(precision, max_draws)
    with one_thread_each():
        exact = known_truth(bound, seed)
    result = _measured(bound, one, exact, num_draws, precision, max_draws, seed, threads)
    if timing and result.status == "ok":
        (timed,) = time_requests(bound, [one], seed)
        result = dataclasses.replace(result, **timed.fields())
    return result


def _measured(
    problem: Problem,
    one: Request,
    exact: Truth,
    num_draws: int,
    precision: float | None,
    max_draws: int,
    seed: int,
    threads: int,
) -> Measurement:
    if precision is not None:
        return measure_to_precision(
            problem, one, exact, precision=precision, seed=seed, threads=threads, max_draws=max_draws
        )
    (result,) = measure_requests(problem, [one], exact, num_draws=num_draws, seed=seed, threads=threads)
    if isinstance(result, InputError):
        raise result
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
