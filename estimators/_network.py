"""Small networks that estimators learn: one hidden layer, one network for each node of the batch, Adam."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .noise import Noise

RATE, DECAY, DECAY_SQ, TINY = 0.02, 0.9, 0.999, 1e-12


class Network(NamedTuple):
    """c(y) = offset + scale outer^T tanh(inner y + bias), its first three fields learned.

    Args:
        inner: [*B, H, E], or [H, E] for one network that all nodes share; likewise
        bias: [*B, H].
        outer: [*B, H].
        offset: [*B].
        scale: [*B].
    """

    inner: Tensor
    bias: Tensor
    outer: Tensor
    offset: Tensor
    scale: Tensor

    def __call__(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return c [...] and dc/dy [..., E] at y [..., *B, E]."""
        h = torch.tanh(torch.einsum("...he,...e->...h", self.inner, y) + self.bias)
        value = torch.einsum("...h,...h->...", self.outer, h)
        slope = torch.einsum("...h,...he->...e", self.outer * (1 - h.square()), self.inner)
        return self.offset + self.scale * value, self.scale.unsqueeze(-1) * slope


def standardised(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation [*B] of values [N, S, *B]; 1 where they do not vary."""
    offset = values.mean((0, 1))
    scale = (values - offset).square().mean((0, 1)).sqrt()
    return offset, torch.where(scale > 0, scale, 1)


def started(noise: Noise, batch: tuple[int, ...], size: int, hidden: int) -> Network:
    """Return a network that is 0 everywhere, its inner weights from one row of noise."""
    inner = noise.normal(*batch, hidden, size, name="inner")[0] / math.sqrt(size)
    bias = noise.normal(*batch, hidden, name="bias")[0]
    return Network(inner, bias, torch.zeros_like(bias), bias.new_zeros(()), bias.new_ones(()))


def trained(network: Network, loss: Callable[[Network, int], Tensor], steps: int) -> Network:
    """Return the network after steps of Adam on loss(network, step), its rate falling to 0.

    Source: Kingma & Ba 2015 (1412.6980), written out, for torch's own takes seconds to import.
    """
    weights = list(network[:3])
    mean, square = [[torch.zeros_like(w) for w in weights] for _ in range(2)]
    for step in range(steps):
        with torch.enable_grad():
            leaves = [w.detach().requires_grad_() for w in weights]
            gradients = torch.autograd.grad(loss(with_weights(network, leaves), step), leaves)
        rate = RATE * (1 - step / steps)
        for i, g in enumerate(gradients):
            mean[i] = DECAY * mean[i] + (1 - DECAY) * g
            square[i] = DECAY_SQ * square[i] + (1 - DECAY_SQ) * g.square()
            unbiased, unbiased_sq = mean[i] / (1 - DECAY ** (step + 1)), square[i] / (1 - DECAY_SQ ** (step + 1))
            weights[i] = (weights[i] - rate * unbiased / (unbiased_sq.sqrt() + TINY)).detach()
    return with_weights(network, weights)


def with_weights(network: Network, weights: list[Tensor]) -> Network:
    """Return the network with inner, bias and outer replaced."""
    inner, bias, outer = weights
    return network._replace(inner=inner, bias=bias, outer=outer)
