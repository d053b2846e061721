"""Gumbel-Softmax (Concrete): f is evaluated at relaxed points."""

from torch import Tensor

from ._draws_last import mean
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int, *, temperature: float) -> Tensor:
    """Return y = softmax((phi + G) / tau) [N, S, *B, *event]."""
    return node.soften(node.perturbed(noise, S), temperature)


def combine(
    node: Discrete, noise: Noise, y: Tensor, values: Tensor | None, slopes: Tensor, *, temperature: float
) -> Tensor:
    """Return mean_i J(y_i) f'(y_i) / tau: the gradient of f(y) along its path in phi.

    Its mean is the gradient of E f(y), not of E f(D); the difference depends on how f extends inside the simplex.
    Source: Jang et al. 2017 (1611.01144), Maddison et al. 2017 (1611.00712).
    """
    return mean(node.pullback(y, slopes), 1) / temperature
