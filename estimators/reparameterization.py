"""The pathwise estimator: differentiate through the sampler."""

from torch import Tensor

from .estimator import independent
from .node import Pathwise
from .noise import Noise

sample = independent


def combine(node: Pathwise, noise: Noise, x: Tensor, values: Tensor | None, slopes: Tensor) -> Tensor:
    """Return mean_i (dx_i/dtheta)^T f'(x_i): unbiased where f is differentiable almost everywhere and continuous.

    For location-scale families that is f'(x) in the location and f'(x) (x - mu) / sigma in the scale; for a Normal
    vector x = mu + L e it is f'(x) and the lower triangle of f'(x) e^T.
    Source: Kingma & Welling 2014 (1312.6114); Rezende et al. 2014 (1401.4082).
    """
    return node.pathwise(x, slopes).mean(1)
