"""Exact gradients of tempered and smoothed objectives, by the truth of the problem at other laws.

With independent variables E f is linear in the law of each: what is needed is each variable's law p_d, how it moves
with theta, and v_d = dE f/dp_d, which the exact gradient in the logits of these laws, J(p) v, gives up to a constant.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.node import Enumerable
from ..estimators.target_law import Chances, Mean, Rule, Steps
from .cost import Evaluator, log_q_at
from .exact import Truth, truth
from .problem import Problem

_ENTRIES = 2**24
_MOST = 2**25  # numbers at a time
_SPACING = 1 / 8  # at which the trapezoidal rule for a Gumbel law is exact to rounding


def mean_target(problem: Problem, law: Mean, theta: Tensor) -> Truth:
    """Return (dp/dtheta)^T v for the law of independent variables with mean p(theta), theta a leaf."""

    def pulled(v: Tensor) -> Tensor:
        return torch.autograd.grad((law.value * v).sum(), theta)[0]

    p = law.value.detach()
    return _of_means(problem, p, 1 - p, pulled)


def steps_target(problem: Problem, law: Steps) -> Truth:
    """Return E dL/dtheta_j(theta + step), the step along j by the law's own rule, the others by the other one."""
    if problem.node.family == "normal":
        return _normal_steps(problem, law)
    theta = problem.node.theta.detach().double()
    if problem.node.family == "bernoulli":

        def at(rule: Rule, function: Callable[[Tensor], Tensor]) -> Tensor:
            return sum(w * function(theta + s) for s, w in zip(rule.points, rule.weights, strict=True))

        p, q = at(law.others, torch.sigmoid), at(law.others, lambda phi: torch.sigmoid(-phi))
        slope = at(law.own, lambda phi: torch.sigmoid(phi) * torch.sigmoid(-phi))
        return _of_means(problem, p, q, lambda v: slope * v)
    walk = _Walk.of(theta, law)
    p = walk.chances()
    return _of_means(problem, p, 1 - p, walk.pulled)


def chances_target(problem: Problem, law: Chances, theta: Tensor) -> Truth:
    """Return grad sum_m P_m(theta) f(x_m) over the node's outcomes, theta a leaf."""
    node = cast(Enumerable, problem.node)
    f, _ = Evaluator(problem)(node.outcomes().reshape(1, -1, *(1,) * len(node.batch_shape), *node.event_shape))
    f = f[0].double()
    (gradient,) = torch.autograd.grad((law.value * (f - f.mean(0))).sum(), theta)
    return Truth(problem.tied(gradient.unsqueeze(0))[0], "enumeration")


@dataclass(frozen=True)
class _Walk:
    """A choice among K classes whose logits each take a step of their own: one integral, whatever K.

    softmax(theta + step) is the law of argmax(theta + step + G), G Gumbel, and theta_k + step_k + G_k are independent
    with distribution functions F_k and densities f_k: P_k = integral of f_k prod_(i != k) F_i. Where the step of j is
    from the rule of its own, with density g_j, dP_k/dtheta_j = -A_kj and dP_j/dtheta_j = sum_k A_kj,
    A_kj = integral of f_k g_j prod_(i != k, j) F_i.

    Args:
        log_below: of the F [T, *B, D, K] at equidistant t.
        log_density: of the f.
        log_own: of the g.
    """

    log_below: Tensor
    log_density: Tensor
    log_own: Tensor

    @classmethod
    def of(cls, theta: Tensor, law: Steps) -> _Walk:
        """Return the laws at theta.

        Raises:
            InputError: where they would be too many numbers.
        """
        there = theta[torch.isfinite(theta)]
        ends = torch.cat([law.own.points, law.others.points])
        low, high = float(there.min() + ends.min()) - 5, float(there.max() + ends.max()) + 40
        t = torch.arange(low, high, _SPACING, dtype=theta.dtype, device=theta.device)
        if t.numel() * theta.numel() * max(len(law.own.points), len(law.others.points)) > _MOST:
            raise InputError(f"the smoothed law of {theta.numel()} logits takes more numbers than are taken here")
        u = t.reshape(-1, *(1,) * theta.ndim) - theta  # [T, *B, D, K]
        below, density = _logs(u, law.others)
        return cls(below, density, density if law.own is law.others else _logs(u, law.own)[1])

    def chances(self) -> Tensor:
        """Return P [*B, D, K]."""
        return (self.log_below.sum(-1, keepdim=True) + self.log_density - self.log_below).exp().sum(0) * _SPACING

    def pulled(self, v: Tensor) -> Tensor:
        """Return sum_k v_k dP_k/dtheta_j = sum_k A_kj (v_j - v_k) [*B, D, K]."""
        h = (self.log_density - self.log_below).exp()
        g = (self.log_below.sum(-1, keepdim=True) + self.log_own - self.log_below).exp()
        return (g * (v * h.sum(-1, keepdim=True) - (h * v).sum(-1, keepdim=True))).sum(0) * _SPACING


