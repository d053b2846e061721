"""REINFORCE, the score-function estimator without a baseline."""

from torch import Tensor

from .estimator import independent, weighted
from .node import Node
from .noise import Noise

sample = independent


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return mean_i f(x_i) s(x_i), s = grad log p: unbiased for any cost.

    Source: Williams 1992, Machine Learning 8; Mohamed et al. 2020 (1906.10652).
    """
    return weighted(values, node.score(x)).mean(1)
