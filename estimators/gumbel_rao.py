"""Gumbel-Rao: straight-through Gumbel-Softmax, averaged over the Gumbels that give the same sample."""

from torch import Tensor

from ._draws_last import mean
from .estimator import independent
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
    conditional_samples: int = 10,
) -> Tensor:
    """Return mean_i mean_k J(y_ik) f'(D_i) / tau, y_ik = softmax((phi + G_ik) / tau), G_ik given D_i: biased.

    The bias is that of st_gumbel_softmax and the variance no larger. The paper's text also differentiates through
    the conditional noise; its equation 7, the mean of st_gumbel_softmax given D, needs the derivative in phi alone.
    Source: Paulus et al. 2021 (2010.04838), equation 10.
    """
    event_and_batch = x.shape[2:]
    repeated = x.unsqueeze(2).expand(*x.shape[:2], conditional_samples, *event_and_batch)
    y = node.soften(node.conditional(repeated, noise, "conditional"), temperature)  # [N, S, k, *B, *event]
    return mean(node.pullback(y, slopes.unsqueeze(2)), 1, 2) / temperature
