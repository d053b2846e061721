"""Antithetic pairs for the pathwise estimator: each standard Normal number and its mirror image."""

import torch
from torch import Tensor

from . import reparameterization
from .families.normal import Normal
from .noise import Noise


def sample(node: Normal, noise: Noise, S: int) -> Tensor:
    """Return S/2 pairs mu + sigma e, mu - sigma e [N, S, *B, D], the first of each pair first."""
    step = node.scale * noise.normal(S // 2, *node.loc.shape)
    return torch.cat([node.loc + step, node.loc - step], 1)


def combine(node: Normal, noise: Noise, x: Tensor, values: Tensor | None, slopes: Tensor) -> Tensor:
    """Return mean_i (dx_i/dtheta)^T f'(x_i): unbiased, for each point alone has the node's law.

    On a quadratic cost a pair leaves no variance in the location and that of one sample in the scale.
    The samples of a draw are dependent: its variance is not that of one sample divided by S.
    Source: Wu et al. 2019 (1810.02555), of which this is the plain form.
    """
    return reparameterization.combine(node, noise, x, values, slopes)
