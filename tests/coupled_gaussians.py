"""Exact moments of Gaussian points that share a shift: by a rule for the shift, and by the intervals that they fill."""

import math

import torch
from torch import Tensor
from torch.distributions import Normal as Law

from varbench.estimators.estimator import Estimator
from varbench.estimators.families.normal import Normal

from .exact_moments import (
    Axis,
    Cost,
    FixedNoise,
    Rule,
    evaluated,
    exact_gradient,
    legendre,
    moments,
    polynomial,
    product,
)


def within() -> Axis:
    """Return the rule of a uniform, graded towards 0 and 1: a uniform is sigmoid(t), t logistic."""
    t, w = legendre(torch.linspace(-34, 34, 18, dtype=torch.float64), order=12)
    return torch.sigmoid(t), w * torch.sigmoid(t) * torch.sigmoid(-t)


def over_shifts(node: Normal, S: int) -> Rule:
    """The rule of the shift of each coordinate: S intervals, each graded towards its ends."""
    v, w = within()
    shift = (torch.arange(S, dtype=torch.float64)[:, None] + v).flatten() / S
    u, weights = product([(shift, w.repeat(S) / S)] * node.event_shape[0])
    return Rule(weights, FixedNoise(len(u), uniform_x=u.unsqueeze(1)))


def over_intervals(node: Normal, cost: Cost, S: int) -> tuple[Tensor, float]:
    """Return mean and variance of the mean over x_j = mu + sigma Phi^-1((j + v) / S), one coordinate, v uniform."""
    v, w = within()
    loc, scale = node.theta
    e = Law(0.0, 1.0).icdf((torch.arange(S, dtype=torch.float64) + v[:, None]) / S)
    _, slopes = evaluated(cost, (loc + scale * e).unsqueeze(-1))
    draws = torch.stack([slopes[..., 0].mean(1), (slopes[..., 0] * e).mean(1)], -1)
    mean = w @ draws
    return mean, float((w @ (draws - mean).square()).sum())


def assert_moments_of_rqmc(estimator: Estimator, node: Normal, cost: Cost, S: int) -> None:
    """Assert that the exact mean is the gradient, and on one coordinate the exact variance that of the intervals."""
    mean, variance = moments(estimator, node, cost, over_shifts(node, S), S)
    torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=1e-8, atol=1e-9)
    if node.event_shape == (1,):
        _, expected = over_intervals(node, cost, S)
        assert math.isclose(variance, expected, rel_tol=1e-8), f"{variance} is not {expected}"


def has_exact_moments_of_rqmc(estimator: Estimator) -> None:
    node = Normal(torch.tensor([[0.5], [1.3]], dtype=torch.float64))
    assert_moments_of_rqmc(estimator, node, polynomial(node, 3), 2)
