"""The delta method on the pathwise form: the path of the first-order expansion at mu as a control variate."""

from collections.abc import Callable

import torch
from torch import Tensor

from . import delta_method, reparameterization
from ._regression import coefficient
from .families.normal import Normal
from .noise import Noise

sample = delta_method.sample  # S independent points, then mu


def fit(
    node: Normal,
    evaluate: Callable[..., tuple[Tensor, Tensor]],
    stream: Callable[[int, int], Noise],
    S: int,
    *,
    fit_rows: int = 1024,
) -> Tensor:
    """Return beta = cov / var [*B, D], one for each scale, from ``fit_rows`` draws."""
    noise = stream(0, fit_rows)
    points = sample(node, noise, S)
    seen = (points, *evaluate(points, slopes=True))
    zero = torch.zeros_like(node.scale)
    plain, full = (combine(node, noise, *seen, state=beta)[..., 1, :] for beta in (zero, zero + 1))
    return coefficient(plain, full - plain)


def combine(
    node: Normal, noise: Noise, points: Tensor, values: Tensor | None, slopes: Tensor, *, state: Tensor
) -> Tensor:
    """Return mean_i (f'(x_i), (f'(x_i) - beta f'(mu)) e_i), x = mu + sigma e: unbiased where reparameterization is.

    The path of h(x) = f(mu) + f'(mu)^T (x - mu) has the gradient (f'(mu), f'(mu) e), of mean (f'(mu), 0): in the
    location it does not vary, and controls nothing. The expansion to second order, which would control it, needs the
    Hessian of f, which costs are not asked for. beta, the state, is fitted on samples of its own.
    Source: Mohamed et al. 2020 (1906.10652), section 7; Miller et al. 2017 (1705.07774) for the pathwise form.
    """
    x, at_mu = points[:, :-1], slopes[:, -1:]
    e = (x - node.loc) / node.scale
    plain = reparameterization.combine(node, noise, x, values, slopes[:, :-1])  # [N, *B, 2, D]
    control = (at_mu * e).mean(1)
    return plain - torch.stack([torch.zeros_like(control), state * control], -2)
