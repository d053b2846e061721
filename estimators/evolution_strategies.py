"""Evolution strategies: antithetic Gaussian perturbations of theta."""

from torch import Tensor

from .black_box import both_sides, checked_step, difference, movable
from .node import Node
from .noise import Noise
from .target_law import Steps, gaussian


def sample(node: Node, noise: Noise, S: int, *, sigma: float = 0.1) -> Tensor:
    """Return S/2 pairs x+- ~ p_{theta +- sigma e} of common random numbers [N, S, *B, *event], the x+ first.

    Raises:
        InputError: if sigma is not positive.
    """
    checked_step("sigma", sigma)
    return both_sides(node, noise, sigma * _normals(node, noise, S // 2))


def combine(
    node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None, *, sigma: float = 0.1
) -> Tensor:
    """Return the mean over pairs of (f(x+) - f(x-)) e / (2 sigma), e ~ N(0, I) in the space of theta.

    Without the paper's ranking of values. Its mean is the gradient of the smoothed objective
    L_sigma(theta) = E_e L(theta + sigma e), L(theta) = E_{x ~ p_theta} f(x): biased for grad L by O(sigma^2). The two
    sides share what places x, which leaves the mean and lowers the variance.
    Source: Salimans et al. 2017 (1703.03864); Spall 1992 for the antithetic difference.
    """
    return difference(values, _normals(node, noise, x.shape[1] // 2), sigma)


def target_law(node: Node, *, sigma: float = 0.1) -> Steps:
    """Return the steps at which grad L is averaged: sigma e."""
    rule = gaussian(sigma)
    return Steps(own=rule, others=rule)


def _normals(node: Node, noise: Noise, pairs: int) -> Tensor:
    return movable(node, noise.normal(pairs, *node.theta.shape, name="direction"))
