"""The estimators of bounds over particles: exact means and variances, and extremes."""

import math

import pytest
import torch
from torch import Tensor

from varbench.estimators.catalogue import bounds
from varbench.estimators.estimator import load
from varbench.estimators.facts import Facts
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.logistic import Logistic
from varbench.estimators.families.normal import Normal
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from . import proofs  # noqa: F401  (enters the rules)
from .bounds import (
    assert_unbiased_for_the_bound,
    assert_variance_of_vimco,
    gradient_of_bound,
    minus_log_joint,
    over_particles,
    variance_at_the_posterior,
    with_log_q,
)
from .exact_moments import Cost, gradient_draws, legendre, moments, over_outcomes, polynomial, product
from .proofs.bounds import tucker_dreg
from .surrogates import oracle_draws
from .twins import CHOICES, COIN, COINS, GAUSSIAN

LOGISTIC = Logistic(torch.tensor([[0.5], [0.8]], dtype=torch.float64))
THREE = Categorical(torch.tensor([[0.3, -1.2, 0.8]], dtype=torch.float64))
OFF = Normal(torch.tensor([[1.1], [0.9]], dtype=torch.float64))
NODES = {"coin": COIN, "coins": COINS, "three": THREE, "choices": CHOICES, "gaussian": GAUSSIAN, "off": OFF}


def cost_on(node: Node) -> Cost:
    return minus_log_joint if node.family in ("normal", "logistic") else polynomial(node, 2)


@pytest.mark.parametrize("S", [2, 3])
@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
@pytest.mark.parametrize("name", ["iwae_reinforce", "vimco"])
def test_mean_of_score_forms_is_the_gradient_of_the_bound(name: str, node: Node, S: int) -> None:
    assert_unbiased_for_the_bound(load(name), node, cost_on(node), S)


@pytest.mark.parametrize(("node", "S"), [(GAUSSIAN, 2), (OFF, 2), (OFF, 3), (LOGISTIC, 2)])
@pytest.mark.parametrize("name", ["iwae_reparameterization", "dreg"])
def test_mean_of_path_forms_is_the_gradient_of_the_bound(name: str, node: Node, S: int) -> None:
    assert_unbiased_for_the_bound(load(name), node, cost_on(node), S)


def test_stl_on_a_bound_is_biased_by_the_score_that_it_leaves_out() -> None:
    rule, cost = over_particles(OFF, 2), with_log_q(OFF, minus_log_joint)
    mean, _ = moments(load("iwae_stl"), OFF, cost, rule, 2)
    exact = gradient_of_bound(OFF, minus_log_joint, 2)
    whole, path = (
        gradient_draws(load(n), OFF, cost, rule.noise, 2, rule.points) for n in ("iwae_reparameterization", "iwae_stl")
    )
    left_out = (rule.weights.reshape(-1, 1, 1) * (whole - path)).sum(0)
    assert (mean - exact).abs().max() > 0.1
    torch.testing.assert_close(mean - exact, -left_out, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("node", "S"), [(COIN, 2), (COINS, 3), (THREE, 4), (CHOICES, 3)])
def test_variance_of_vimco_is_that_of_its_definition(node: Node, S: int) -> None:
    assert_variance_of_vimco(load("vimco"), node, polynomial(node, 2), S)


@pytest.mark.parametrize("phi", [-2.0, 0.0, 1.0])
def test_variance_of_vimco_on_a_coin_is_its_closed_form(phi: float) -> None:
    """Two equal particles: s. Two unequal ones: (F - l_0 + w~_1) q - (F - l_1 + w~_0) p, with F of one of each."""
    node = Bernoulli(torch.tensor([phi], dtype=torch.float64))
    p = 1 / (1 + math.exp(-phi))
    q, c = 1 - p, {1: 0.3, 0: 1.1}
    l1, l0 = c[1] + math.log(p), c[0] + math.log(q)
    F = -math.log((math.exp(-l1) + math.exp(-l0)) / 2)
    w1 = math.exp(-l1) / (math.exp(-l1) + math.exp(-l0))
    unequal = (F - l0 + w1) * q - (F - l1 + 1 - w1) * p
    mean = p * p * q - q * q * p + 2 * p * q * unequal
    expected = p * p * q**2 + q * q * p**2 + 2 * p * q * unequal**2 - mean**2
    cost = with_log_q(node, lambda b: (c[0] + (c[1] - c[0]) * b).sum(-1))
    _, variance = moments(load("vimco"), node, cost, over_outcomes(node, 2), 2)
    assert math.isclose(variance, expected, rel_tol=1e-11)


@pytest.mark.parametrize("S", [2, 3])
def test_variances_of_path_forms_at_the_posterior(S: int) -> None:
    """All weights are equal: the scores' variance is (1 + 2) / sigma^2 / S, and what leaves them out has none."""
    for name in ("dreg", "iwae_stl"):
        assert variance_at_the_posterior(load(name), S) < 1e-28
    assert math.isclose(variance_at_the_posterior(load("iwae_reparameterization"), S), 6 / S, rel_tol=1e-10)


def test_variance_of_dreg_is_that_of_its_surrogate_by_another_rule() -> None:
    _, variance = moments(load("dreg"), OFF, with_log_q(OFF, minus_log_joint), over_particles(OFF, 2), 2)
    e, w = legendre(torch.arange(-9.0, 10.0, dtype=torch.float64), order=12)
    e, weights = product([(e, w * torch.distributions.Normal(0, 1).log_prob(e).exp())] * 2)
    x = (OFF.loc + OFF.scale * e.unsqueeze(-1)).reshape(-1, 2, 1)

    class Laid:
        rows = len(e)

        def normal(self, *shape: int) -> Tensor:
            return e.unsqueeze(-1)

    draws = oracle_draws(tucker_dreg, OFF, with_log_q(OFF, minus_log_joint), Laid(), x)
    mean = (weights.reshape(-1, 1, 1) * draws).sum(0)
    expected = float((weights.reshape(-1, 1, 1) * (draws - mean).square()).sum())
    assert math.isclose(variance, expected, rel_tol=1e-8)


# ---------------------------------------------------------------- extremes


@pytest.mark.parametrize("size", [1e-3, 1e3, 1e8])
@pytest.mark.parametrize("facts", bounds.ENTRIES, ids=lambda facts: facts.name)
def test_weights_that_differ_by_any_factor_leave_draws_finite(facts: Facts, size: float) -> None:
    x = GAUSSIAN.draw(PhiloxNoise(0, "far", 0, 64), 4)
    values, slopes = size * x.squeeze(-1), torch.full_like(x, size)
    draws = load(facts.name).combine(GAUSSIAN, PhiloxNoise(0, "far", 0, 64), x, values, slopes)
    assert torch.isfinite(draws).all()


def test_equal_weights_leave_vimco_the_mean_score() -> None:
    """F = F_{-i} where all l are equal, however large."""
    x = COINS.draw(PhiloxNoise(0, "equal", 0, 64), 5)
    draws = load("vimco").combine(
        COINS, PhiloxNoise(0, "equal", 0, 64), x, torch.full(x.shape[:2], 300.0).double(), None
    )
    torch.testing.assert_close(draws, COINS.score(x).mean(1), rtol=1e-11, atol=1e-12)
