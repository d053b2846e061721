"""Stochastic smoothing: exact rules over its noise, the gradients of its objectives, the oracle, wrong twins."""

import math
from itertools import permutations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from varbench.estimators import stochastic_smoothing
from varbench.estimators.estimator import Estimator, weighted
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.node import Node

from ..exact_moments import PROVEN_IN, Axis, FixedNoise, Rule, moments, polynomial
from ..family_nodes import FAMILY_NODES
from ..surrogates import ORACLES, TRIED, Choices, Drawn, values
from ..twins import COIN, Check, follows_oracles, twin

TRIED |= {"perturbation": ("gumbel", "gaussian"), "antithetic": (False, True)}
PROVEN_IN["stochastic_smoothing"] = "test_stochastic_smoothing.py"

ONE_CHOICE = Categorical(torch.tensor([[1.0, -0.5, 0.2]], dtype=torch.float64))
SUBSET = FAMILY_NODES["subset"]


def logits(node: Node) -> Tensor:
    """Return the logits [D, K] of choices, a coin's with 0 for class 0, or [1, n] of a subset."""
    if node.family == "bernoulli":
        return torch.stack([node.theta, torch.zeros_like(node.theta)], -1)
    return node.theta.reshape(-1, node.theta.shape[-1])


# ---------------------------------------------------------------- Gumbel noise: a race of exponentials


def race(rates: Tensor) -> Axis:
    """Return the rule of the exponentials E [Q, K] of one race, in which item k arrives at E_k / rate_k.

    Each order of arrival has its probability, and the waits from one arrival to the next are exponential with the rates
    of those still on their way. Two Laguerre points a wait are exact to degree 3 in E, inside each order.
    """
    K = len(rates)
    x, w = (torch.from_numpy(a) for a in np.polynomial.laguerre.laggauss(2))
    waits, weights = torch.cartesian_prod(*[x] * K).reshape(-1, K), torch.cartesian_prod(*[w] * K).reshape(-1, K)
    numbers, masses = [], []
    for order in permutations(range(K)):
        arriving = rates[list(order)]
        left = arriving.flip(0).cumsum(0).flip(0)
        arrival = (waits / left).cumsum(-1)
        numbers.append(torch.empty_like(arrival).index_copy_(-1, torch.tensor(order), arrival * arriving))
        masses.append((arriving / left).prod() * weights.prod(-1))
    return torch.cat(numbers), torch.cat(masses)


def over_races(node: Node, S: int, sigma: float) -> Rule:
    """Independent races of all variables of S samples."""
    phi = logits(node)
    rules = [race((one / sigma).exp()) for one in phi] * S
    index = torch.cartesian_prod(*[torch.arange(len(w)) for _, w in rules]).reshape(-1, len(rules))
    E = torch.stack([x[i] for (x, _), i in zip(rules, index.T, strict=True)], 1)
    weights = torch.stack([w[i] for (_, w), i in zip(rules, index.T, strict=True)]).prod(0)
    shape = node.event_shape if node.family == "subset" else phi.shape
    return Rule(weights, FixedNoise(len(E), exponential_x=E.reshape(-1, S, *shape)))


def smoothed_gradient(node: Node, cost, sigma: float) -> Tensor:
    """Return the gradient of E f(MAP(phi + sigma G)), as the sum over outcomes of their probabilities in the race."""
    theta = node.theta.clone().requires_grad_()
    if node.family == "subset":
        x, rates = node.outcomes(), (theta / sigma).exp()
        p = torch.zeros(len(x), dtype=theta.dtype)
        for m, chosen in enumerate(x.bool()):
            for order in permutations(chosen.nonzero().flatten().tolist()):
                arriving = rates[list(order)]
                p[m] += (arriving / (rates.sum() - arriving.cumsum(0) + arriving)).prod()
    else:
        x = node.outcomes()
        log_p = [torch.nn.functional.logsigmoid((2 * x - 1) * theta / sigma).sum(-1)] if x.ndim == 2 else None
        log_p = log_p[0] if log_p else (x * torch.log_softmax(theta / sigma, -1)).sum((-1, -2))
        p = log_p.exp()
    (p @ cost(x)).backward()
    return theta.grad


def has_the_mean_of_its_smoothing(node: Node, sigma: float, S: int = 2) -> Check:
    def check(estimator: Estimator) -> None:
        cost = polynomial(node, 3)
        mean, _ = moments(estimator, node, cost, over_races(node, S, sigma), S, sigma=sigma)
        torch.testing.assert_close(mean, smoothed_gradient(node, cost, sigma), rtol=1e-11, atol=1e-12)

    return check


