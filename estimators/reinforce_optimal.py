"""REINFORCE with the constant baseline of least variance for each coordinate of theta: an oracle."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .estimator import independent
from .expectation import Expectation, expectation
from .node import Node
from .noise import Noise

sample = independent


def fit(node: Node, evaluate: Callable[..., Any], stream: Callable[..., Any], S: int) -> Tensor:
    """Return b_j = E[f s_j^2] / E[s_j^2] [*B, *param], by the rule of ``expectation``."""
    rule = expectation(node, evaluate, stream)
    if node.family != "normal":
        return _of_discrete(node, rule)
    score_sq = node.score(rule.points).square()  # [1, Q, *B, 2, D]
    f = rule.values.reshape(*rule.values.shape, 1, 1)
    size = rule.of(score_sq)
    return torch.where(size > 0, rule.of(f * score_sq) / size, 0)  # where the score is 0, any b_j will do


def _of_discrete(node: Any, rule: Expectation) -> Tensor:
    """Return the ratio without a table of scores.

    With x_j in {0, 1} and s_j = x_j - p_j, s_j^2 = (1 - 2 p_j) s_j + p_j q_j, hence
    b_j = E f + (1 - 2 p_j) E[f s_j] / (p_j q_j); where p_j q_j = 0 the score is 0, and any b_j will do.
    """
    p = node.probs
    pq = p * (1 - p)
    gradient = node.score_sum(rule.weights * rule.values, rule.points)[0]  # E[f s] [*B, *event]
    mean = rule.of(rule.values).reshape(*node.batch_shape, *(1,) * len(node.event_shape))
    tilt = torch.where(pq > 0, (1 - 2 * p) * gradient / pq.clamp(min=torch.finfo(pq.dtype).tiny), 0)
    return mean + tilt


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None, *, state: Tensor) -> Tensor:
    """Return mean_i (f(x_i) - b_j) s_j(x_i) for each coordinate j: unbiased, and no constant b_j has less variance.

    Var[(f - b) s_j] = E[(f - b)^2 s_j^2] - const is a parabola in b with its minimum at E[f s_j^2] / E[s_j^2].
    Source: Mohamed et al. 2020 (1906.10652); Greensmith et al. 2004, JMLR 5.
    """
    f = values.reshape(*values.shape, *(1,) * (node.theta.ndim - len(node.batch_shape)))
    return ((f - state) * node.score(x)).mean(1)
