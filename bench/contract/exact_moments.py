"""The exact mean and variance of one draw of an estimator, where its noise can be enumerated or integrated."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ...estimators.noise import PhiloxNoise
from ..draws import Request
from ..exact import truth
from ..problem import Problem
from ..proof.discovery import Rules, over_noise, over_points
from ..proof.laid_noise import NotLaid
from ..proof.rules import Rule, exact_gradient, weighted_moments
from .candidate import evaluated, watched

SETTLED = 1e-9  # how far a coarse rule and a fine one may differ


@dataclass(frozen=True)
class Exact:
    """The exact mean [*B, *param] and variance of one draw.

    Args:
        mean: E g.
        variance: the trace of its covariance.
        scale: the sizes of the terms that cancel in the mean.
        certain: whether all that can happen was summed up, so that the numbers err by rounding only.
    """

    mean: Tensor
    variance: float
    scale: float
    certain: bool = False


def gradient(problem: Problem) -> Tensor:
    """Return the exact gradient [*B, *param] by enumeration or quadrature, without a node's own score."""
    found = truth(problem).gradient
    theta = problem.node.theta
    if found is not None and problem.tie is None:
        return found.reshape(theta.shape)
    if not problem.node.batch_shape:
        return exact_gradient(problem.node, problem.cost)
    parts = [exact_gradient(problem.node.with_theta(part), problem.cost) for part in theta]
    return torch.stack(parts)


def exact(one: Request, problem: Problem) -> Exact | None:
    """Return the exact mean and variance of one draw, or None if its noise cannot be enumerated or integrated."""
    noise = watched(problem)
    points = one.sample(problem, noise)
    own = _same(points, problem.node.draw(watched(problem), one.num_samples))
    sampled = dict(noise.answers)
    one.combine(problem, noise, points, *evaluated(one, problem, points))
    if noise.streams and not own:
        return None
    if own and noise.answers.keys() == sampled.keys():
        found = _settled(one, problem, over_points(problem.node, one.num_samples))
        if found is not None:  # if None, combine may look at the noise of its points again
            return found
    return _settled(one, problem, over_noise(problem.node, noise.answers))


def _settled(one: Request, problem: Problem, known: Rules) -> Exact | None:
    """Return the moments by the only rule, or by the fine one if the coarse one agrees with it."""
    try:
        found = [_moments(one, problem, rule) for rule in known.rules]
    except (NotLaid, AttributeError, TypeError):  # it wants of its noise more than numbers: it ran with a real one
        return None
    if not found or not _agree(found[0], found[-1]):
        return None
    return dataclasses.replace(found[-1], certain=known.exact)


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)


def _moments(one: Request, problem: Problem, rule: Rule) -> Exact:
    noise = cast(PhiloxNoise, rule.noise)
    with torch.no_grad():
        points = (
            one.estimator.sample(problem.node, noise, one.num_samples, **one.arguments(one.estimator.sample))
            if (rule.points is None)
            else rule.points
        )
        facts = one.estimator.facts
        values, slopes = evaluated(one, problem, points)
        draws = one.estimator.combine(
            problem.node,
            noise,
            points,
            values if "values" in facts.needs else None,
            slopes,
            **one.arguments(one.estimator.combine),
        )
    mean, variance = weighted_moments(draws, rule.weights)
    sizes, _ = weighted_moments(draws.abs(), rule.weights)
    return Exact(mean, variance, float(sizes.abs().max()))


def _agree(a: Exact, b: Exact) -> bool:
    close = float((a.mean - b.mean).abs().max()) <= SETTLED * max(b.scale, 1e-300)
    return close and math.isclose(a.variance, b.variance, rel_tol=SETTLED, abs_tol=SETTLED * b.scale**2)
