"""RODEO: leave-one-out REINFORCE with control variates from a discrete Stein operator."""

from collections.abc import Callable

import torch
from torch import Tensor

from . import rloo
from ._regression import coefficients
from .estimator import independent, weighted
from .families.bernoulli import Bernoulli
from .noise import Noise

POWERS = (1, 2)

sample = independent


def fit(
    node: Bernoulli,
    evaluate: Callable[..., tuple[Tensor, Tensor]],
    stream: Callable[[int, int], Noise],
    S: int,
    *,
    fit_rows: int = 1024,
) -> Tensor:
    """Return the coefficients [4] with the least trace of the covariance of ``fit_rows`` draws, by least squares."""
    noise = stream(0, fit_rows)
    x = sample(node, noise, S)
    values, slopes = evaluate(x, slopes=True)
    return coefficients(rloo.combine(node, noise, x, values, None).flatten(1), controls(node, x, slopes).flatten(1, -2))


def combine(node: Bernoulli, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor, *, state: Tensor) -> Tensor:
    """Return mean_k (f_k - mean_{j != k} (f_j + A h_j(x_j))) s(x_k) + A(h~_k s)(x_k): unbiased at any coefficients.

    Departure: h and h~ are quadratic in the linear prediction l_i(y) = f'(x_i)^T (y - x_i) of f(y) - f(x_i),
    h_k(y) = mean_{i != k} (w_1 l_i(y) + w_2 l_i(y)^2), where the paper has a network of f(x_i) and l_i(y): their four
    coefficients, the state, minimise the variance in closed form, the network's weights by gradient steps.

    A h(x) = mean_d P(x_d flips) (h(x with x_d flipped) - h(x)) is the Stein operator of random-scan Gibbs, and
    E[A h(x)] = 0 for every h that does not depend on x. Slopes are taken at hard points only; D^2 terms for each pair
    of samples in the paper are D here, since a flip moves one entry of a linear prediction.
    Source: Shi et al. 2022 (2202.09497).
    """
    return rloo.combine(node, noise, x, values, None) + controls(node, x, slopes) @ state


def controls(node: Bernoulli, x: Tensor, slopes: Tensor) -> Tensor:
    """Return the terms of mean zero [N, *B, D, 4] that the coefficients multiply: two of h, then two of h~."""
    S, score, turn = x.shape[1], node.score(x), 1 - 2 * x  # a flip adds 1 - 2 x_d
    flips = torch.where(x > 0.5, torch.sigmoid(-node.logits), node.probs)
    here = torch.einsum("ni...d,nk...d->nki...", slopes, x) - (slopes * x).sum(-1).unsqueeze(1)  # l_i(x_k)
    flipped = here.unsqueeze(-1) + slopes.unsqueeze(1) * turn.unsqueeze(2)  # l_i(y) [N, S, S, *B, D], y one for each d
    others = 1 - torch.eye(S, dtype=x.dtype, device=x.device)
    of_baseline, of_score = [], []
    for power in POWERS:
        h = torch.einsum("nki...,ki->nk...", here**power, others) / (S - 1)
        h_flipped = torch.einsum("nki...,ki->nk...", flipped**power, others) / (S - 1)
        stein = (flips * (h_flipped - h.unsqueeze(-1))).mean(-1)  # A h(x_k) [N, S, *B]
        mean_of_others = (stein.sum(1, keepdim=True) - stein) / (S - 1)
        of_baseline.append(-weighted(mean_of_others, score).mean(1))
        # s changes at the flipped entry alone: s(y) = s(x) + (1 - 2 x_d) e_d
        of_score.append((weighted(stein, score) + flips * h_flipped * turn / x.shape[-1]).mean(1))
    return torch.stack(of_baseline + of_score, -1)
