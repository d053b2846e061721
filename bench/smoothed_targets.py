"""Exact gradients of tempered and smoothed objectives, by the truth of the problem at other laws.

With independent variables E f is linear in the law of each: what is needed is each variable's law p_d, how it moves
with theta, and v_d = dE f/dp_d, which the exact gradient in the logits of these laws, J(p) v, gives up to a constant.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
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
    K = theta.shape[-1]
    grids = [_product(law, j, K, theta.numel()) for j in range(K)]
    steps, weights = _product(law, None, K, theta.numel())
    p = _mixed(weights, torch.softmax(_moved(theta, steps), -1))

    def pulled(v: Tensor) -> Tensor:
        columns = []
        for j, (steps, weights) in enumerate(grids):
            y = torch.softmax(_moved(theta, steps), -1)
            columns.append(_mixed(weights, y[..., j] * (v[..., j] - (y * v).sum(-1))))
        return torch.stack(columns, -1)

    return _of_means(problem, p, 1 - p, pulled)


def chances_target(problem: Problem, law: Chances, theta: Tensor) -> Truth:
    """Return grad sum_m P_m(theta) f(x_m) over the node's outcomes, theta a leaf."""
    node = cast(Enumerable, problem.node)
    f, _ = Evaluator(problem)(node.outcomes().reshape(1, -1, *(1,) * len(node.batch_shape), *node.event_shape))
    f = f[0].double()
    (gradient,) = torch.autograd.grad((law.value * (f - f.mean(0))).sum(), theta)
    return Truth(problem.tied(gradient.unsqueeze(0))[0], "enumeration")


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
    steps, weights = _product(law, own, 2, theta.numel())
    moved = theta + steps.reshape(-1, *(1,) * (theta.ndim - 2), 2, 1)  # [Q, *B, 2, D]
    sign = torch.stack([torch.ones_like(moved[..., 1, :]), moved[..., 1, :].sign()], -2)  # a scale counts by its size
    if (sign == 0).any():
        return Truth(None, None, "a step moves the scale to 0, where the law has no density")
    at = node.with_theta((moved * sign).to(node.theta.dtype))
    found = truth(dataclasses.replace(_fixed(problem), node=at, tie=None))
    if found.gradient is None:
        return found
    return dataclasses.replace(found, gradient=_mixed(weights, sign * found.gradient.reshape(moved.shape)))


def _product(law: Steps, own: int | None, size: int, entries: int) -> tuple[Tensor, Tensor]:
    """Return steps [Q, size] and weights [Q] of the product rule: the law's own rule along one axis.

    Raises:
        InputError: if it has too many points.
    """
    rules = [law.own if j == own else law.others for j in range(size)]
    count = math.prod(len(rule.points) for rule in rules)
    if count * entries > _ENTRIES:
        raise InputError(f"the smoothed law of {size} parameters a variable is beyond a product rule ({count} points)")
    steps = torch.cartesian_prod(*(rule.points for rule in rules)).reshape(-1, size)
    weights = torch.cartesian_prod(*(rule.weights for rule in rules)).reshape(-1, size).prod(-1)
    return steps, weights


def _moved(theta: Tensor, steps: Tensor) -> Tensor:
    """Return theta [..., K] moved by steps [Q, K] as [Q, ..., K]."""
    return theta + steps.to(theta).reshape(-1, *(1,) * (theta.ndim - 1), steps.shape[-1])


def _mixed(weights: Tensor, numbers: Tensor) -> Tensor:
    return torch.tensordot(weights.to(numbers), numbers, 1)


def _fixed(problem: Problem) -> Problem:
    """Return the problem as a mean to be taken under other laws: of the cost, with log q at the node's theta added."""
    if problem.objective == "mean":
        return dataclasses.replace(problem, exact_grad=None)
    alone = problem.without_log_q()
    return dataclasses.replace(alone, cost=lambda x: problem.cost(x) + log_q_at(problem.node, x, False)[0])
