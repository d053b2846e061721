"""Implicit reparameterization: differentiate through the distribution function instead of the sampler."""

from torch import Tensor

from .estimator import independent
from .node import Pathwise
from .noise import Noise

sample = independent


def combine(node: Pathwise, noise: Noise, x: Tensor, values: Tensor | None, slopes: Tensor) -> Tensor:
    """Return mean_i (dx_i/dtheta)^T f'(x_i), dx/dtheta = -(dF/dtheta)(x) / p(x), F the distribution function.

    It needs x alone, not how x was drawn; unbiased where f is continuous and differentiable almost everywhere (on the
    circle, for angles). The derivatives are exact to 1e-10, where torch's approximate. For a Dirichlet the paper
    differentiates normalised Gammas; here it is the mean of that given x, which follows one share at a time.
    For continuous variables GO (Cong et al. 2019, 1901.06020) is the same. Source: Figurnov et al. 2018 (1805.08498).
    """
    return node.pathwise(x, slopes).mean(1)
