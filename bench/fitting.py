"""Fitting what an estimator learns, before it is measured with it frozen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ..estimators.noise import PhiloxNoise
from .cost import Evaluator
from .draws import Request, blamed
from .problem import Problem


def fitted(problem: Problem, one: Request, seed: int, clock: Callable[[], float] = time.perf_counter) -> Request:
    """Return the request with its estimator's state; itself where there is nothing to fit, or it was fitted already.

    The noise of a fit is a stream of its own, under the problem's name with " (fit)" behind it: what is measured is
    independent of what was fitted. The same seed gives the same state.

    Raises:
        InputError: if the fit or the cost fails.
    """
    estimator, theta = one.estimator, problem.node.theta
    if estimator.fit is None or one.state is not None:
        return one
    evaluate = Evaluator(problem)

    def stream(step: int, rows: int) -> PhiloxNoise:
        return PhiloxNoise(seed, f"{problem.name} (fit)", step, rows, theta.dtype, theta.device)

    started = clock()
    with blamed(estimator.facts.name, "fit"):
        state = estimator.fit(problem.node, evaluate, stream, one.num_samples, **one.arguments(estimator.fit))
    values = evaluate.num_values + evaluate.num_slopes
    return replace(one, state=state, fit_seconds=clock() - started, fit_values=values)
