"""Oracles, rules and wrong twins of the estimators of an elbo and of bounds over particles."""

import math

import torch
from torch import Tensor

from varbench.estimators import dreg, stl, vimco
from varbench.estimators._bound import bound, shares
from varbench.estimators.estimator import weighted

from ..bounds import (
    assert_unbiased_for_the_bound,
    assert_variance_of_vimco,
    has_no_variance_at_the_posterior,
    minus_log_joint,
)
from ..exact_moments import PROVEN_IN, RULES, over_the_node, polynomial
from ..surrogates import ORACLES, Drawn, Gaussians, Variables, reparameterized, values
from ..twins import CHOICES, COINS, GAUSSIAN, Check, twin, unbiased

RULES |= {"stl": over_the_node}
PROVEN_IN |= dict.fromkeys(("iwae_reinforce", "vimco", "iwae_reparameterization", "dreg"), "test_bounds.py")


# ---------------------------------------------------------------- oracles: f = cost + log q, theta fixed in its q


def log_q_in_theta(v: Variables) -> Tensor:
    """Return 0 with the derivative of log q in theta itself."""
    log_q = v.log_prob()
    return log_q - log_q.detach()


def moved(v: Gaussians | Drawn) -> Tensor:
    """Return f at the points as they move with theta."""
    return v.cost(v.rebuilt() if isinstance(v, Drawn) else v.loc + v.scale * v.e())


def log_mean_w(l: Tensor) -> Tensor:  # noqa: E741
    return torch.logsumexp(-l, 1) - math.log(l.shape[1])


def by_scores(v: Variables) -> Tensor:
    """The derivative of -E L: (-L) held fixed times log q of all particles, and -L itself."""
    L = log_mean_w(values(v) + log_q_in_theta(v))
    return -L.detach() * v.log_prob().sum(1) - L


def mnih_rezende(v: Variables) -> Tensor:
    """Mnih & Rezende 2016: L - L_{-i} held fixed times log q(x_i), plus L; here -L is minimised."""
    log_w = -(values(v) + log_q_in_theta(v))
    L, log_q = log_mean_w(-log_w), v.log_prob()
    total = L
    for i in range(v.S):
        others = [log_w[:, j] for j in range(v.S) if j != i]
        geometric = sum(others) / len(others)
        without = torch.logsumexp(torch.stack([*others, geometric]), 0) - math.log(v.S)
        total = total + (L - without).detach() * log_q[:, i]
    return -total


def burda(v: Gaussians | Drawn) -> Tensor:
    """Burda et al. 2016: -L with all that depends on theta."""
    return -log_mean_w(moved(v) + log_q_in_theta(v))


def roeder(v: Gaussians | Drawn) -> Tensor:
    """Roeder et al. 2017: -L with theta stopped inside log q."""
    return -log_mean_w(moved(v))


def tucker_dreg(v: Gaussians | Drawn) -> Tensor:
    """Tucker et al. 2019: squared shares held fixed, times l with theta stopped inside log q."""
    l = moved(v)  # noqa: E741
    return (torch.softmax(-l, 1).detach() ** 2 * l).sum(1)


ORACLES |= {
    "stl": (reparameterized,),
    "iwae_reinforce": (by_scores,),
    "vimco": (mnih_rezende,),
    "iwae_reparameterization": (burda,),
    "iwae_stl": (roeder,),
    "dreg": (tucker_dreg,),
}


# ---------------------------------------------------------------- twins


def unbiased_for_the_bound(node, S: int = 2) -> Check:
    cost = minus_log_joint if node is GAUSSIAN else polynomial(node, 2)
    return lambda estimator: assert_unbiased_for_the_bound(estimator, node, cost, S)


def has_variance_of_vimco(estimator) -> None:
    assert_variance_of_vimco(estimator, COINS, polynomial(COINS, 2), 3)


@twin("vimco", unbiased_for_the_bound(CHOICES))
def vimco_without_the_shares(node, noise, x, values, slopes):
    return vimco.combine(node, noise, x, values, slopes) - weighted(shares(values), node.score(x)).sum(1)


