"""Stochastic smoothing: the score of the noise that perturbs the logits of a choice, the choice itself a black box."""

import math
from typing import cast

import torch
from torch import Tensor

from ._pairs import paired, unpaired
from .black_box import checked_step, movable
from .errors import InputError
from .estimator import weighted
from .families.categorical import Categorical
from .families.subset import Subset
from .node import Discrete, Enumerable
from .noise import Noise
from .target_law import Chances, Mean, top_law

LAWS = ("gumbel", "gaussian")
LEAST = 2.0**-54  # of an exponential number, as noise has it


def sample(
    node: Enumerable,
    noise: Noise,
    S: int,
    *,
    perturbation: str = "gumbel",
    sigma: float = 1.0,
    antithetic: bool = False,
) -> Tensor:
    """Return MAP(phi + sigma e) [N, S, *B, *event]: the class, or the k items, with the largest perturbed logits.

    Antithetic, the second half of the e are the mirror images of the first: those of 1 - u where e is that of u.

    Raises:
        InputError: if sigma is not positive, or the law of e is neither "gumbel" nor "gaussian".
    """
    checked_step("sigma", sigma)
    e, _ = _perturbations(node, noise, S, perturbation, antithetic)
    phi = paired(node, node.theta)
    choices = node if isinstance(node, Subset) else Categorical(phi)
    return unpaired(node, choices.harden(phi + sigma * e))


def combine(
    node: Enumerable,
    noise: Noise,
    x: Tensor,
    values: Tensor,
    slopes: Tensor | None,
    *,
    perturbation: str = "gumbel",
    sigma: float = 1.0,
    antithetic: bool = False,
) -> Tensor:
    """Return mean_i (f(x_i) - b_i) (-grad log nu(e_i)) / sigma, x = MAP(phi + sigma e), b_i the mean f of the others.

    -grad log nu is e for Gaussian and 1 - exp(-e) for Gumbel noise. The mean is the gradient of the smoothed objective
    E_e f(MAP(phi + sigma e)), for any cost. With Gumbel noise and sigma = 1 a choice or a coin has exactly its own law,
    and the estimate is unbiased for the expectation; a subset has that of drawing without replacement, which is not
    the node's. A coin is a choice between logits phi and 0, both of them perturbed. Evolution strategies instead move
    the parameter of the law and then draw from it.

    b leaves out a mirrored pair as a whole; a single pair has none (b = 0), which Gaussian noise, whose pair cancels
    any constant, does not miss. Points of randomised quasi-Monte Carlo, all dependent, would leave no such baseline.
    Source: Berthet et al. 2020 (2002.08676); 2410.08125 for the variance reduction.
    """
    S = x.shape[1]
    _, score = _perturbations(node, noise, S, perturbation, antithetic)
    f = values.unflatten(1, (2 if antithetic else 1, -1))  # [N, mirrored, units, *B]
    units = f.shape[2]
    total = f.mean(1, keepdim=True)
    b = (total.sum(2, keepdim=True) - total) / max(units - 1, 1)
    draws = unpaired(node, weighted((f - b).flatten(1, 2), score).mean(1) / sigma)
    return movable(node, draws)


def target_law(node: Enumerable, *, perturbation: str = "gumbel", sigma: float = 1.0) -> Mean | Chances:
    """Return the law of MAP(phi + sigma e): softmax(phi / sigma) with Gumbel noise, Phi(phi / (sigma sqrt 2)) of a coin
    with Gaussian noise, else an integral."""
    if isinstance(node, Subset):
        return Chances(top_law(node.logits, node.outcomes(), sigma, perturbation))
    if perturbation == "gumbel":
        return Mean(node.probs if sigma == 1 else cast(Discrete, node).tempered(sigma))
    if node.family == "bernoulli":
        return Mean(torch.special.ndtr(node.theta / (sigma * math.sqrt(2))))
    classes = torch.eye(node.theta.shape[-1])
    return Mean(top_law(node.theta, classes, sigma, perturbation).movedim(0, -1))


def _perturbations(node: Enumerable, noise: Noise, S: int, law: str, antithetic: bool) -> tuple[Tensor, Tensor]:
    """Return e and -grad log nu(e) [N, S, *B, D, K], or [N, S, *B, n] for a subset.

    Raises:
        InputError: for an unknown law.
    """
    shape = paired(node, node.theta).shape
    units = S // 2 if antithetic else S
    if law == "gaussian":
        e = noise.normal(units, *shape)
        e = torch.cat([e, -e], 1) if antithetic else e
        return e, e
    if law != "gumbel":
        raise InputError(f"stochastic_smoothing: perturbation={law}; it must be one of {', '.join(LAWS)}")
    E = noise.exponential(units, *shape)  # exp(-e)
    if antithetic:
        E = torch.cat([E, -torch.log(-torch.expm1(-E)).clamp(max=-LEAST)], 1)
    return -E.log(), 1 - E
