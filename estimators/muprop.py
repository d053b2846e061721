"""MuProp: REINFORCE with the cost's first-order expansion at the mean as its control variate."""

import torch
from torch import Tensor

from .estimator import independent, weighted
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int) -> Tensor:
    """Return S independent points and, last, their mean p [N, S + 1, *B, *event]."""
    x = independent(node, noise, S)
    return torch.cat([x, node.probs.expand(noise.rows, 1, *node.probs.shape)], 1)


def combine(node: Discrete, noise: Noise, points: Tensor, values: Tensor, slopes: Tensor) -> Tensor:
    """Return mean_i (f(x_i) - h(x_i)) s(x_i) + J(p) f'(p), h(x) = f(p) + f'(p) . (x - p), J(p) the Jacobian of p.

    Unbiased, since E[h s] = E[(x - p)(x - p)^T] f'(p) = J(p) f'(p): J is the covariance of x, for coins diag(p q).
    The paper has coins; the same line holds for any choice among K. Exact for linear costs.
    Source: Gu et al. 2016 (1511.05176).
    """
    x, p = points[:, :-1], points[:, -1:]
    f, f_p = values[:, :-1], values[:, -1:]  # [N, S, *B], [N, 1, *B]
    slope = slopes[:, -1:]  # f'(p) [N, 1, *B, *event]
    linear = ((x - p) * slope).flatten(-len(node.event_shape)).sum(-1)
    residual = f - f_p - linear
    return weighted(residual, node.score(x)).mean(1) + node.pullback(node.probs, slope[:, 0])
