"""Gapped straight-through: the noise of ST-Gumbel-Softmax replaced by the least shift that agrees with the sample."""

import torch
from torch import Tensor

from ._pairs import one_hot, paired, unpaired
from .errors import InputError
from .estimator import independent
from .families.categorical import Categorical
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
    temperature: float,
    gap: float = 1.0,
) -> Tensor:
    """Return mean_i J(y_i) f'(D_i) / tau, y = softmax((phi + m(phi, D)) / tau), m held constant: biased.

    m lifts the logit of D to the largest one and lowers the others where they are closer to it than the gap: seen
    from the largest, z_D = 0 and z_k = min(phi_k - max phi, -gap). There is no noise but that of D. Of the paper's
    gaps this is the fixed one; the other is -log(1 - p_D) / p_D.
    Source: Fan et al. 2022 (2206.07235).

    Raises:
        InputError: for a negative gap.
    """
    if not gap >= 0:
        raise InputError(f"gapped_st: gap={gap}; it must be at least 0, e.g. 1.0")
    phi = paired(node, node.theta)
    below = (phi - phi.amax(-1, keepdim=True)).clamp(max=-gap)
    z = torch.where(one_hot(node, x) > 0.5, 0, below)  # [N, S, *B, D, K]
    y = unpaired(node, Categorical(phi).soften(z, temperature))
    return node.pullback(y, slopes).mean(1) / temperature
