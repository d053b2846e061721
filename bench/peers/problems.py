"""The problems of the rows, in float32: the peers compute in it too."""

from __future__ import annotations

import torch

from ...estimators.families.categorical import Categorical
from ...estimators.families.normal import Normal
from ..problem import Problem
from ..resolve import problem_of
from .sides import cases, torch_costs

LATENTS, CLASSES = 20, 10
DIM = 100


def built_in() -> Problem:
    """Return the catalogue's polynomial of degree 2 over 20 categorical variables of 10 classes."""
    return problem_of(f"polynomial[classes={CLASSES},degree=2,dim={LATENTS}]").to(torch.float32, "cpu")


def network() -> Problem:
    """Return the same variables under a cost that only torch knows: tanh(x W) v, 200 inputs and 32 hidden units."""
    node = Categorical(torch.from_numpy(cases.logits(LATENTS, CLASSES)))
    return Problem("peers_network", node, torch_costs.cost("network", LATENTS, CLASSES))


def normal() -> Problem:
    """Return f(x) = |x|^2, x ~ N(1, 1) in 100 dimensions."""
    return Problem("peers_normal", Normal(torch.ones(2, DIM)), _square_sum, terms=torch.square)


def _square_sum(x: torch.Tensor) -> torch.Tensor:
    return x.square().sum(-1)


def coins() -> Problem:
    """Return storchastic's example, the catalogue's shared_bernoulli at logit 0."""
    return problem_of("shared_bernoulli[logit=0]").to(torch.float32, "cpu")
