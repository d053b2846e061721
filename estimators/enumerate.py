"""The exact gradient as an estimator: the oracle row of every table."""

from torch import Tensor

from .node import Enumerable
from .noise import Noise


def sample(node: Enumerable, noise: Noise, S: int) -> Tensor:
    """Return all M outcomes [N, M, 1 for each of *B, *event]; S does not matter."""
    table = node.outcomes()
    table = table.reshape(1, table.shape[0], *(1,) * len(node.batch_shape), *node.event_shape)
    return table.expand(noise.rows, *table.shape[1:])


def combine(node: Enumerable, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return sum_x p(x) f(x) s(x): the gradient itself, every draw the same."""
    return node.score_sum(node.log_prob(x).exp() * values, x)
