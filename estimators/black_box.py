"""Moving the parameter of a node: what the black-box methods share."""

from typing import Any, cast

import torch
from torch import Tensor

from .errors import InputError
from .families.normal import Normal
from .node import Discrete, Node
from .noise import Noise


def both_sides(node: Node, noise: Noise, step: Tensor) -> Tensor:
    """Return x+ ~ p_{theta + step} and x- ~ p_{theta - step}, for each pair from common random numbers.

    The numbers in common are what places x for a given theta: standard Normals, or the Gumbel noise of the logits. A
    scale moved below 0 is that of the law with its absolute value.

    Args:
        node: the node at theta.
        noise: one noise for both sides of a pair.
        step: [N, pairs, *B, *param].

    Returns:
        [N, 2 pairs, *B, *event], the plus sides first.
    """
    pairs = step.shape[1]
    if node.family == "normal":
        e = noise.normal(pairs, *cast(Normal, node).loc.shape)
        sides = [theta[..., 0, :] + theta[..., 1, :] * e for theta in (node.theta + step, node.theta - step)]
    else:
        z = cast(Discrete, node).perturbed(noise, pairs)
        sides = [cast(Discrete, node).harden(moved) for moved in (z + step, z - step)]
    return torch.cat(sides, 1)


def movable(node: Node, direction: Tensor) -> Tensor:
    """Return the direction, 0 where theta is -inf: a masked class stays masked."""
    return torch.where(torch.isfinite(node.theta), direction, 0)


def difference(values: Tensor, direction: Any, step: float) -> Tensor:
    """Return mean over pairs of (f(x+) - f(x-)) / (2 step) times the direction [N, *B, *param]."""
    plus, minus = values.chunk(2, 1)  # [N, pairs, *B]
    slope = (plus - minus) / (2 * step)
    return (slope.reshape(slope.shape + (1,) * (direction.ndim - slope.ndim)) * direction).mean(1)


def checked_step(name: str, step: float) -> None:
    """Refuse a step that is none.

    Raises:
        InputError: if it is not positive.
    """
    if not step > 0:
        raise InputError(f"{name}={step}; it must be a positive number, e.g. 0.1")
