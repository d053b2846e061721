"""What families share whose score is x minus its mean."""

from torch import Tensor


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
    N, M, *batch = weights.shape
    event = x.shape[x.ndim - event_ndim :]
    w = weights.reshape(N, M, -1)
    if x.numel() == N * M * event.numel():
        total = w.transpose(1, 2) @ x.reshape(N, M, -1)  # one table of points for the whole batch
    else:
        total = (w.unsqueeze(-1) * x.reshape(N, M, w.shape[2], -1)).sum(1)
    weight = weights.sum(1).reshape(N, *batch, *(1,) * event_ndim)
    return total.reshape(N, *batch, *event) - weight * mean
