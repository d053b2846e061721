"""Sticking the landing: the pathwise estimator of an elbo without the score that has mean zero."""

from torch import Tensor

from .estimator import independent
from .node import Pathwise
from .noise import Noise

sample = independent


def combine(node: Pathwise, noise: Noise, x: Tensor, values: Tensor | None, slopes: Tensor) -> Tensor:
    """Return mean_i (dx_i/dtheta)^T f'(x_i), f = cost + log q with theta held fixed in q: unbiased on an elbo.

    Automatic differentiation of the sampled elbo (here: reparameterization) has a further term, the derivative of
    log q in theta itself. That is the score, of mean zero, and left out: where q is the posterior f is constant, and
    every draw is 0. Away from there its variance may be the larger one.
    Source: Roeder et al. 2017 (1703.09194).
    """
    return node.pathwise(x, slopes).mean(1)
