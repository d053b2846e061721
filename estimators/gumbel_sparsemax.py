"""Gumbel-sparsemax: a relaxation whose points lie on the faces of the simplex with positive probability."""

from torch import Tensor

from ._entmax import sparsemax, sparsemax_pullback
from ._pairs import paired, unpaired
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int, *, temperature: float) -> Tensor:
    """Return y = sparsemax((phi + G) / tau) [N, S, *B, *event]."""
    return unpaired(node, sparsemax(paired(node, node.perturbed(noise, S)) / temperature))


def combine(
    node: Discrete, noise: Noise, y: Tensor, values: Tensor | None, slopes: Tensor, *, temperature: float
) -> Tensor:
    """Return mean_i J(y_i) f'(y_i) / tau: the gradient of f(y) along its path in phi.

    J v is v less its mean on the support of y; the derivative exists
    almost everywhere and y is continuous in phi, so the mean is the gradient of E f(y), not of E f(D).
    Source: Martins & Astudillo 2016 (1602.02068) for the map.
    """
    y = sparsemax(paired(node, node.perturbed(noise, y.shape[1])) / temperature)
    return unpaired(node, sparsemax_pullback(y, paired(node, slopes))).mean(1) / temperature
