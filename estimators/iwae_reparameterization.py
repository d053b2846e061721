"""The pathwise estimator of a bound over particles: what automatic differentiation of the bound gives."""

from torch import Tensor

from ._bound import shares
from .estimator import independent, weighted
from .node import Pathwise
from .noise import Noise

sample = independent


def combine(node: Pathwise, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor) -> Tensor:
    """Return sum_i w~_i ((dx_i/dtheta)^T l'(x_i) + s(x_i)), l = -log w = cost + log q: unbiased for the bound.

    w~_i = w_i / sum_j w_j = dF/dl_i, F = -log mean_i w_i; s_i is the derivative of l_i in theta itself. With more
    particles the gradient of q falls faster than its noise (Rainforth et al. 2018, 1802.04537).
    Source: Burda et al. 2016 (1509.00519).
    """
    w = shares(values)
    return (weighted(w, node.pathwise(x, slopes)) + weighted(w, node.score(x))).sum(1)
