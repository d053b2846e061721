"""The doubly reparameterized gradient of a bound over particles."""

from torch import Tensor

from ._bound import shares
from .estimator import independent, weighted
from .node import Pathwise
from .noise import Noise

sample = independent


def combine(node: Pathwise, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor) -> Tensor:
    """Return sum_i w~_i^2 (dx_i/dtheta)^T l'(x_i), l = -log w = cost + log q, w~_i = w_i / sum_j w_j: unbiased.

    The pathwise estimator of the bound is sum_i w~_i ((dx_i/dtheta)^T l'_i + s_i). Its scores are reparameterized once
    more: E w~_i s_i = E (dx_i/dtheta)^T dw~_i/dx_i, where dw~_i/dl_i = -w~_i (1 - w~_i), and
    w~_i - w~_i (1 - w~_i) = w~_i^2.
    Where q is the posterior every draw is 0.
    Source: Tucker et al. 2019 (1810.04152).
    """
    return weighted(shares(values).square(), node.pathwise(x, slopes)).sum(1)
