"""The rule that integrates an estimator's noise, found by watching what noise it asks for.

Three kinds of estimators have one: those whose points are the node's own draws and whose combine asks for no noise
(the joint outcomes, or a quadrature over the support), those that ask for a few uniforms (a Gauss rule in each cell
between the probabilities), and those that ask for a few Normals (Gauss-Hermite).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ...estimators.node import Node
from .laid_noise import FixedNoise
from .laws import law, support
from .rules import Axis, Rule, hermite, legendre, product

MAX_ROWS = 2**14
FINITE = ("bernoulli", "categorical", "subset")
MAX_NUMBERS = 4  # of noise in one draw
POINT_ORDERS = (8, 10)  # of the rule over points of a Normal node
ORDERS = {"uniform": (4, 5), "normal": (7, 9)}  # of the coarse rule and the fine one, which must agree

Answers = Mapping[tuple[str, str, tuple[int, ...]], object]


@dataclass(frozen=True)
class Rules:
    """Rules for one expectation, the finest last.

    Args:
        rules: one that is exact, or a coarse one and a fine one, which must agree; none where nothing is known.
        exact: whether the rule sums over all that can happen: it then errs by rounding only.
    """

    rules: tuple[Rule, ...] = ()
    exact: bool = False


def over_points(node: Node, S: int) -> Rules:
    """Return rules over S independent points of the node, or of each node of a batch, if they are small enough.

    One rule for finitely many outcomes and for a quadrature over the support, two of different order for a Normal node.
    """
    rules = []
    for order in POINT_ORDERS if node.family == "normal" else (None,):
        nodes = [node.with_theta(part) for part in node.theta] if node.batch_shape else [node]
        axes = [_support(one, order) for one in nodes]
        count = len(axes[0][0])
        if count**S > MAX_ROWS or any(len(x) != count for x, _ in axes):
            return Rules()
        index = torch.cartesian_prod(*[torch.arange(count)] * S).reshape(-1, S)
        points, weights = [x[index] for x, _ in axes], [w[index].prod(1) for _, w in axes]
        if node.batch_shape:
            rules.append(Rule(torch.stack(weights, 1), FixedNoise(len(index)), torch.stack(points, 2)))
        else:
            rules.append(Rule(weights[0], FixedNoise(len(index)), points[0]))
    return Rules(tuple(rules), exact=node.family in FINITE)


def _support(node: Node, order: int | None) -> Axis:
    """Return points [Q, *event] of one node and their weights, which sum to one."""
    if order is not None:
        e, w = product([hermite(order)] * node.event_shape[0])
        return node.theta[0] + node.theta[1] * e, w
    x, volumes = support(node)
    return x, law(node).log_prob(x).exp() * volumes


def over_noise(node: Node, answers: Answers) -> Rules:
    """Return a coarse rule and a fine one over the uniforms or Normals that were asked for, if they are few."""
    if not answers:
        return Rules((Rule(torch.ones(1, dtype=torch.float64), FixedNoise(1)),), exact=True)
    laws = {law for law, _, _ in answers}
    count = sum(math.prod(shape) for _, _, shape in answers)
    if len(laws) != 1 or count > MAX_NUMBERS or not laws <= ORDERS.keys():
        return Rules()
    (kind,) = laws
    rules = []
    for order in ORDERS[kind]:
        axis = hermite(order) if kind == "normal" else legendre(_edges(node), order)
        if len(axis[0]) ** count > MAX_ROWS:
            return Rules()
        numbers, weights = product([axis] * count)
        rules.append(Rule(weights, FixedNoise(len(numbers), **_laid(numbers, answers))))
    return Rules(tuple(rules))


def _edges(node: Node) -> Tensor:
    """Return 0, the places where an outcome of the node turns over as a uniform grows, either way, and 1."""
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    if node.family == "bernoulli":
        p = torch.sigmoid(node.theta).flatten()
    elif node.family == "categorical":
        p = torch.softmax(node.theta, -1).cumsum(-1)[..., :-1].flatten()
    else:
        return ends
    return torch.cat([ends, p, 1 - p]).unique()


def _laid(numbers: Tensor, answers: Answers) -> dict[str, Tensor]:
    laid, start = {}, 0
    for law_, name, shape in answers:
        size = math.prod(shape)
        laid[f"{law_}_{name}"] = numbers[:, start : start + size].reshape(-1, *shape)
        start += size
    return laid
