"""ReinMax: straight-through to second order (Heun's method)."""

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
) -> Tensor:
    """Return mean_i 2 J((softmax(phi / tau) + D_i) / 2) f'(D_i) - 1/2 J(softmax(phi)) f'(D_i).

    Exactly unbiased at tau = 1 for quadratic costs; tau >= 1 is intended, and no 1/tau stands in front.
    Source: Liu et al. 2023 (2304.08612).
    """
    half = (node.tempered(temperature) + x) / 2  # [N, S, *B, *event]
    return mean(2 * node.pullback(half, slopes) - node.pullback(node.probs, slopes) / 2, 1)
