"""bitflip-1: one coordinate, chosen at random, summed out."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from .families.bernoulli import Bernoulli
from .noise import Noise


def sample(node: Bernoulli, noise: Noise, S: int) -> Tensor:
    """Return S/2 pairs b and b with one coordinate flipped [N, S, *B, D], the b's first."""
    b = node.draw(noise, S // 2)
    return torch.cat([b, flipped(node, noise, b)], 1)


def flipped(node: Bernoulli, noise: Noise, b: Tensor) -> Tensor:
    """Return b with a uniformly chosen coordinate flipped; a coin that never turns stays: its gradient is 0."""
    D = b.shape[-1]
    j = (noise.uniform(*b.shape[1:-1], name="coordinate") * D).long().clamp(max=D - 1)  # [N, S/2, *B]
    return torch.where(one_hot(j, D).bool() & (_pq(node) > 0), 1 - b, b)


def combine(node: Bernoulli, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return the mean over pairs of D p q (f(b) - f(b')) (b - b'), b' = b but for one coordinate: unbiased.

    Any cost will do. (f(b) - f(b')) (b_j - b'_j) is f(b with b_j = 1) - f(b with b_j = 0), whose mean times p_j q_j is
    the gradient; D makes up for the coordinates left out. As p_j -> 0 its second moment falls like p_j^2 D, that of
    disarm like p_j / 2. Source: Kunes et al. 2022 (2208.06124), of which the abstract was read; derived anew here.
    """
    b, b_ = x.chunk(2, 1)  # [N, S/2, *B, D]
    f, f_ = values.chunk(2, 1)  # [N, S/2, *B]
    return b.shape[-1] * _pq(node) * ((f - f_).unsqueeze(-1) * (b - b_)).mean(1)


def _pq(node: Bernoulli) -> Tensor:
    return torch.sigmoid(node.logits) * torch.sigmoid(-node.logits)
