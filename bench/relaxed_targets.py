"""The gradient of E f(y), y an estimator's own relaxed points: quadrature of the noise that moves them, or a long run.

Both differentiate the path of the points automatically, y = sample(node, noise) at fixed noise, and share nothing with
``combine``.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.noise import PhiloxNoise
from .block_sums import block_moments
from .cost import Evaluator
from .covariance import covariance
from .draws import Request, blamed
from .exact import Truth
from .grid import Asked, Grid, asked_of
from .moments import Frame
from .problem import Problem
from .tails import tail_size

_BATCHES = 256  # of the reference run: as many independent means give its error
_MAX_DRAWS, _MAX_ENTRIES = 2**16, 2**23
_AT_ONCE = 2**21  # entries of points
_MOST = 2**21
_COARSEST = 64  # intervals
_SETTLED = 1e-10  # relative to the sum of the terms' sizes
_USABLE = 1e-4


def relaxed_target(problem: Problem, one: Request, num_draws: int, seed: int) -> Truth:
    """Return grad E f(y) by quadrature, or as a run of no more draws than are measured, with the error of either.

    One variable, or a separable cost, needs no more axes than a variable has numbers of noise.
    """
    single = dataclasses.replace(one, num_samples=one.estimator.facts.min_samples)  # of the same mean
    asked = asked_of(problem, single)
    if asked is not None and (problem.terms is not None or asked.variables == 1):
        found = _by_quadrature(problem, single, asked)
        if found is not None:
            return found
    return _by_a_run(problem, one, num_draws, seed)


def _by_quadrature(problem: Problem, one: Request, asked: Asked) -> Truth | None:
    """Return the trapezoidal rule's value once refining it changes it no more; the last change is its error.

    Points with a kink, as those of a projection onto the simplex, leave a small one, which enters the interval.
    """
    theta, intervals, changes = problem.node.theta, _COARSEST, [math.inf, math.inf]
    settled = max(_SETTLED, 8 * torch.finfo(theta.dtype).eps)
    last: Tensor | None = None
    while (grid := Grid(asked, intervals, theta)).size * theta.numel() <= _MOST:
        now, scale = _integral(problem, one, grid)
        if last is not None:
            changes.append(float((now - last).norm()))
        if max(changes[-2:]) <= settled * scale:
            return Truth(now, "quadrature")
        last, intervals = now, 2 * intervals
    error = max(changes[-1], changes[-2] / 4)  # a last change that is small by luck is not believed
    if last is None or error > _USABLE * scale:
        return None
    return Truth(last, "quadrature", None, error**2, error**4)


def _integral(problem: Problem, one: Request, grid: Grid) -> tuple[Tensor, float]:
    """Return sum over the grid of w (dy/dtheta)^T f'(y), flat, and the mean |f'(y)|, its scale."""
    total, scale = torch.zeros_like(problem.node.theta, dtype=torch.float64), 0.0
    for part in grid.slices(max(1, _AT_ONCE // problem.node.theta.numel())):
        gradient, size = _pulled(problem, one, part, part.weights)
        total += gradient
        scale += size
    return problem.tied(total.unsqueeze(0))[0], scale


def _by_a_run(problem: Problem, one: Request, num_draws: int, seed: int) -> Truth:
    """Return the mean over independent noise of its own, under the problem's name with " (target)" behind it."""
    theta = problem.node.theta
    draws = min(num_draws, _MAX_DRAWS, _MAX_ENTRIES // (theta.numel() * one.num_samples))
    rows = max(1, draws // _BATCHES)
    means = []
    for batch in range(_BATCHES):
        noise = PhiloxNoise(seed, f"{problem.name} (target)", batch, rows, theta.dtype, theta.device)
        weights = torch.full((rows,), 1 / rows, dtype=torch.float64, device=theta.device)
        means.append(_pulled(problem, one, noise, weights)[0])
    flat = problem.tied(torch.stack(means))
    frame = Frame(flat.mean(0), None, _BATCHES, tail_size(_BATCHES) + 1)
    cov = covariance(block_moments(flat, frame, 0), frame)
    method = f"reference[draws={rows * _BATCHES}]"
    return Truth(frame.shift, method, None, cov.trace / _BATCHES, cov.square / _BATCHES**2)


def _pulled(problem: Problem, one: Request, noise: PhiloxNoise | Grid, weights: Tensor) -> tuple[Tensor, float]:
    """Return sum_n w_n mean_i (dy_ni/dtheta)^T f'(y_ni) [*B, *param], and sum_n w_n mean_i |f'(y_ni)|.

    Raises:
        InputError: if the points do not move with theta.
    """
    theta = problem.node.theta.detach().clone().requires_grad_()
    sample, name = one.estimator.sample, one.estimator.facts.name
    with torch.enable_grad(), blamed(name, "sample"):
        y = sample(problem.node.with_theta(theta), noise, one.num_samples, **one.arguments(sample))
    if not y.requires_grad:
        raise InputError(f"the points of '{name}' do not move with theta: it has no relaxed target")
    _, slopes = Evaluator(problem)(y, slopes=True)
    assert slopes is not None
    w = weights.to(slopes).reshape(-1, *(1,) * (slopes.ndim - 1)) / y.shape[1]
    (gradient,) = torch.autograd.grad(y, theta, w * slopes)
    return gradient, float((w * slopes).abs().sum())
