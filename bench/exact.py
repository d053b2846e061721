"""The exact gradient of a problem: closed form, enumeration or quadrature.

Nothing here uses a node's score or an estimator's formula: what the estimators are judged by must not
share their mistakes. Enumeration differentiates sum_x p(x) f(x) automatically. On an elbo, f = cost + log q is held
fixed there: the derivative of log q in theta, the score, has mean zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.families.normal import Normal
from ..estimators.node import MAX_OUTCOMES, Discrete, Enumerable, outcome_count
from .bound import bound_gradient
from .cost import Evaluator
from .problem import Problem

_OUTCOMES_AT_ONCE = 2**22  # numbers in one slice of the table of outcomes
_REACH = 10.0  # of the quadrature, in standard deviations: the mass beyond is 1.5e-23
_FINEST = {1: 2**20, 2: 2**10}  # intervals an axis
_COARSEST = {1: 2**12, 2: 2**7}
_CARRIERS = 16  # fewer nodes than that do not see the shape of a peak
_POINT_ENTRIES = 2**24


@dataclass(frozen=True)
class Truth:
    """The exact gradient of a problem.

    Args:
        gradient: flat float64 tensor, tied where the problem ties; None if it was not found.
        method: closed_form, enumeration, factorized_enumeration, quadrature, factorized_quadrature, a reference run
            (see reference.py), or None.
        reason: why it was not found.
        error_trace: tr C, C the covariance of the gradient's own error; 0 for an exact one.
        error_square: tr C^2.
    """

    gradient: Tensor | None
    method: str | None
    reason: str | None = None
    error_trace: float = 0.0
    error_square: float = 0.0

    def plain(self) -> dict[str, Any]:
        """Return the truth as plain data, for stores and between processes."""
        return {**vars(self), "gradient": None if self.gradient is None else self.gradient.tolist()}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Truth:
        """Return the truth that ``plain`` returned, to the bit."""
        gradient = plain["gradient"]
        return cls(**{**plain, "gradient": None if gradient is None else torch.tensor(gradient, dtype=torch.float64)})


def truth(problem: Problem) -> Truth:
    """Return the exact gradient of a problem, or the reason why it has none here.

    Raises:
        CostError: if the cost fails.
    """
    node = problem.node
    if problem.exact_grad is not None:
        return Truth(problem.tied(problem.exact_grad.detach().unsqueeze(0))[0], "closed_form")
    try:
        if problem.objective == "iwae":
            gradient, method = _bound(problem)
        elif node.family == "normal":
            gradient, method = _quadrature(problem)
        elif problem.terms is not None and node.family in ("bernoulli", "categorical"):
            gradient, method = _factorized_enumeration(problem), "factorized_enumeration"
        elif hasattr(node, "outcomes"):
            gradient, method = _enumeration(problem), "enumeration"
        else:
            raise _NoTruth(f"no rule is known here for a {node.family} node; give exact_grad")
    except _NoTruth as none:
        return Truth(None, None, str(none))
    return Truth(problem.tied(gradient.unsqueeze(0))[0], method)


class _NoTruth(Exception):  # noqa: N818
    """The reason why no exact gradient was found."""


def _enumeration(problem: Problem) -> Tensor:
    """Return d/dphi sum_x p(x) (f(x) - c) by automatic differentiation; any constant c, since sum_x p(x) = 1."""
    node = cast(Enumerable, problem.node)
    try:
        outcome_count(node)
    except InputError as error:
        raise _NoTruth(str(error)) from error
    phi = node.theta.detach().double().requires_grad_()
    axes = (1,) * len(node.batch_shape)
    table = node.outcomes()
    values, _ = Evaluator(problem)(table.reshape(1, -1, *axes, *node.event_shape))
    f = values[0].double()  # [M, *B]
    f = f - f.mean(0)
    size = max(1, _OUTCOMES_AT_ONCE // node.theta.numel())
    for x, f_x in zip(table.double().split(size), f.split(size), strict=True):
        p = node.with_theta(phi).log_prob(x.reshape(-1, *axes, *node.event_shape)).exp()
        (p * f_x).sum().backward()
    return cast(Tensor, phi.grad)


def _bound(problem: Problem) -> tuple[Tensor, str]:
    """Return the gradient of a bound over K particles: all K-tuples of outcomes, or a rule for two Normal numbers."""
    node, K, alone = problem.node, problem.particles, problem.without_log_q()
    if node.family == "normal":
        if (*node.event_shape, K) != (1, 2):
            raise _NoTruth("a bound over Normal particles is beyond quadrature but for two of one dimension")
        return _refined_bound(alone), "quadrature"
    if not hasattr(node, "outcomes"):
        raise _NoTruth(f"no rule is known here for a bound over {node.family} particles; give exact_grad")
    try:
        M = outcome_count(cast(Enumerable, node))
    except InputError as error:
        raise _NoTruth(str(error)) from error
    if M**K > MAX_OUTCOMES:
        raise _NoTruth(f"{M} outcomes of each of {K} particles are {M**K} tuples; at most 2^20 can be enumerated")
    x = cast(Enumerable, node).outcomes().reshape(-1, *(1,) * len(node.batch_shape), *node.event_shape)
    cost, _ = Evaluator(alone)(x.unsqueeze(0))
    return bound_gradient(node, x, cost[0], torch.zeros_like(cost[0]), K).gradient, "enumeration"


def _refined_bound(alone: Problem) -> Tensor:
    """Return the trapezoidal rule's value for two Normal particles once two successive refinements agree.

    On its own a coarse grid does not see a peak between its nodes: the rule for the cost alone, which can afford to
    see it, must agree with it.
    """
    node = cast(Normal, alone.node)
    tolerance = max(1e-9, 64 * torch.finfo(node.theta.dtype).eps)
    seen, agreed, n = _refined(alone, 1), 0, _COARSEST[2]
    last: Tensor | None = None
    while n <= _FINEST[2]:
        z = torch.linspace(-_REACH, _REACH, n + 1, dtype=torch.float64, device=node.theta.device)
        z = z.reshape(-1, *(1,) * len(node.batch_shape), 1)
        x = (node.loc.double() + node.scale.double() * z).to(node.theta.dtype)  # [n + 1, *B, 1]
        cost = Evaluator(alone)(x.unsqueeze(0))[0][0]
        log_volume = (node.scale.double() * (2 * _REACH / n)).log().squeeze(-1).expand(cost.shape)
        now = bound_gradient(node, x, cost, log_volume, 2)
        scale = now.size / float(node.scale.min())  # of a derivative in the location
        agrees = last is not None and (now.gradient - last).abs().max() <= tolerance * scale
        agreed, coarse = agreed + 1 if agrees else 0, _trapezoid(alone, n, 1)
        if agreed == 2 and (coarse.gradient - seen).abs().max() <= tolerance * coarse.scale:
            return now.gradient
        last, n = now.gradient, 2 * n
    raise _NoTruth("quadrature over two particles did not settle: the cost is too rough; give exact_grad")


def _factorized_enumeration(problem: Problem) -> Tensor:
    """Return d/dphi sum_d sum_k p_dk t_d(k) for a separable cost f = sum_d t_d(x_d)."""
    node = cast(Discrete, problem.node)
    phi = node.theta.detach().double().requires_grad_()
    p = node.with_theta(phi).probs
    if node.family == "bernoulli":
        bits = torch.tensor([0.0, 1.0], dtype=phi.dtype, device=phi.device)
        x = bits.reshape(-1, *(1,) * phi.ndim).expand(-1, *phi.shape)  # [2, *B, D]
        p = torch.stack([1 - p, p])
    else:
        classes = torch.eye(phi.shape[-1], dtype=phi.dtype, device=phi.device)
        x = classes.reshape(-1, *(1,) * (phi.ndim - 1), phi.shape[-1]).expand(-1, *phi.shape)  # [K, *B, D, K]
        p = p.movedim(-1, 0)
    (p * summands(problem, x.to(node.theta.dtype))).sum().backward()
    return cast(Tensor, phi.grad)


def summands(problem: Problem, x: Tensor) -> Tensor:
    """Return the summands [Q, *B, D] of a separable cost, after checking that they add up to it."""
    assert problem.terms is not None
    t = problem.terms(x)
    f = Evaluator(problem)(x.unsqueeze(0))[0][0]
    tolerance = 64 * t.shape[-1] * torch.finfo(t.dtype).eps * float(t.abs().max())
    if t.shape[:-1] != f.shape or (t.sum(-1) - f).abs().max() > tolerance:
        raise InputError(f"problem '{problem.name}': its terms do not add up to its cost; mend or drop them")
    return t.double()


def _quadrature(problem: Problem) -> tuple[Tensor, str]:
    """Return the gradient of a Normal problem in one or two dimensions, or per factor of a separable cost."""
    D = problem.node.event_shape[0]
    if problem.terms is not None:
        return _refined(problem, axes=1), "factorized_quadrature"
    if D > 2:
        raise _NoTruth(f"a Normal node of {D} > 2 dimensions is beyond quadrature; give exact_grad, or terms")
    return _refined(problem, axes=D), "quadrature"


def _refined(problem: Problem, axes: int) -> Tensor:
    """Return the trapezoidal rule's value once two successive refinements agree to rounding."""
    theta = problem.node.theta
    tolerance = max(1e-9, 64 * torch.finfo(theta.dtype).eps)
    finest = min(_FINEST[axes], int((_POINT_ENTRIES / theta.numel()) ** (1 / axes)))
    n, agreed = min(_COARSEST[axes], finest // 4), 0
    last = _trapezoid(problem, n, axes)
    while n < finest:
        n *= 2
        now = _trapezoid(problem, n, axes)
        if now.tail > tolerance:
            raise _NoTruth(f"the cost grows too fast for quadrature to {_REACH:g} standard deviations; give exact_grad")
        agrees = (now.gradient - last.gradient).abs().max() <= tolerance * now.scale
        agreed = agreed + 1 if agrees and now.carriers >= _CARRIERS else 0
        if agreed == 2 or (now.scale == 0 and n >= finest):
            return now.gradient
        last = now
    raise _NoTruth(f"quadrature with {n} intervals an axis did not settle: the cost is too rough; give exact_grad")


@dataclass(frozen=True)
class _Integral:
    """A gradient by quadrature, and whether it can be believed."""

    gradient: Tensor
    scale: float  # the largest sum of the terms' sizes
    carriers: float  # how many nodes carry it: (sum |t|)^2 / sum t^2, at its smallest
    tail: float  # the share of the outermost nodes, at its largest


def _trapezoid(problem: Problem, n: int, axes: int) -> _Integral:
    """Return the trapezoidal rule for E[(f(x) - E f) s(x)] on n intervals an axis.

    The rule converges geometrically for smooth costs under a Gaussian weight. Weights and scores are those
    of the standard Normal, written out: nothing of the node's own is used.
    """
    node = cast(Normal, problem.node)
    batch, D = node.batch_shape, node.event_shape[0]
    z = torch.linspace(-_REACH, _REACH, n + 1, dtype=torch.float64, device=node.theta.device)
    w = torch.exp(-z.square() / 2) * (2 * _REACH / n / math.sqrt(2 * math.pi))
    if axes == 1:
        z = z.unsqueeze(-1)  # [Q, 1]: one coordinate serves all factors
    else:
        z, w = torch.cartesian_prod(z, z), torch.outer(w, w).flatten()
    z = z.reshape(-1, *(1,) * len(batch), z.shape[-1]).expand(-1, *batch, D)  # [Q, *B, D]
    mu, sigma = node.loc.double(), node.scale.double()
    x = (mu + sigma * z).to(node.theta.dtype)
    if problem.terms is not None:
        f = summands(problem, x)  # [Q, *B, D]
    else:
        f = Evaluator(problem)(x.unsqueeze(0))[0][0].double().unsqueeze(-1)  # [Q, *B, 1]
    weight = w.reshape(-1, *(1,) * (len(batch) + 1))
    centred = weight * (f - (weight * f).sum(0))
    scores = torch.stack([z / sigma, (z.square() - 1) / sigma], -2)  # [Q, *B, 2, D]
    products = centred.unsqueeze(-2) * scores  # [Q, *B, 2, D]
    sizes = products.abs()
    total = sizes.sum(0)
    seen = total > 0
    carriers = (total.square() / sizes.square().sum(0))[seen]
    outermost = (z.abs() >= _REACH).reshape(len(z), -1).any(1)
    tail = (sizes[outermost].sum(0) / total)[seen]
    return _Integral(
        products.sum(0),
        float(total.max()),
        float(carriers.min()) if seen.any() else math.inf,
        float(tail.max()) if seen.any() else 0.0,
    )
