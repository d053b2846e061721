"""The exact gradient of what an estimator's mean aims at, where that is not grad E f(x).

Nothing here uses an estimator's formula or the slopes of the cost: the law's density is differentiated instead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..estimators.errors import CostError
from ..estimators.facts import Facts
from .cost import Evaluator
from .exact import Truth, summands, truth
from .problem import Problem

_REACH = 40.0  # of the logistic law: the mass beyond is 8.5e-18
_COARSEST, _FINEST = 2**11, 2**18  # intervals
_POINT_ENTRIES = 2**24
_TOLERANCE = 1e-9  # relative to the largest sum of the terms' sizes


def target_truth(problem: Problem, facts: Facts, config: Mapping[str, Any], exact: Truth) -> Truth:
    """Return the exact gradient of the estimator's target, or the reason why it is not known.

    Tempered (decoupled_st): grad_phi E f(D), D ~ p_{phi / tau_f}, is 1 / tau_f times the problem's gradient at
    phi / tau_f. Relaxed (gumbel_softmax): grad_phi E f(y), y = sigmoid((phi + L) / tau) for logistic L.

    Args:
        problem: as measured.
        facts: of the estimator.
        config: its full configuration.
        exact: the gradient of E f(x), which an untempered law has.
    """
    original = facts.alias_of or facts.name
    try:
        if original == "decoupled_st":
            return _tempered(problem, float(config["forward_temperature"]), exact)
        if original == "gumbel_softmax":
            return _relaxed_coins(problem, float(config["temperature"]))
    except CostError as error:
        return Truth(None, None, str(error))
    return Truth(None, None, f"no rule is known here for the {facts.target} target of '{facts.name}'")


def _tempered(problem: Problem, tau: float, exact: Truth) -> Truth:
    if tau == 1:
        return exact
    node = problem.node.with_theta(problem.node.theta / tau)
    found = truth(dataclasses.replace(problem, node=node, exact_grad=None))
    return found if found.gradient is None else dataclasses.replace(found, gradient=found.gradient / tau)


def _relaxed_coins(problem: Problem, tau: float) -> Truth:
    """Return sum over z of t(sigmoid(z / tau)) d l(z - phi) / dphi, l the logistic density, for each coin alone."""
    node = problem.node
    if node.family != "bernoulli" or problem.objective != "mean":
        return Truth(None, None, f"no rule is known here for a relaxed {node.family} node under '{problem.objective}'")
    if problem.terms is None and node.event_shape != (1,):
        return Truth(None, None, "a cost of several relaxed coins is beyond quadrature without terms")
    finest = min(_FINEST, _POINT_ENTRIES // node.theta.numel())
    n, last = _COARSEST, None
    while n <= finest:
        now, scale = _trapezoid(problem, tau, n)
        if last is not None and float((now - last).abs().max()) <= _TOLERANCE * scale:
            return Truth(problem.tied(now.unsqueeze(0))[0], "quadrature")
        n, last = 2 * n, now
    return Truth(None, None, f"quadrature with {n // 2} intervals did not settle: the cost is too rough")


def _trapezoid(problem: Problem, tau: float, n: int) -> tuple[Tensor, float]:
    """Return the trapezoidal rule on n intervals for the gradient [*B, D], and the size of its terms."""
    phi = problem.node.theta.detach()
    L = torch.linspace(-_REACH, _REACH, n + 1, dtype=torch.float64, device=phi.device)
    L = L.reshape(-1, *(1,) * phi.ndim)  # [Q, 1, ..., 1]
    slope = torch.sigmoid(L) * torch.sigmoid(-L) * (2 * torch.sigmoid(L) - 1) * (2 * _REACH / n)  # -l'(L) dL
    y = torch.sigmoid((phi.double() + L) / tau).to(phi.dtype)  # [Q, *B, D]
    if problem.terms is not None:
        t = summands(problem, y)
    else:
        t = Evaluator(problem)(y.unsqueeze(0))[0][0].double().unsqueeze(-1)  # [Q, *B, 1]
    products = slope * t
    return products.sum(0), float(products.abs().sum(0).max())
