"""REINFORCE for a bound over particles: the whole bound as the cost of each particle."""

from torch import Tensor

from ._bound import bound, shares
from .estimator import independent, weighted
from .node import Node
from .noise import Noise

sample = independent


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return sum_i (F + w~_i) s(x_i), F = -log mean_i w_i, w~_i = w_i / sum_j w_j: unbiased for the bound.

    The values are l_i = -log w_i = cost + log q. F s_i is for the law of the points, w~_i s_i for the log q in l_i:
    dF/dl_i = w~_i. Source: Mnih & Rezende 2016 (1602.06725), of whose estimator it is the part without a baseline.
    """
    F = bound(values).unsqueeze(1)  # [N, 1, *B]
    return weighted(F + shares(values), node.score(x)).sum(1)
