"""REINFORCE with a constant baseline that its user chooses."""

from torch import Tensor

from .estimator import independent, weighted
from .node import Node
from .noise import Noise

sample = independent


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None, *, baseline: float) -> Tensor:
    """Return mean_i (f(x_i) - b) s(x_i), s = grad log p: unbiased for any constant b, since E s = 0.

    Source: Williams 1992, Machine Learning 8; Mohamed et al. 2020 (1906.10652).
    """
    return weighted(values - baseline, node.score(x)).mean(1)
