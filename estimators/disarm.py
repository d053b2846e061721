"""DisARM, ARM with the augmentation noise integrated out."""

import torch
from torch import Tensor

from .families.bernoulli import Bernoulli
from .noise import Noise


def sample(node: Bernoulli, noise: Noise, S: int) -> Tensor:
    """Return S/2 pairs b = 1[u < p], b~ = 1[1 - u < p] [N, S, *B, D], the b's first."""
    u = noise.uniform(S // 2, *node.logits.shape)
    return torch.cat([u < node.probs, 1 - u < node.probs], 1).to(node.logits.dtype)


def combine(node: Bernoulli, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return the mean over pairs of 1/2 (f(b) - f(b~)) (b - b~) sigmoid(|phi|): unbiased for any cost.

    Source: Dong et al. 2020 (2006.10680); all coordinates of a pair are antithetic at once.
    """
    b, b_ = x.chunk(2, 1)  # [N, S/2, *B, D]
    f, f_ = values.chunk(2, 1)  # [N, S/2, *B]
    return ((f - f_).unsqueeze(-1) / 2 * (b - b_) * torch.sigmoid(node.logits.abs())).mean(1)
