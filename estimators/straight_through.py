"""Straight-through: the slope at the hard sample, pulled back through the mean."""

from torch import Tensor

from ._draws_last import mean
from .estimator import independent
from .node import Discrete
from .noise import Noise

sample = independent


def combine(
    node: Discrete,
    noise: Noise,
    x: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    temperature: float = 1.0,
    identity: bool = False,
) -> Tensor:
    """Return mean_i J(softmax(phi / tau)) f'(D_i) / tau, or mean_i f'(D_i) with identity: biased.

    The 1/tau is the chain rule's; for a Bernoulli at tau = 1 this is f'(b) p q. Exact for linear costs at tau = 1.
    Source: Bengio et al. 2013 (1308.3432), whose first form is the identity.
    """
    if identity:
        return slopes.mean(1)
    return mean(node.pullback(node.tempered(temperature), slopes), 1) / temperature