@twin("vimco", unbiased_for_the_bound(CHOICES))
def vimco_with_the_sign_of_the_signal_wrong(node, noise, x, values, slopes):
    return 2 * weighted(shares(values), node.score(x)).sum(1) - vimco.combine(node, noise, x, values, slopes)


@twin("vimco", unbiased_for_the_bound(CHOICES))
def vimco_with_the_signs_of_a_maximiser(node, noise, x, values, slopes):
    return vimco.combine(node, noise, x, -values, slopes)


@twin("vimco", unbiased_for_the_bound(CHOICES))
def vimco_averaged_over_particles(node, noise, x, values, slopes):
    return vimco.combine(node, noise, x, values, slopes) / x.shape[1]


@twin("vimco", unbiased_for_the_bound(CHOICES))
def vimco_with_its_own_weight_in_the_mean(node, noise, x, values, slopes):
    S = values.shape[1]
    own = torch.eye(S, dtype=torch.bool).reshape(S, S, *(1,) * (values.ndim - 2))
    replaced = torch.where(own, values.mean(1, keepdim=True).unsqueeze(2), values.unsqueeze(1))
    signal = bound(values).unsqueeze(1) - bound(replaced, 2)
    return weighted(signal + shares(values), node.score(x)).sum(1)


@twin("vimco", has_variance_of_vimco)
def vimco_with_the_arithmetic_mean(node, noise, x, values, slopes):
    """Unbiased: what replaces w_i may be any function of the others."""
    S, w = values.shape[1], (-values).exp()
    of_others = -((w.sum(1, keepdim=True) - w) / (S - 1)).log()
    own = torch.eye(S, dtype=torch.bool).reshape(S, S, *(1,) * (values.ndim - 2))
    replaced = torch.where(own, of_others.unsqueeze(2), values.unsqueeze(1))
    signal = bound(values).unsqueeze(1) - bound(replaced, 2)
    return weighted(signal + shares(values), node.score(x)).sum(1)


@twin("iwae_reinforce", unbiased_for_the_bound(COINS, 3))
def iwae_reinforce_without_the_shares(node, noise, x, values, slopes):
    return weighted(bound(values).unsqueeze(1), node.score(x)).sum(1)


@twin("iwae_reinforce", unbiased_for_the_bound(COINS, 3))
def iwae_reinforce_with_the_bound_of_one_particle(node, noise, x, values, slopes):
    return weighted(values + shares(values), node.score(x)).sum(1)


@twin("iwae_reparameterization", unbiased_for_the_bound(GAUSSIAN))
def iwae_reparameterization_without_its_score(node, noise, x, values, slopes):
    return weighted(shares(values), node.pathwise(x, slopes)).sum(1)


@twin("iwae_reparameterization", unbiased_for_the_bound(GAUSSIAN))
def iwae_reparameterization_with_equal_shares(node, noise, x, values, slopes):
    return (node.pathwise(x, slopes) + node.score(x)).mean(1)


@twin("dreg", unbiased_for_the_bound(GAUSSIAN))
def dreg_with_shares_not_squared(node, noise, x, values, slopes):
    return weighted(shares(values), node.pathwise(x, slopes)).sum(1)


@twin("dreg", unbiased_for_the_bound(GAUSSIAN))
def dreg_with_the_score_kept(node, noise, x, values, slopes):
    kept = weighted(shares(values), node.score(x)).sum(1)
    return dreg.combine(node, noise, x, values, slopes) + kept


@twin("dreg", unbiased_for_the_bound(GAUSSIAN))
def dreg_with_the_weights_upside_down(node, noise, x, values, slopes):
    return dreg.combine(node, noise, x, -values, slopes)


@twin("stl", has_no_variance_at_the_posterior)
def stl_with_its_score(node, noise, x, values, slopes):
    """Unbiased: that is reparameterization."""
    return stl.combine(node, noise, x, values, slopes) + node.score(x).mean(1)


@twin("stl", unbiased(GAUSSIAN, 3))
def stl_summed_over_samples(node, noise, x, values, slopes):
    return stl.combine(node, noise, x, values, slopes) * x.shape[1]


@twin("dreg", has_no_variance_at_the_posterior)
def dreg_with_a_score_of_mean_zero(node, noise, x, values, slopes):
    return dreg.combine(node, noise, x, values, slopes) + node.score(x).mean(1)
