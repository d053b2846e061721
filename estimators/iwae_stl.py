"""Sticking the landing on a bound over particles: the score left out there too, which biases it."""

from torch import Tensor

from ._bound import shares
from .estimator import independent, weighted
from .node import Pathwise
from .noise import Noise

sample = independent


def combine(node: Pathwise, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor) -> Tensor:
    """Return sum_i w~_i (dx_i/dtheta)^T l'(x_i), l = -log w = cost + log q, w~_i = w_i / sum_j w_j: biased.

    What it leaves out, w~_i s(x_i), has no mean of zero, for w~_i depends on x_i. dreg takes it along another path.
    Source: Roeder et al. 2017 (1703.09194); the bias: Tucker et al. 2019 (1810.04152).
    """
    return weighted(shares(values), node.pathwise(x, slopes)).sum(1)
