"""The most probable joint outcomes summed exactly, the rest sampled."""

import torch
from torch import Tensor

from .estimator import weighted
from .node import Discrete
from .noise import Noise
from .without_replacement import gumbel_top_k, mass_outside, most_probable


def sample(node: Discrete, noise: Noise, S: int) -> Tensor:
    """Return the S - 1 most probable joint outcomes and, last, one of the others, x ~ p given x not among them.

    Of S outcomes without replacement at least one is none of the S - 1, and the first such one has that law: it is
    where the largest perturbed log-probability of the rest lies. With S >= M, the number of joint outcomes, all are
    taken once: P = min(S, M).
    """
    drawn = gumbel_top_k(node, noise, S)  # [N, P, *B, *event]
    P = drawn.shape[1]
    top = most_probable(node, P - 1) if P > 1 else drawn[0, :0]  # [P - 1, *B, *event]
    event_axes = tuple(range(-len(node.event_shape), 0))
    is_top = torch.zeros(drawn.shape[: 2 + len(node.batch_shape)], dtype=torch.bool, device=drawn.device)
    for outcome in top:
        is_top |= (drawn == outcome).all(event_axes)
    first = (~is_top).to(torch.uint8).argmax(1, keepdim=True)  # [N, 1, *B]
    index = first.reshape(*first.shape, *(1,) * len(event_axes)).expand(noise.rows, 1, *drawn.shape[2:])
    return torch.cat([top.expand(noise.rows, *top.shape), drawn.gather(1, index)], 1)


def combine(node: Discrete, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return sum_{c in C} p(c) f(c) s(c) + (1 - p(C)) f(x) s(x), C the S - 1 most probable: unbiased for any cost.

    The paper has one categorical variable; several variables are one here, whose classes are the joint outcomes.
    Its base estimator is reinforce. S = 1 is reinforce itself; the paper's k is S - 1.
    Source: Liu et al. 2019 (1810.04777).
    """
    log_p = node.log_prob(x)  # [N, P, *B]
    top = log_p[:, :-1]
    rest = mass_outside(top) if top.shape[1] else torch.ones_like(log_p)
    weights = torch.cat([top.exp(), rest], 1)
    return weighted(weights * values, node.score(x)).sum(1)
