"""UGC, unbiased gradient variance clipping: bitflip-1 for the nearly certain coordinates, DisARM for the others."""

import torch
from torch import Tensor

from . import bitflip1, disarm
from .families.bernoulli import Bernoulli
from .noise import Noise


def sample(node: Bernoulli, noise: Noise, S: int) -> Tensor:
    """Return S/2 triples [N, 3 S/2, *B, D]: the pairs b, b~ of disarm, then b with one coordinate flipped."""
    pairs = disarm.sample(node, noise, S)
    return torch.cat([pairs, bitflip1.flipped(node, noise, pairs[:, : S // 2])], 1)


def combine(node: Bernoulli, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return bitflip-1 where min(p, q) < 1/(2 D), disarm elsewhere: unbiased for any cost, coordinate by coordinate.

    At equal differences of f, 1/(2 D) is where the second moments meet: D (p q)^2 and min(p, q) max(p, q)^2 / 2. Where
    the flips of several coordinates cancel in f, disarm can vary less all the same.
    Source: Kunes et al. 2022 (2208.06124), of which the abstract was read; derived anew here.
    """
    b, b_, flipped = x.chunk(3, 1)  # [N, S/2, *B, D]
    f, f_, f_flipped = values.chunk(3, 1)  # [N, S/2, *B]
    antithetic = disarm.combine(node, noise, torch.cat([b, b_], 1), torch.cat([f, f_], 1), slopes)
    single = bitflip1.combine(node, noise, torch.cat([b, flipped], 1), torch.cat([f, f_flipped], 1), slopes)
    nearly_certain = torch.sigmoid(-node.logits.abs()) < 1 / (2 * x.shape[-1])
    return torch.where(nearly_certain, single, antithetic)
