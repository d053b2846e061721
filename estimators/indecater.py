"""IndeCateR: a sum over the classes of each variable, the others sampled."""

import torch
from torch import Tensor

from .estimator import independent
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int) -> Tensor:
    """Return S points, each with all that differ from it in one variable: [N, S (1 + D (K - 1)), *B, *event].

    A departure, in cost only: of the D K points (x_{-d}, k) of a sample, the D that are x itself are evaluated once.
    """
    x = independent(node, noise, S)  # [N, S, *B, *event]
    D, variable = node.event_shape[0], -len(node.event_shape)
    changed = [_moved(node, x, step) for step in range(1, _classes(node))]
    alone = torch.arange(D, device=x.device).reshape(D, *(1,) * (-1 - variable))
    neighbours = [torch.where(alone == d, other, x) for d in range(D) for other in changed]
    return torch.stack([x, *neighbours], 2).flatten(1, 2)


def combine(node: Discrete, noise: Noise, points: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return sum_k grad p_d(k) F_d(k) for each variable d, F_d(k) = mean_i f(x_i, its variable d set to k).

    In the logits that is J(p_d) F_d, for coins p q (F_d(1) - F_d(0)). One sample x_i serves all variables and classes.
    Unbiased for any cost, since x_{-d} is independent of x_d; exact for separable costs, for what the other variables
    add to F_d(k) is the same for all k, and J(p_d) takes none of it. f(x_i) itself is subtracted for the same reason.

    Local expectation gradients, which weigh by p(x_d | x_{-d}), are the same where variables are independent. With
    x_{-d} drawn anew for each d, at D times the samples, the variances would be the same and the covariances 0.

    Source: De Smet et al. 2023 (2311.12569); Titsias & Lazaro-Gredilla 2015 (1503.01494).
    """
    D, steps = node.event_shape[0], _classes(node) - 1
    S = points.shape[1] // (1 + D * steps)
    x = points.unflatten(1, (S, -1))[:, :, 0]  # [N, S, *B, *event]
    f = values.unflatten(1, (S, -1))  # [N, S, 1 + D (K - 1), *B]
    gain = (f[:, :, 1:] - f[:, :, :1]).unflatten(2, (D, steps)) if steps else f.new_zeros(0)
    F = torch.zeros_like(x)
    for step in range(1, steps + 1):
        by_variable = gain[:, :, :, step - 1].movedim(2, -1)  # [N, S, *B, D]
        if node.family == "bernoulli":
            F = F + (1 - 2 * x) * by_variable  # F(1) - F(0)
        else:
            F = F + _moved(node, x, step) * by_variable.unsqueeze(-1)
    return node.pullback(node.probs, F.mean(1))


def _classes(node: Discrete) -> int:
    return 2 if node.family == "bernoulli" else node.event_shape[-1]


def _moved(node: Discrete, x: Tensor, step: int) -> Tensor:
    """Return x with every variable moved on by this many classes, cyclically."""
    return 1 - x if node.family == "bernoulli" else x.roll(step, -1)
