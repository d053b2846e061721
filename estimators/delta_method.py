"""The delta method: REINFORCE with the first-order expansion of the cost at mu as its control variate."""

from collections.abc import Callable

import torch
from torch import Tensor

from ._regression import coefficient
from .estimator import weighted
from .families.normal import Normal
from .noise import Noise


def sample(node: Normal, noise: Noise, S: int) -> Tensor:
    """Return S independent points and mu [N, S + 1, *B, D], mu the last."""
    x = node.draw(noise, S)
    return torch.cat([x, node.loc.expand(x[:, :1].shape)], 1)


def fit(
    node: Normal,
    evaluate: Callable[..., tuple[Tensor, Tensor]],
    stream: Callable[[int, int], Noise],
    S: int,
    *,
    fit_rows: int = 1024,
) -> Tensor:
    """Return beta = cov / var [*B, 2, D], one for each entry of the gradient, from ``fit_rows`` draws."""
    noise = stream(0, fit_rows)
    points = sample(node, noise, S)
    seen = (points, *evaluate(points, slopes=True))
    zero = torch.zeros_like(node.theta)
    plain, full = (combine(node, noise, *seen, state=beta) for beta in (zero, zero + 1))
    return coefficient(plain, full - plain)


def combine(node: Normal, noise: Noise, points: Tensor, values: Tensor, slopes: Tensor, *, state: Tensor) -> Tensor:
    """Return mean_i f(x_i) s(x_i) - beta (mean_i h(x_i) s(x_i) - grad E h): unbiased for any cost with a slope at mu.

    h(x) = f(mu) + f'(mu)^T (x - mu), whose gradient is grad E h = (f'(mu), 0) in location and scale. The expansion to
    second order would need the Hessian of f, which costs are not asked for. beta, the state, is fitted on samples of
    its own: from the same samples it would bias the draw.
    Source: Mohamed et al. 2020 (1906.10652), section 7; Paisley et al. 2012 (1206.6430).
    """
    x, mu = points[:, :-1], points[:, -1:]
    f, f_mu, slope = values[:, :-1], values[:, -1:], slopes[:, -1:]
    score = node.score(x)
    h = f_mu + (slope * (x - mu)).sum(-1)
    gradient = torch.stack([slope[:, 0], torch.zeros_like(slope[:, 0])], -2)  # [N, *B, 2, D]
    return weighted(f, score).mean(1) - state * (weighted(h, score).mean(1) - gradient)
