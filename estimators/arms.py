"""ARMS: leave-one-out REINFORCE on S antithetic samples, debiased."""

import torch
from torch import Tensor

from . import rloo
from ._dirichlet_copula import uniforms
from .families.bernoulli import Bernoulli
from .noise import Noise


def sample(node: Bernoulli, noise: Noise, S: int) -> Tensor:
    """Return S coupled samples [N, S, *B, D]: the rarer side shows where u_i < min(p, q), by the Dirichlet copula."""
    rarer = uniforms(noise, S, *node.logits.shape) < torch.sigmoid(-node.logits.abs())
    return torch.where(node.logits < 0, rarer, ~rarer).to(node.logits.dtype)


def combine(node: Bernoulli, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return 1/(S-1) sum_i (f_i - mean f) (b_i - p) p q / (m - P(m)), m = min(p, q): unbiased for any cost.

    P(m) = max(2 m^(1/(S-1)) - 1, 0)^(S-1) is the probability that two samples both show the rarer side; the last
    factor undoes their correlation, 1 - corr = (m - P(m)) / (p q). With two samples it is DisARM.
    Source: Dimitriev & Zhou 2021 (2105.14141).
    """
    S, m = values.shape[1], torch.sigmoid(-node.logits.abs())
    P_over_m = (2 - m ** (-1 / (S - 1))).clamp(min=0) ** (S - 1)  # 0, not 0 / 0, where m is 0
    return rloo.combine(node, noise, x, values, slopes) * torch.sigmoid(node.logits.abs()) / (1 - P_over_m)
