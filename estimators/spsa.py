"""SPSA: simultaneous perturbation of all coordinates of theta by signs."""

import torch
from torch import Tensor

from .black_box import both_sides, checked_step, difference, movable
from .node import Node
from .noise import Noise
from .target_law import Steps, signs, uniform


def sample(node: Node, noise: Noise, S: int, *, step: float = 0.1) -> Tensor:
    """Return S/2 pairs x+- ~ p_{theta +- c Delta} of common random numbers [N, S, *B, *event], the x+ first.

    Raises:
        InputError: if the step c is not positive.
    """
    checked_step("step", step)
    return both_sides(node, noise, step * _signs(node, noise, S // 2))


def combine(node: Node, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None, *, step: float = 0.1) -> Tensor:
    """Return the mean over pairs of (f(x+) - f(x-)) / (2 c Delta), Delta independent signs, one a coordinate.

    L itself is not observed: one x a side stands for L(theta +- c Delta). The mean in coordinate j is
    E_Delta[Delta_j (L(theta + c Delta) - L(theta - c Delta)) / (2 c)], that is d/dtheta_j of L averaged over a uniform
    step in [-c, c] along j and steps of +-c along the others: biased for grad L by O(c^2).
    Source: Spall 1992, IEEE Transactions on Automatic Control 37.
    """
    return difference(values, _signs(node, noise, x.shape[1] // 2), step)  # 1 / Delta = Delta


def target_law(node: Node, *, step: float = 0.1) -> Steps:
    """Return the steps at which dL/dtheta_j is averaged: uniform along j, +-c along the others."""
    return Steps(own=uniform(step), others=signs(step))


def _signs(node: Node, noise: Noise, pairs: int) -> Tensor:
    u = noise.uniform(pairs, *node.theta.shape, name="direction")
    return movable(node, torch.where(u < 0.5, 1.0, -1.0).to(u.dtype))
