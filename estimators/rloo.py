"""REINFORCE with the leave-one-out baseline."""

from torch import Tensor

from .estimator import independent, weighted
from .node import Node
from .noise import Noise

sample = independent


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return 1/(S-1) sum_i (f_i - mean f) s(x_i), S >= 2: unbiased for any cost.

    The mean may include f_i itself: sum_i (f_i - mean f) / (S - 1) is the same as sum_i (f_i - b_i) / S with
    b_i the mean of the others. Source: Kool et al. 2019 (ICLR workshop); Salimans & Knowles 2014 (1401.1022).
    """
    S = values.shape[1]
    centred = values - values.mean(1, keepdim=True)
    return weighted(centred, node.score(x)).sum(1) / (S - 1)
