"""Expectations over an estimator's noise as finite weighted sums: outcomes enumerated, densities integrated.

Nothing here uses a node's own score or probabilities: laws come from torch.distributions.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from ...estimators.node import Enumerable, Node
from .laid_noise import FixedNoise
from .laws import COUNTED, law, support

Cost = Callable[[Tensor], Tensor]
Axis = tuple[Tensor, Tensor]  # numbers [Q] and weights [Q] of a rule in one variable


@dataclass(frozen=True)
class Rule:
    """What stands for the expectation over noise: N rows of it (or of points), and their weights [N]."""

    weights: Tensor
    noise: FixedNoise
    points: Tensor | None = None


def product(axes: Sequence[Axis]) -> Axis:
    """Return the product rule: numbers [Q1 Q2 ..., n] and weights [Q1 Q2 ...]."""
    numbers = torch.cartesian_prod(*[x for x, _ in axes]).reshape(-1, len(axes))
    weights = torch.cartesian_prod(*[w for _, w in axes]).reshape(-1, len(axes))
    return numbers, weights.prod(-1)


def hermite(order: int = 6) -> Axis:
    """Return the Gauss-Hermite rule of N(0, 1), exact for polynomials of degree 2 order - 1."""
    x, w = np.polynomial.hermite_e.hermegauss(order)
    return torch.from_numpy(x), torch.from_numpy(w / math.sqrt(2 * math.pi))


def legendre(edges: Tensor, order: int = 24) -> Axis:
    """Return the Gauss-Legendre rule on the panels between the edges."""
    x, w = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(order))
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * x).flatten(), (half[:, None] * w).flatten()


def over_outcomes(node: Node, S: int) -> Rule:
    """All joint outcomes of S independent points, for estimators without other noise."""
    outcomes = cast(Enumerable, node).outcomes()
    index = torch.arange(len(outcomes))
    rows, weights = product([(index, law(node).log_prob(outcomes).exp())] * S)
    return Rule(weights, FixedNoise(len(rows)), outcomes[rows])


def over_normals(node: Node, S: int) -> Rule:
    """Gauss-Hermite in every coordinate of S points."""
    D = node.event_shape[0]
    e, weights = product([hermite()] * (S * D))
    return Rule(weights, FixedNoise(len(e), normal_x=e.reshape(-1, S, D)))


def over_the_node(node: Node, S: int) -> Rule:
    """S independent points of the node, whatever its family."""
    if node.family == "normal":
        return over_normals(node, S)
    if node.family in COUNTED:
        return over_counts(node, S)
    return over_outcomes(node, S) if node.family in ("bernoulli", "categorical") else over_support(node, S)


def over_support(node: Node, S: int) -> Rule:
    """S independent points of a quadrature rule over the support."""
    x, volumes = support(node)
    rows, weights = product([(torch.arange(len(x)), law(node).log_prob(x).exp() * volumes)] * S)
    return Rule(weights, FixedNoise(len(rows)), x[rows])


def over_counts(node: Node, S: int) -> Rule:
    """One noise inside the cell of each outcome that matters, for S points of independent whole numbers or coins."""
    axes, numbers = [], torch.arange(60, dtype=torch.float64)
    for d in range(node.event_shape[0]):
        one = node.with_theta(node.theta[d : d + 1])
        if node.family == "bernoulli":
            q = torch.cat([torch.sigmoid(one.theta), torch.sigmoid(-one.theta)])  # x = 1, then x = 0
            axes.append(((q.cumsum(0) - q / 2), q))
        elif node.family == "geometric":
            q = law(one).log_prob(numbers.unsqueeze(-1)).exp()
            axes.append(((numbers + 0.5) * torch.log1p(one.theta.exp()), q))
        else:
            q = law(one).log_prob(numbers.unsqueeze(-1)).exp()
            kept = q.flip(0).cumsum(0).flip(0) > 1e-15
            axes.append(((q.cumsum(0) - q / 2)[kept], q[kept]))
    noise, weights = product(axes * S)
    name = "exponential_x" if node.family == "geometric" else "uniform_x"
    return Rule(weights, FixedNoise(len(noise), **{name: noise.reshape(-1, S, node.event_shape[0])}))


def over_nothing(node: Node, S: int) -> Rule:
    """One row: the estimator is deterministic."""
    return Rule(torch.ones(1, dtype=torch.float64), FixedNoise(1))


def evaluated(cost: Cost, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cost's values [N, P, *B] and slopes [N, P, *B, *event]."""
    points = points.detach().clone().requires_grad_()
    values = cost(points)
    (slopes,) = torch.autograd.grad(values.sum(), points)
    return values.detach(), slopes


def weighted_moments(draws: Tensor, weights: Tensor) -> tuple[Tensor, float]:
    """Return the exact mean [*B, *param] and covariance trace of draws [Q, *B, *param] with weights [Q] or [Q, *B]."""
    w = weights.reshape(*weights.shape, *(1,) * (draws.ndim - weights.ndim))
    mean = (w * draws).sum(0)
    return mean, float((w * (draws - mean).square()).sum())


def exact_gradient(node: Node, cost: Cost) -> Tensor:
    """Return grad E f(x) [*param] by differentiating the finite sum for E f(x)."""
    theta = node.theta.clone().requires_grad_()
    if node.family == "normal":
        e, p = product([hermite()] * node.event_shape[0])
        x = theta[0] + theta[1] * e
    else:
        x, volumes = (
            (cast(Enumerable, node).outcomes(), torch.ones(()))
            if node.family in ("bernoulli", "categorical")
            else support(node)
        )
        p = volumes * law(node, theta).log_prob(x).exp()
    (p * cost(x)).sum().backward()
    assert theta.grad is not None
    return theta.grad


def polynomial(node: Node, degree: int) -> Cost:
    """Return a cost of this degree in which all variables meet: sum_j h^j / j with h a fixed linear form of x."""
    size = math.prod(node.event_shape)
    a = torch.cos(1.0 + torch.arange(size, dtype=torch.float64)).to(node.theta.dtype)

    def cost(x: Tensor) -> Tensor:
        h = (x.cos() if node.family == "von_mises" else x).flatten(-len(node.event_shape)) @ a
        return torch.stack([h**j / j for j in range(1, degree + 1)]).sum(0)

    return cost
