"""Straight-through Gumbel-Softmax: hard forward, relaxed backward, one noise for both."""

from torch import Tensor

from ._draws_last import mean
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int) -> Tensor:
    """Return D = argmax(phi + G) as one-hot points [N, S, *B, *event]."""
    return node.harden(node.perturbed(noise, S))


def combine(
    node: Discrete, noise: Noise, x: Tensor, values: Tensor | None, slopes: Tensor, *, temperature: float
) -> Tensor:
    """Return mean_i J(y_i) f'(D_i) / tau, y = softmax((phi + G) / tau) with the very G that chose D: biased.

    The gradient of torch.nn.functional.gumbel_softmax(hard=True). Source: Jang et al. 2017 (1611.01144), section 2.2.
    """
    y = node.soften(node.perturbed(noise, x.shape[1]), temperature)
    return mean(node.pullback(y, slopes), 1).div_(temperature)
