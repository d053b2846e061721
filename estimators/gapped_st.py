"""Gapped straight-through: the noise of ST-Gumbel-Softmax replaced by the least shift that agrees with the sample."""

import torch
from torch import Tensor

from ._draws_last import mean
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
    adaptive: bool = False,
) -> Tensor:
    """Return mean_i J(y_i) f'(D_i) / tau, y = softmax((phi + m(phi, D)) / tau), m held constant: biased.

    m lifts the logit of D to the largest one and lowers the others where they are closer to it than the gap: seen
    from the largest, z_D = 0 and z_k = min(phi_k - max phi, -gap). There is no noise but that of D. Adaptive, the
    gap is -log(1 - p_D) / p_D, which grows from 1 with the probability of D; the number given is then not used.
    Source: Fan et al. 2022 (2206.07235); the adaptive gap from their code, which first takes p_D times 1 - 1e-5.

    Raises:
        InputError: for a negative gap.
    """
    if not gap >= 0:
        raise InputError(f"gapped_st: gap={gap}; it must be at least 0, e.g. 1.0")
    phi = paired(node, node.theta)
    choices, D = Categorical(phi), one_hot(node, x)
    below = phi - phi.amax(-1, keepdim=True)
    if adaptive:
        p_D = (choices.probs * D).sum(-1, keepdim=True)
        others = (choices.probs * (1 - D)).sum(-1, keepdim=True)  # 1 - p_D without its rounding
        z = torch.minimum(below, others.log() / p_D)
    else:
        z = below.clamp(max=-gap)
    y = unpaired(node, choices.soften(torch.where(D > 0.5, 0, z), temperature))  # [N, S, *B, D, K]
    return mean(node.pullback(y, slopes), 1) / temperature
