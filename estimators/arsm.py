"""ARSM: augment, REINFORCE, swap, merge; ARS averaged over all reference classes."""

import torch
from torch import Tensor

from ._swaps import actions, swaps
from .families.categorical import Categorical
from .noise import Noise


def sample(node: Categorical, noise: Noise, S: int) -> Tensor:
    """Return the unswapped and K (K-1)/2 swapped actions of S Dirichlet vectors [N, S Q, *B, D, K]."""
    E = noise.exponential(S, *node.logits.shape)
    K = node.logits.shape[-1]
    m, j = _pairs(K, E.device)
    return actions(node, E, swaps(K, E.device)[m, j].reshape(1, 1, *(1 for _ in node.batch_shape), -1, K))


def combine(node: Categorical, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return mean_i sum_j (F_mj - mean_m F_mj) (1/K - pi_j), F_mj = f(argmin_k pi_k^(m <-> j) exp(-phi_k)): unbiased.

    Any cost will do. F is symmetric and its diagonal constant, so Q = K (K-1)/2 + 1 evaluations fill it; equal actions
    are evaluated each. Swaps hold for all D variables at once. Source: Yin et al. 2019 (1905.01413).
    """
    K = node.logits.shape[-1]
    m, j = _pairs(K, x.device)
    which = torch.zeros(K, K, dtype=torch.long, device=x.device)  # 0 on the diagonal: nothing is swapped
    which[m, j] = which[j, m] = torch.arange(len(m), device=x.device)
    S = values.shape[1] // len(m)
    E = noise.exponential(S, *node.logits.shape)  # [N, S, *B, D, K]
    F = values.unflatten(1, (S, len(m)))[:, :, which].movedim((2, 3), (-2, -1))  # [N, S, *B, K, K]
    centred = F - F.mean(-2, keepdim=True)
    return torch.einsum("ns...mj,ns...dj->n...dm", centred, 1 / K - E / E.sum(-1, keepdim=True)) / S


def _pairs(K: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the pairs m < j that are swapped, after (0, 0) for none."""
    m, j = torch.triu_indices(K, K, 1, device=device)
    none = m.new_zeros(1)
    return torch.cat([none, m]), torch.cat([none, j])
