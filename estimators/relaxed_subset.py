"""The relaxed subset: Gumbel top-k with each of its k choices replaced by a softmax."""

import torch
from torch import Tensor

from .families.subset import Subset
from .noise import Noise


def sample(node: Subset, noise: Noise, S: int, *, temperature: float) -> Tensor:
    """Return y = a_1 + ... + a_k [N, S, *B, n], which sums to k."""
    return torch.stack(_choices(node, noise, S, temperature)).sum(0)


def combine(
    node: Subset, noise: Noise, y: Tensor, values: Tensor | None, slopes: Tensor, *, temperature: float
) -> Tensor:
    """Return mean_i (dy_i/dphi)^T f'(y_i), y = sum_j a_j.

    a_j = softmax(alpha_j / tau), alpha_1 = phi + G, alpha_(j+1) = alpha_j + log(1 - a_j): what was chosen is taken out,
    as far as it was chosen. The mean is the gradient of E f(y). As tau -> 0 y becomes the k items of the largest
    phi + G, a set drawn without replacement, whose law is not the node's for k > 1. k = 1 is gumbel_softmax.
    Source: Xie & Ermon 2019 (1901.10517).
    """
    on_alpha = torch.zeros_like(slopes)
    for a in reversed(_choices(node, noise, y.shape[1], temperature)):
        left = _others(a)
        w = torch.where(left > 0, on_alpha / left, 0)  # of log(1 - a)
        # J(a) (f' - w), with (1 - a_i) w_i = on_alpha_i, which loses no digits where a_i is near 1
        pulled = a * (slopes - (a * slopes).sum(-1, keepdim=True)) - a * (
            torch.where(left > 0, on_alpha, 0) - _others(a * w)
        )
        on_alpha = on_alpha + pulled / temperature
    return on_alpha.mean(1)


def _choices(node: Subset, noise: Noise, S: int, temperature: float) -> list[Tensor]:
    """Return a_1 ... a_k, each [N, S, *B, n]."""
    alpha = node.logits + noise.gumbel(S, *node.logits.shape)
    choices: list[Tensor] = []
    for _ in range(node.k):
        if choices:
            alpha = alpha + _others(choices[-1]).clamp(min=torch.finfo(alpha.dtype).tiny).log()
        choices.append(torch.softmax(alpha / temperature, -1))
    return choices


def _others(a: Tensor) -> Tensor:
    """Return the sum of the other entries: of shares, 1 - a without its rounding."""
    n = a.shape[-1]
    return a @ (1 - torch.eye(n, dtype=a.dtype, device=a.device))
