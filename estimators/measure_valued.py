"""Measure-valued derivatives: differences of the cost between two laws, coordinate by coordinate."""

import torch
from torch import Tensor

from .node import WeakDerivative
from .noise import Noise


def sample(node: WeakDerivative, noise: Noise, S: int) -> Tensor:
    """Return for each sample x, parameter r, sign and coordinate d the x with x_d replaced by x+_rd or by x-_rd.

    [N, S 2 R D, *B, D], in the order (S, R, sign, D).
    """
    x = node.draw(noise, S)
    own = torch.stack(node.weak_derivative(noise, S), 3)  # [N, S, R, 2, *B, D]
    D = x.shape[-1]
    replaced = torch.eye(D, dtype=torch.bool, device=x.device).reshape(D, *(1,) * len(node.batch_shape), D)
    return torch.where(replaced, own.unsqueeze(4), x[:, :, None, None, None]).flatten(1, 4)


def combine(node: WeakDerivative, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return mean_i [f(x_i with x+_rd) - f(x_i with x-_rd)] / h_rd in theta_rd: unbiased for any cost, smooth or not.

    dp/dtheta = (p+ - p-) / h with laws p+ and p-, which are coupled; the other coordinates are one sample for both.
    It takes 2 R D evaluations a sample, R parameters a coordinate. Normal location: mu +- sigma w, w Weibull, h = sigma
    sqrt(2 pi); scale: double-sided Maxwell against Normal, h = sigma. Poisson rate: x + 1 against x, h = 1. Gamma
    rate: Gamma(a, r) against Gamma(a + 1, r), h = r / a; concentration: the halves of dp/da.
    Source: Pflug 1989; Mohamed et al. 2020 (1906.10652), section 6.
    """
    h = node.weak_spacing  # [R, *B, D]
    R, D = h.shape[0], h.shape[-1]
    f = values.unflatten(1, (-1, R, 2, D)).mean(1).movedim(3, -1)  # [N, R, 2, *B, D]
    draws = (f[:, :, 0] - f[:, :, 1]) / h  # [N, R, *B, D]
    return draws.movedim(1, -2).reshape(values.shape[0], *node.theta.shape)
