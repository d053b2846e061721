"""Gumbel-entmax: the relaxation between Gumbel-Softmax and Gumbel-sparsemax."""

from torch import Tensor

from ._entmax import entmax15, entmax15_pullback
from ._pairs import paired, unpaired
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int, *, temperature: float) -> Tensor:
    """Return y = 1.5-entmax((phi + G) / tau) [N, S, *B, *event]."""
    return unpaired(node, entmax15(paired(node, node.perturbed(noise, S)) / temperature))


def combine(
    node: Discrete, noise: Noise, y: Tensor, values: Tensor | None, slopes: Tensor, *, temperature: float
) -> Tensor:
    """Return mean_i J(y_i) f'(y_i) / tau: the gradient of f(y) along its path in phi.

    J v = s (v - s^T v / sum s), s = sqrt(y); the derivative exists
    almost everywhere and y is continuous in phi, so the mean is the gradient of E f(y), not of E f(D).
    Source: Peters et al. 2019 (1905.05702) for the map.
    """
    y = entmax15(paired(node, node.perturbed(noise, y.shape[1])) / temperature)
    return unpaired(node, entmax15_pullback(y, paired(node, slopes))).mean(1) / temperature
