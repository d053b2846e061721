"""Sparsemax and 1.5-entmax over the last axis: exact, by sorting, with their Jacobians in closed form.

entmax_alpha(z) = argmax_{p in simplex} p^T z + H_alpha(p), H_alpha the Tsallis entropy: p_k is proportional to no
exponential but is [(alpha - 1) z_k - t]_+^(1 / (alpha - 1)), with the threshold t that makes it sum to 1. Both are
symmetric maps, and v^T dp = (s * v - s (s^T v) / sum(s)) with s_k = p_k^(2 - alpha) on the support.

Source: Martins & Astudillo 2016 (1602.02068) for alpha = 2; Peters et al. 2019 (1905.05702) for alpha = 3/2.
"""

import torch
from torch import Tensor


def sparsemax(z: Tensor) -> Tensor:
    """Return [z - t]_+, the Euclidean projection of z [..., K] onto the simplex; -inf is allowed."""
    z = _near_the_top(z)
    ordered, k = _ordered(z)
    total = ordered.cumsum(-1)
    size = (1 + k * ordered > total).sum(-1, keepdim=True)  # of the support
    return (z - (total.gather(-1, size - 1) - 1) / size).clamp(min=0)


def sparsemax_pullback(p: Tensor, v: Tensor) -> Tensor:
    """Return J v where sparsemax is p: v less its mean on the support, 0 off it."""
    return _weighted((p > 0).to(p.dtype), v)


def entmax15(z: Tensor) -> Tensor:
    """Return [z / 2 - t]_+^2 [..., K]; -inf is allowed."""
    z = _near_the_top(z / 2)
    ordered, k = _ordered(z)
    mean = ordered.cumsum(-1) / k
    spread = ordered.square().cumsum(-1) - k * mean.square()
    thresholds = mean - ((1 - spread) / k).clamp(min=0).sqrt()
    size = (thresholds <= ordered).sum(-1, keepdim=True)
    return (z - thresholds.gather(-1, size - 1)).clamp(min=0).square()


def entmax15_pullback(p: Tensor, v: Tensor) -> Tensor:
    """Return J v where 1.5-entmax is p: v less its mean under weights s = sqrt(p), times s."""
    return _weighted(p.sqrt(), v)


def _near_the_top(z: Tensor) -> Tensor:
    """Return z - max z, cut at -2: the threshold is at least -1, so what is cut has p = 0 all the same."""
    return (z - z.amax(-1, keepdim=True)).clamp(min=-2)


def _ordered(z: Tensor) -> tuple[Tensor, Tensor]:
    return z.sort(-1, descending=True).values, torch.arange(1, z.shape[-1] + 1, dtype=z.dtype, device=z.device)


def _weighted(s: Tensor, v: Tensor) -> Tensor:
    return s * (v - (s * v).sum(-1, keepdim=True) / s.sum(-1, keepdim=True))