def has_its_variance_on_a_coin(estimator: Estimator) -> None:
    """(b - t)^2, Delta = 1 - 2 t, Gumbel noise, two samples: Delta^2 (p q (1 + p^2) - p^2 q^2).

    The draw is (f_1 - f_2) (s_1 - s_2) / 2; s_1 - s_2 = p (T_2 - T_1) + X where the coins differ, T and X exponential.
    """
    p = float(torch.sigmoid(COIN.theta))
    cost = lambda b: (b - 0.3).square().sum(-1)  # noqa: E731
    _, variance = moments(estimator, COIN, cost, over_races(COIN, 2, 1.0), 2)
    q, expected = 1 - p, 0.4**2 * (p * (1 - p) * (1 + p**2) - (p * (1 - p)) ** 2)
    assert math.isclose(variance, expected, rel_tol=1e-11), f"{variance} is not {expected}, q = {q}"


# ---------------------------------------------------------------- oracle


def by_the_density_of_what_is_perturbed(
    v: Choices | Drawn, *, perturbation: str, sigma: float, antithetic: bool
) -> Tensor:
    """Berthet et al. 2020: REINFORCE on z ~ nu((z - phi) / sigma), with a baseline sample by sample."""
    phi = v.logits if isinstance(v, Choices) else v.theta
    units = v.S // 2 if antithetic else v.S
    law = v.noise.normal if perturbation == "gaussian" else v.noise.exponential
    e = law(units, *phi.shape[2:])
    if perturbation == "gumbel":
        e = torch.cat([e, -torch.log1p(-torch.exp(-e))], 1) if antithetic else e
        e = -e.log()
    elif antithetic:
        e = torch.cat([e, -e], 1)
    z = (phi + sigma * e).detach()
    if isinstance(v, Choices):
        x = one_hot(z.argmax(-1), z.shape[-1]).to(z.dtype)
    else:
        x = (z >= z.topk(v.node.k, -1).values[..., -1:]).to(z.dtype)
    torch.testing.assert_close(v.x, x)
    y = (z - phi) / sigma
    log_nu = (-y.square() / 2 if perturbation == "gaussian" else -y - torch.exp(-y)).flatten(len(v.cost(v.x).shape))
    f, total = values(v), torch.zeros(())
    for i in range(v.S):
        others = [f[:, j] for j in range(v.S) if j % units != i % units]
        b = sum(others) / len(others) if others else 0
        total = total + (f[:, i] - b) * log_nu[:, i].sum(-1)
    return total / v.S


ORACLES["stochastic_smoothing"] = (by_the_density_of_what_is_perturbed,)


# ---------------------------------------------------------------- twins

GUMBEL = {"perturbation": "gumbel", "sigma": 1.0, "antithetic": False}


@twin("stochastic_smoothing", has_the_mean_of_its_smoothing(ONE_CHOICE, 1.0))
def stochastic_smoothing_with_the_score_of_gaussian_noise(
    node, noise, x, values, slopes, *, perturbation, sigma, antithetic
):
    f = values - values.flip(1)  # of two samples
    return weighted(f, noise.gumbel(x.shape[1], *node.theta.shape)).mean(1) / sigma


@twin("stochastic_smoothing", has_the_mean_of_its_smoothing(SUBSET, 0.7))
def stochastic_smoothing_without_one_over_sigma(node, noise, x, values, slopes, *, perturbation, sigma, antithetic):
    how = {"perturbation": perturbation, "antithetic": antithetic}
    return sigma * stochastic_smoothing.combine(node, noise, x, values, slopes, sigma=sigma, **how)


@twin("stochastic_smoothing", has_the_mean_of_its_smoothing(ONE_CHOICE, 0.7))
def stochastic_smoothing_with_the_mean_of_all_as_baseline(
    node, noise, x, values, slopes, *, perturbation, sigma, antithetic
):
    f = values - values.mean(1, keepdim=True)
    return weighted(f, 1 - noise.exponential(x.shape[1], *node.theta.shape)).mean(1) / sigma


@twin("stochastic_smoothing", has_its_variance_on_a_coin)
def stochastic_smoothing_without_its_baseline(node, noise, x, values, slopes, *, perturbation, sigma, antithetic):
    """Its mean is right."""
    E = noise.exponential(x.shape[1], *node.theta.shape, 2)[..., 0]
    return weighted(values, 1 - E).mean(1) / sigma


@twin("stochastic_smoothing", has_the_mean_of_its_smoothing(Bernoulli(torch.tensor([0.8, -0.4]).double()), 1.0))
def stochastic_smoothing_of_a_coin_against_zero_noise(
    node, noise, x, values, slopes, *, perturbation, sigma, antithetic
):
    E = noise.exponential(x.shape[1], *node.theta.shape, 2)
    return weighted(values - values.flip(1), E[..., 1] - E[..., 0]).mean(1) / sigma


@twin(
    "stochastic_smoothing",
    follows_oracles(ONE_CHOICE, perturbation="gaussian", sigma=0.7, antithetic=True),
    half="sample",
)
def stochastic_smoothing_whose_pairs_are_not_mirrored(node, noise, S, *, perturbation, sigma, antithetic):
    return node.harden(node.theta + sigma * noise.normal(S, *node.theta.shape))
