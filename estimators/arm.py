"""ARM: augment, REINFORCE, merge; the uniform of an antithetic pair weighs the pair's difference."""

from torch import Tensor

from . import disarm
from .families.bernoulli import Bernoulli
from .noise import Noise

sample = disarm.sample  # the very same pairs: the two share points and evaluations


def combine(node: Bernoulli, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return the mean over S/2 pairs of (f(b~) - f(b)) (u - 1/2), b = 1[u < p], b~ = 1[u > 1 - p]: unbiased.

    Any cost will do. DisARM is its mean given the pair, so it varies less at the same points.
    Source: Yin & Zhou 2019 (1807.11143).
    """
    u = noise.uniform(x.shape[1] // 2, *node.logits.shape)  # [N, S/2, *B, D]
    f, f_ = values.chunk(2, 1)  # [N, S/2, *B]
    return ((f_ - f).unsqueeze(-1) * (u - 0.5)).mean(1)
