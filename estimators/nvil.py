"""NVIL: REINFORCE with a learned baseline, a network of the context."""

from collections.abc import Callable

import torch
from torch import Tensor

from ._network import Network, standardised, started, trained
from .estimator import independent, weighted
from .node import Node
from .noise import Noise

sample = independent


def fit(
    node: Node,
    evaluate: Callable[..., tuple[Tensor, None]],
    stream: Callable[[int, int], Noise],
    S: int,
    *,
    network: bool = True,
    hidden: int = 16,
    fit_rows: int = 128,
    fit_steps: int = 100,
) -> Tensor:
    """Return the baseline of each node [*B], fitted to minimise the mean of (f - b)^2.

    With a network b = c + C(context), one for all nodes of the batch. A node's context is its theta, standardised over
    the batch: where an encoder gives theta, it says what the encoder knows of the observation. A single node has no
    context, and its b is a constant. Without a network each node has a constant of its own.
    """
    values, _ = evaluate(sample(node, stream(0, fit_rows), S))
    if not network or values[0, 0].numel() == 1:
        return values.mean((0, 1))
    theta = torch.nan_to_num(node.theta, neginf=-50).reshape(*node.batch_shape, -1)  # -inf is a mask
    nodes = theta.reshape(-1, theta.shape[-1])
    context = (theta - nodes.mean(0)) / (nodes.std(0, correction=0) + 1e-6)
    c, scale = standardised(values.flatten(1))
    start = started(stream(0, 1), (), theta.shape[-1], hidden)

    def error(C: Network, step: int) -> Tensor:
        values, _ = evaluate(sample(node, stream(step + 1, fit_rows), S))
        return ((values - c) / scale - C(context)[0]).square().mean()

    return c + scale * trained(start, error, fit_steps)(context)[0]


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None, *, state: Tensor) -> Tensor:
    """Return mean_i (f(x_i) - b) s(x_i), b the node's baseline: unbiased, for b is independent of the draw.

    Departure: the paper also divides by a running estimate of the standard deviation of f - b where that exceeds 1,
    which changes the length of the gradient; here nothing is divided.
    Source: Mnih & Gregor 2014 (1402.0030).
    """
    return weighted(values - state, node.score(x)).mean(1)
