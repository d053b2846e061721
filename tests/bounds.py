"""Exact moments of the estimators of bounds over particles, by plain sums over tuples of points."""

import math
from itertools import product as tuples

import torch
from torch import Tensor

from varbench.estimators.estimator import Estimator
from varbench.estimators.families.normal import Normal
from varbench.estimators.node import Node

from .exact_moments import Axis, Cost, FixedNoise, Rule, law, moments, over_outcomes, product

REACH = {"normal": 9.0, "logistic": 36.0}  # in scales; the mass beyond is 5e-16 at most
POSTERIOR = Normal(torch.tensor([[0.5], [0.5**0.5]], dtype=torch.float64))  # of x ~ N(0, 1), y ~ N(x, 1) at y = 1


def minus_log_joint(x: Tensor) -> Tensor:
    """Return -log p(x, y = 1) up to a constant."""
    return (x.square() / 2 + (1 - x).square() / 2).sum(-1)


def with_log_q(node: Node, cost: Cost) -> Cost:
    """Return f = cost + log q, theta held fixed: what the harness hands to an estimator."""
    return lambda x: cost(x) + law(node).log_prob(x)


def points_of(node: Node, S: int) -> Axis:
    """Return points [M, *event] of one particle, and their volumes."""
    if node.family not in REACH:
        return node.outcomes(), torch.ones(len(node.outcomes()))
    reach, step = REACH[node.family], {2: 0.1, 3: 0.3}[S]
    z = torch.arange(-round(reach / step), round(reach / step) + 1, dtype=torch.float64).unsqueeze(-1) * step
    loc, scale = node.theta
    return loc + scale * z, torch.full((len(z),), step, dtype=torch.float64) * scale


def over_particles(node: Node, S: int) -> Rule:
    """S independent points of ``points_of``."""
    if node.family in ("bernoulli", "categorical"):
        return over_outcomes(node, S)
    x, volumes = points_of(node, S)
    index, weights = product([(torch.arange(len(x)), law(node).log_prob(x).exp() * volumes)] * S)
    return Rule(weights, FixedNoise(len(index)), x[index])


def gradient_of_bound(node: Node, cost: Cost, S: int) -> Tensor:
    """Return grad -E log mean_i p(x_i, y) / q(x_i), q differentiated in the law and in the weights."""
    theta = node.theta.clone().requires_grad_()
    x, volumes = points_of(node, S)
    log_q = law(node, theta).log_prob(x)
    log_w = -cost(x) - log_q
    of_tuple = torch.cartesian_prod(*[torch.arange(len(x))] * S)
    q = (log_q.exp() * volumes)[of_tuple].prod(-1)
    (q * (math.log(S) - log_w[of_tuple].logsumexp(-1))).sum().backward()
    return theta.grad


def assert_unbiased_for_the_bound(estimator: Estimator, node: Node, cost: Cost, S: int) -> None:
    """Assert that the exact mean of one draw is the exact gradient of the bound."""
    mean, _ = moments(estimator, node, with_log_q(node, cost), over_particles(node, S), S)
    torch.testing.assert_close(mean, gradient_of_bound(node, cost, S), rtol=1e-9, atol=1e-10)


def variance_of_vimco(node: Node, cost: Cost, S: int) -> float:
    """Return the trace of vimco's covariance, one tuple of outcomes after another, each by its definition."""
    theta, outcomes = node.theta.clone().requires_grad_(), node.outcomes()
    log_q = law(node, theta).log_prob(outcomes)
    scores = torch.stack([torch.autograd.grad(one, theta, retain_graph=True)[0] for one in log_q])
    q = log_q.detach().exp().tolist()
    w = [math.exp(-c) / q_x for c, q_x in zip(cost(outcomes).tolist(), q, strict=True)]
    first, second = 0.0, 0.0
    for chosen in tuples(range(len(outcomes)), repeat=S):
        weights = [w[m] for m in chosen]
        draw = 0.0
        for i, m in enumerate(chosen):
            others = weights[:i] + weights[i + 1 :]
            without = math.prod(others) ** (1 / (S - 1))
            signal = math.log((sum(others) + without) / S) - math.log(sum(weights) / S)
            draw = draw + (signal + weights[i] / sum(weights)) * scores[m]
        p = math.prod(q[m] for m in chosen)
        first, second = first + p * draw, second + p * float((draw**2).sum())
    return second - float((first**2).sum())


def assert_variance_of_vimco(estimator: Estimator, node: Node, cost: Cost, S: int) -> None:
    """Assert that the exact covariance trace is that of the definition."""
    _, variance = moments(estimator, node, with_log_q(node, cost), over_particles(node, S), S)
    expected = variance_of_vimco(node, cost, S)
    assert math.isclose(variance, expected, rel_tol=1e-10), f"{variance} is not {expected}"


def variance_at_the_posterior(estimator: Estimator, S: int) -> float:
    """Return the exact covariance trace where q is the posterior of a Gaussian model."""
    rule = over_particles(POSTERIOR, S)
    return moments(estimator, POSTERIOR, with_log_q(POSTERIOR, minus_log_joint), rule, S)[1]


def has_no_variance_at_the_posterior(estimator: Estimator) -> None:
    variance = variance_at_the_posterior(estimator, 2)
    assert variance < 1e-28, f"{variance} is not 0"
