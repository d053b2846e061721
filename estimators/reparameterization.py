"""The pathwise estimator: differentiate through the sampler."""

from torch import Tensor

from .estimator import independent
from .families.normal import Normal
from .noise import Noise

sample = independent


def combine(node: Normal, noise: Noise, x: Tensor, values: Tensor | None, slopes: Tensor) -> Tensor:
    """Return mean_i (dx_i/dtheta)^T f'(x_i): unbiased where f is differentiable almost everywhere and continuous.

    For a Normal that is f'(x) in the location and f'(x) (x - mu) / sigma in the scale.
    Source: Kingma & Welling 2014 (1312.6114); Rezende et al. 2014 (1401.4082).
    """
    return node.pathwise(x, slopes).mean(1)
