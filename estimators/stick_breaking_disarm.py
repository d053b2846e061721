"""Stick-breaking DisARM: a categorical variable as a row of coins, tossed in antithetic pairs until one shows 1."""

import torch
from torch import Tensor

from .families.categorical import Categorical
from .noise import Noise


def sample(node: Categorical, noise: Noise, S: int) -> Tensor:
    """Return S/2 pairs of choices [N, S, *B, D, K] by antithetic sticks b_k = 1[u_k < s_k], b~_k = 1[1 - u_k < s_k]."""
    s = torch.sigmoid(_sticks(node))  # [*B, D, K-1]
    u = noise.uniform(S // 2, *s.shape)
    b = torch.cat([u < s, 1 - u < s], 1).to(s.dtype)  # [N, S, *B, D, K-1]
    one = torch.ones_like(node.logits[..., :1]).expand(*b.shape[:-1], 1)
    return torch.cat([b, one], -1) * torch.cat([one, (1 - b).cumprod(-1)], -1)


def combine(node: Categorical, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return the mean over pairs of (dpsi/dphi)^T g, with g_k as follows at stick k: unbiased for any cost.

        both reach k:      1/2 (f(z) - f(z~)) (b_k - b~_k) sigmoid(|psi_k|), DisARM;
        z alone does:      1/2 (f(z) - f(z~)) (b_k - s_k), leave-one-out REINFORCE;
        z~ alone does:     1/2 (f(z~) - f(z)) (b~_k - s_k).

    psi_k = phi_k - log sum_{l > k} exp(phi_l) is the logit of s_k = P(z = k | z >= k), and z reaches k if z >= k.
    The variance, not the mean, depends on the order of the classes: they are taken in the order of the logits.
    Source: Dong et al. 2021 (2106.08056).
    """
    psi = _sticks(node)  # [*B, D, K-1]
    z, z_ = x.chunk(2, 1)  # [N, S/2, *B, D, K]
    b, b_ = z[..., :-1], z_[..., :-1]  # a stick that was reached shows 1 exactly if it is chosen
    reached, reached_ = _reached(z), _reached(z_)
    s = torch.sigmoid(psi)
    half = (values[:, : z.shape[1]] - values[:, z.shape[1] :])[..., None, None] / 2  # [N, S/2, *B, 1, 1]
    g = torch.where(
        reached & reached_,
        (b - b_) * torch.sigmoid(psi.abs()),
        torch.where(reached, b - s, torch.where(reached_, s - b_, 0)),
    )
    return _to_logits(node, (half * g).mean(1))


def _reached(z: Tensor) -> Tensor:
    """Return whether no class before k was chosen [..., K-1]."""
    return (z.cumsum(-1) - z)[..., :-1] < 0.5


def _sticks(node: Categorical) -> Tensor:
    """Return psi [*B, D, K-1]; NaN where this class and all later ones are masked: no sample reaches that stick."""
    return node.logits[..., :-1] - node.logits.flip(-1).logcumsumexp(-1).flip(-1)[..., 1:]


def _to_logits(node: Categorical, g: Tensor) -> Tensor:
    """Return (dpsi/dphi)^T g [N, *B, D, K]: g_k itself at class k, less g_k shared out over the classes behind k."""
    K = node.logits.shape[-1]
    behind = torch.ones(K - 1, K, dtype=torch.bool, device=g.device).triu(1)
    share = torch.softmax(node.logits.unsqueeze(-2).masked_fill(~behind, -torch.inf), -1).nan_to_num(0)
    own = torch.cat([g, torch.zeros_like(node.logits[..., :1]).expand(*g.shape[:-1], 1)], -1)
    return own - torch.einsum("n...k,...kl->n...l", g, share)
