"""A finite rule for expectations under a node: what oracle baselines are computed with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from .errors import InputError, NotApplicable
from .families.normal import Normal
from .node import Discrete, Node

ORDER = 64  # of the Gauss-Hermite rule, per axis
MAX_AXES = 2  # of a Normal node by quadrature
DRAWS = 2**14  # of a Normal node beyond that


@dataclass(frozen=True)
class Expectation:
    """Points that stand for the whole law, and what the cost is there.

    Args:
        points: [1, Q, 1 for each of *B or *B, *event].
        weights: [1, Q, 1 for each of *B or *B], summing to 1 over Q.
        values: f at the points [1, Q, *B].
    """

    points: Tensor
    weights: Tensor
    values: Tensor

    def of(self, numbers: Tensor) -> Tensor:
        """Return sum_q w_q numbers_q [*B, ...] of numbers [1, Q, *B, ...]."""
        w = self.weights.reshape(self.weights.shape + (1,) * (numbers.ndim - self.weights.ndim))
        return (w * numbers).sum((0, 1))


def expectation(node: Node, evaluate: Callable[..., Any], stream: Callable[..., Any]) -> Expectation:
    """Return the rule: all outcomes, Gauss-Hermite for one or two Normal variables, 2^14 draws for more of them.

    The first is exact, the second to rounding for smooth costs, the third to about 1 % of f's deviation.

    Raises:
        NotApplicable: for a discrete node of more than 2^20 outcomes.
    """
    ones = (1,) * len(node.batch_shape)
    if node.family == "normal":
        points, weights = _of_normal(cast(Normal, node), stream)
    else:
        try:
            points = cast(Discrete, node).outcomes()
        except InputError as error:
            raise NotApplicable(f"this baseline is an expectation over all outcomes: {error}") from error
        points = points.reshape(1, -1, *ones, *node.event_shape)
        weights = node.log_prob(points).exp()
    values, _ = evaluate(points)
    return Expectation(points, weights, values)


def _of_normal(node: Normal, stream: Callable[..., Any]) -> tuple[Tensor, Tensor]:
    (D,), theta = node.event_shape, node.theta
    ones = (1,) * len(node.batch_shape)
    if D > MAX_AXES:
        points = node.draw(stream(0, 1), DRAWS)
        return points, torch.full((1, DRAWS, *ones), 1 / DRAWS, dtype=theta.dtype, device=theta.device)
    e, w = (torch.from_numpy(a).to(theta) for a in np.polynomial.hermite_e.hermegauss(ORDER))
    e, w = torch.cartesian_prod(*[e] * D).reshape(-1, D), torch.cartesian_prod(*[w / w.sum()] * D).reshape(-1, D)
    return node.loc + node.scale * e.reshape(1, -1, *ones, D), w.prod(-1).reshape(1, -1, *ones)
