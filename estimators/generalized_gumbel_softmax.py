"""Generalised Gumbel-Softmax: relaxed counts from a truncated law."""

import torch
from torch import Tensor

from .errors import InputError
from .node import Truncatable
from .noise import Noise


def sample(node: Truncatable, noise: Noise, S: int, *, temperature: float, truncation: int = 32) -> Tensor:
    """Return y = sum_k k w_k [N, S, *B, D], w = softmax((log q + G) / tau) over k = 0 ... truncation - 1."""
    _, w = _weights(node, noise, S, temperature, truncation)
    return w @ _levels(w)


def combine(
    node: Truncatable,
    noise: Noise,
    y: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    temperature: float,
    truncation: int = 32,
) -> Tensor:
    """Return mean_i f'(y_i) sum_k w_ik (k - y_i) s_k / tau, s = d log q / dtheta: the gradient of f(y) along its path.

    The last of the truncated outcomes stands for all beyond: q is the tail's probability. The mean is the gradient of
    E f(y), not of E f(x): it differs by the truncation and by the relaxation. Source: Joo et al. 2020 (2003.01847).
    """
    s, w = _weights(node, noise, y.shape[1], temperature, truncation)
    k = _levels(w)
    along = (w * (k - y.unsqueeze(-1)) * s).sum(-1) / temperature
    return (slopes * along).mean(1)


def _weights(node: Truncatable, noise: Noise, S: int, temperature: float, truncation: int) -> tuple[Tensor, Tensor]:
    """Return the scores [*B, D, K] and the relaxed choices [N, S, *B, D, K]."""
    if truncation < 2:
        raise InputError(f"generalized_gumbel_softmax: truncation={truncation}; it must be at least 2 outcomes")
    log_q, s = node.truncated(truncation)
    return s, torch.softmax((log_q + noise.gumbel(S, *log_q.shape)) / temperature, -1)


def _levels(w: Tensor) -> Tensor:
    return torch.arange(w.shape[-1], dtype=w.dtype, device=w.device)
