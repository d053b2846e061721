"""REINFORCE with the exact mean of the cost as its baseline: an oracle."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from .estimator import independent, weighted
from .expectation import expectation
from .node import Node
from .noise import Noise

sample = independent


def fit(node: Node, evaluate: Callable[..., Any], stream: Callable[..., Any], S: int) -> Tensor:
    """Return E f [*B], by the rule of ``expectation``."""
    rule = expectation(node, evaluate, stream)
    return rule.of(rule.values)


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None, *, state: Tensor) -> Tensor:
    """Return mean_i (f(x_i) - E f) s(x_i): unbiased, and what a learned baseline can hope for.

    Source: Mohamed et al. 2020 (1906.10652).
    """
    return weighted(values - state, node.score(x)).mean(1)
