"""What families share whose sufficient statistic is x: sums over points without a table of their terms."""

import torch
from torch import Tensor


def log_prob_sum(x: Tensor, log_p: Tensor, event_ndim: int) -> Tensor:
    """Return the sum over the event of x log p, with 0 log 0 = 0, as a product of matrices.

    Args:
        x: zeros and ones [..., *B or 1 for each, *event].
        log_p: [*B, *event]; -inf is allowed.
        event_ndim: number of event axes.

    Returns:
        [..., *B].
    """
    least = torch.finfo(log_p.dtype).min  # finite, so that its product with 0 is 0
    total = torch.einsum("...e,...e->...", x.flatten(-event_ndim), log_p.clamp(min=least).flatten(-event_ndim))
    return torch.where(total <= least, -torch.inf, total)


def score_sum(weights: Tensor, x: Tensor, mean: Tensor, event_ndim: int) -> Tensor:
    """Return sum_m weights_m (x_m - mean) without forming the scores.

    Args:
        weights: [N, M, *B].
        x: [N, M, *B or 1 for each, *event].
        mean: [*B, *event].
        event_ndim: number of event axes.

    Returns:
        [N, *B, *event].
    """
    event = (1,) * event_ndim
    total = torch.einsum("nm...,nm...e->n...e", weights, x.flatten(-event_ndim))
    shape = (*total.shape[:-1], *x.shape[x.ndim - event_ndim :])
    return total.reshape(shape) - weights.sum(1).reshape(*total.shape[:-1], *event) * mean
