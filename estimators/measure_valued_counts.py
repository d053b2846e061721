"""Measure-valued derivatives: the difference of the cost between two laws, coordinate by coordinate."""

import torch
from torch import Tensor

from .node import WeakDerivative
from .noise import Noise


def sample(node: WeakDerivative, noise: Noise, S: int) -> Tensor:
    """Return points x with x_d replaced by x+_rd, then by x-_rd [N, 2 R D S, *B, D]; r is outermost, then d."""
    x = node.draw(noise, S)
    positive, negative = node.weak_derivative(noise, S)  # [N, S, R, *B, D]
    D = x.shape[-1]
    halves = [
        _replaced(x, new[:, :, r], d) for new in (positive, negative) for r in range(new.shape[2]) for d in range(D)
    ]
    return torch.cat(halves, 1)


def combine(node: WeakDerivative, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return c_rd mean_i (f(x_i with x+_rd) - f(x_i with x-_rd)) in theta_rd: unbiased for any cost.

    dp/dtheta = c (p+ - p-) with densities p+ and p-, which are coupled; the other coordinates are held. It takes 2 R D
    evaluations a sample, R parameters a coordinate. For a Poisson rate: c = 1, x+ = x + 1, x- = x.
    Source: Pflug 1989; Mohamed et al. 2020 (1906.10652), section 6.
    """
    c = node.weak_constants  # [R, *B, D]
    R, D = c.shape[0], c.shape[-1]
    f = values.unflatten(1, (2, R, D, -1)).mean(4)  # [N, 2, R, D, *B]
    draws = c * (f[:, 0] - f[:, 1]).movedim(2, -1)  # [N, R, *B, D]
    return draws.movedim(1, -2).reshape(values.shape[0], *node.theta.shape)


def _replaced(x: Tensor, new: Tensor, d: int) -> Tensor:
    changed = x.clone()
    changed[..., d] = new[..., d]
    return changed
