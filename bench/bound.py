"""The gradient of a bound over K particles, by a sum over all K-tuples of points."""

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ..estimators.node import Node

_NUMBERS_AT_ONCE = 2**22  # in one slice of the table of tuples


@dataclass(frozen=True)
class BoundGradient:
    """A sum over tuples, differentiated.

    Args:
        gradient: [*B, *param].
        size: the sum of the sizes of the terms before they are differentiated.
    """

    gradient: Tensor
    size: float


def bound_gradient(node: Node, x: Tensor, cost: Tensor, log_volume: Tensor, K: int) -> BoundGradient:
    """Return grad_theta sum over (x_1, ..., x_K) of prod_i q(x_i) v(x_i) F(x_1, ..., x_K), in double precision.

    F = -log mean_i w_i, log w_i = -cost(x_i) - log q(x_i): q is differentiated wherever it stands, automatically.
    Points where q = 0 weigh nothing.

    Args:
        node: q.
        x: the points of one particle [M, *B or 1 for each, *event].
        cost: at the points [M, *B].
        log_volume: log v [M, *B], 0 for outcomes.
        K: particles.
    """
    theta = node.theta.detach().double().requires_grad_()
    log_q = node.with_theta(theta).log_prob(x.double())  # [M, *B]
    leaf, cost = log_q.detach().requires_grad_(), cost.double()
    M, total = len(x), 0.0
    place = M ** torch.arange(K, device=x.device)
    for tuples in torch.arange(M**K, device=x.device).split(max(1, _NUMBERS_AT_ONCE // (K * cost[0].numel()))):
        chosen = tuples.unsqueeze(1) // place % M  # [T, K]
        log_p = leaf[chosen]  # [T, K, *B]
        p = (log_p + log_volume[chosen]).sum(1).exp()
        log_w = -cost[chosen] - torch.where(torch.isneginf(log_p), 0, log_p)
        terms = p * (math.log(K) - log_w.logsumexp(1))
        terms.sum().backward()
        total += float(terms.detach().abs().sum())
    log_q.backward(leaf.grad)
    return BoundGradient(cast(Tensor, theta.grad), total)
