"""Oracles, rules and wrong twins of the pathwise estimators with coupled points."""

import torch
from torch import Tensor

from varbench.estimators import antithetic
from varbench.estimators.node import Node

from ..coupled_gaussians import has_exact_moments_of_rqmc
from ..exact_moments import PROVEN_IN, RULES, FixedNoise, Rule, hermite, product
from ..surrogates import ORACLES, Gaussians
from ..twins import GAUSSIAN, twin, unbiased


def over_halves(node: Node, S: int) -> Rule:
    """Gauss-Hermite in every coordinate of the first point of each of S/2 pairs."""
    D = node.event_shape[0]
    e, weights = product([hermite()] * (S // 2 * D))
    return Rule(weights, FixedNoise(len(e), normal_x=e.reshape(-1, S // 2, D)))


def along_the_path(v: Gaussians) -> Tensor:
    """Each point moves as mu + sigma e, wherever its e comes from."""
    e = (v.x - v.loc.detach()) / v.scale.detach()
    return sum(v.cost(v.loc[:, 0] + v.scale[:, 0] * e[:, i]) for i in range(v.S)) / v.S


RULES |= {"antithetic": over_halves}
PROVEN_IN |= {"rqmc": "test_coupled_gaussians.py"}
ORACLES |= {"antithetic": (along_the_path,), "rqmc": (along_the_path,)}


@twin("antithetic", unbiased(GAUSSIAN, 3), half="sample")
def antithetic_around_zero(node, noise, S):
    x = node.loc + node.scale * noise.normal(S // 2, *node.loc.shape)
    return torch.cat([x, -x], 1)


@twin("antithetic", unbiased(GAUSSIAN, 3))
def antithetic_summed_over_pairs(node, noise, x, values, slopes):
    return 2 * antithetic.combine(node, noise, x, values, slopes)


@twin("rqmc", has_exact_moments_of_rqmc, half="sample")
def rqmc_without_its_shift(node, noise, S):
    """The same middles of S intervals in every draw."""
    u = (torch.arange(S).double() + 0.5) / S
    e = torch.special.ndtri(u).reshape(1, S, *(1,) * node.loc.ndim)
    return node.loc + node.scale * e.expand(noise.rows, S, *node.loc.shape)


@twin("rqmc", has_exact_moments_of_rqmc, half="sample")
def rqmc_with_a_shift_for_each_point(node, noise, S):
    """Unbiased, and no better than independent points."""
    v = noise.uniform(1, *node.loc.shape)
    u = torch.cat([v, (v * 7919) % 1], 1).clamp(1e-12, 1 - 1e-12)
    return node.loc + node.scale * torch.special.ndtri(u)