def _logs(u: Tensor, rule: Rule) -> tuple[Tensor, Tensor]:
    """Return the logarithms of distribution function and density of step + G at u."""
    axes = (-1, *(1,) * u.ndim)
    moved = u - rule.points.to(u).reshape(axes)  # [Q, T, *B, D, K]
    below = rule.weights.to(u).log().reshape(axes) - torch.exp(-moved)
    return below.logsumexp(0), (below - moved).logsumexp(0)


def _of_means(problem: Problem, p: Tensor, q: Tensor, pulled: Callable[[Tensor], Tensor]) -> Truth:
    """Return what ``pulled`` makes of v = dE f/dp at independent variables of mean p; q = 1 - p unrounded."""
    node = problem.node
    coins = node.family == "bernoulli"
    logits = p.log() - q.log() if coins else p.log()
    found = truth(dataclasses.replace(_fixed(problem), node=node.with_theta(logits.to(node.theta.dtype)), tie=None))
    if found.gradient is None:
        return found
    at_p = found.gradient.reshape(node.theta.shape)
    scale = p * q if coins else p
    v = torch.where(scale > 0, at_p / torch.where(scale > 0, scale, 1), 0)
    gradient = torch.where(torch.isfinite(node.theta), pulled(v), 0)
    return dataclasses.replace(found, gradient=problem.tied(gradient.unsqueeze(0))[0])


def _normal_steps(problem: Problem, law: Steps) -> Truth:
    if problem.node.event_shape[0] > 1 and problem.terms is None:
        return Truth(None, None, "a smoothed objective of several Normal variables needs a cost with terms")
    location = _at_normal_steps(problem, law, 0)
    if location.gradient is None:
        return location
    scale = location if law.own is law.others else _at_normal_steps(problem, law, 1)
    if scale.gradient is None:
        return scale
    gradient = torch.stack([location.gradient[..., 0, :], scale.gradient[..., 1, :]], -2)
    return Truth(problem.tied(gradient.unsqueeze(0))[0], "quadrature")


def _at_normal_steps(problem: Problem, law: Steps, own: int) -> Truth:
    """Return the mean gradient [*B, 2, D] at steps of the rule whose own axis is this one."""
    node = problem.node
    theta = node.theta.detach().double()
    steps, weights = _product(law, own, theta.numel())
    moved = theta + steps.reshape(-1, *(1,) * (theta.ndim - 2), 2, 1)  # [Q, *B, 2, D]
    sign = torch.stack([torch.ones_like(moved[..., 1, :]), moved[..., 1, :].sign()], -2)  # a scale counts by its size
    if (sign == 0).any():
        return Truth(None, None, "a step moves the scale to 0, where the law has no density")
    at = node.with_theta((moved * sign).to(node.theta.dtype))
    found = truth(dataclasses.replace(_fixed(problem), node=at, tie=None))
    if found.gradient is None:
        return found
    return dataclasses.replace(found, gradient=_mixed(weights, sign * found.gradient.reshape(moved.shape)))


def _product(law: Steps, own: int, entries: int) -> tuple[Tensor, Tensor]:
    """Return steps [Q, 2] of location and scale and weights [Q], the law's own rule along one of them.

    Raises:
        InputError: if it has too many points.
    """
    rules = [law.own if axis == own else law.others for axis in range(2)]
    count = math.prod(len(rule.points) for rule in rules)
    if count * entries > _ENTRIES:
        raise InputError(
            f"the smoothed law of {entries} parameters takes {count} points each, more than are taken here"
        )
    steps = torch.cartesian_prod(*(rule.points for rule in rules))
    return steps, torch.cartesian_prod(*(rule.weights for rule in rules)).prod(-1)


def _mixed(weights: Tensor, numbers: Tensor) -> Tensor:
    return torch.tensordot(weights.to(numbers), numbers, 1)


def _fixed(problem: Problem) -> Problem:
    """Return the problem as a mean to be taken under other laws: of the cost, with log q at the node's theta added."""
    if problem.objective == "mean":
        return dataclasses.replace(problem, exact_grad=None)
    alone = problem.without_log_q()
    return dataclasses.replace(alone, cost=lambda x: problem.cost(x) + log_q_at(problem.node, x, False)[0])
