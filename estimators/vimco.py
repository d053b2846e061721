"""VIMCO: the bound over particles, each particle against the bound without it."""

import torch
from torch import Tensor

from ._bound import bound, shares
from .estimator import independent, weighted
from .node import Node
from .noise import Noise

sample = independent


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return sum_i (F - F_{-i} + w~_i) s(x_i), S >= 2: unbiased for the bound E F, F = -log mean_i w_i.

    The values are l_i = -log w_i = cost + log q, and w~_i = w_i / sum_j w_j. F_{-i} is F with w_i replaced by the
    geometric mean of the others, l_i by the arithmetic mean of the other l: it does not depend on x_i, so that its
    product with s_i has mean zero.
    Source: Mnih & Rezende 2016 (1602.06725).
    """
    S = values.shape[1]
    of_others = (values.sum(1, keepdim=True) - values) / (S - 1)
    own = torch.eye(S, dtype=torch.bool, device=values.device).reshape(S, S, *(1,) * (values.ndim - 2))
    replaced = torch.where(own, of_others.unsqueeze(2), values.unsqueeze(1))  # [N, i, j, *B]
    signal = bound(values).unsqueeze(1) - bound(replaced, 2)  # [N, i, *B]
    return weighted(signal + shares(values), node.score(x)).sum(1)
