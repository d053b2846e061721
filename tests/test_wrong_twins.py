"""Plausible mistakes, each caught by the very check that the right estimator passes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.stats import chi2
from torch import Tensor

from varbench.estimators import disarm, reinmax, rloo, st_gumbel_softmax
from varbench.estimators.catalogue import CATALOGUE
from varbench.estimators.estimator import Estimator, load, weighted
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.normal import Normal
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import (
    assert_mean_of_st_gumbel_softmax,
    assert_unbiased,
    assert_variance,
    gradient_draws,
    polynomial,
)
from .surrogates import assert_follows_oracles

Check = Callable[[Estimator], None]

COIN = Bernoulli(torch.tensor([1.0], dtype=torch.float64))
COINS = Bernoulli(torch.tensor([2.0, -0.7], dtype=torch.float64))
CHOICES = Categorical(torch.tensor([[1.0, -0.5, 0.2], [-2.0, 0.7, 0.1]], dtype=torch.float64))
GAUSSIAN = Normal(torch.tensor([[0.5], [1.3]], dtype=torch.float64))

CONFIG = {"temperature": 0.5, "identity": False, "conditional_samples": 2}
ROWS, BLOCKS, FALSE_FAIL = 64, 400, 1e-6


# ---------------------------------------------------------------- checks


def unbiased(node: Node, degree: int, S: int = 2, **config: Any) -> Check:
    return lambda estimator: assert_unbiased(estimator, node, polynomial(node, degree), S, **config)


def has_variance_of_rloo(estimator: Estimator) -> None:
    """On (b - t)^2, Delta = 1 - 2t: Delta^2 (p q / 2 - p^2 q^2)."""
    pq = float(torch.sigmoid(COIN.theta) * torch.sigmoid(-COIN.theta))
    assert_variance(estimator, COIN, lambda b: (b - 0.3).square().sum(-1), 2, 0.4**2 * (pq / 2 - pq**2))


def follows_oracles(node: Node, **config: Any) -> Check:
    noise = PhiloxNoise(0, "twins", 0, 8)
    return lambda estimator: assert_follows_oracles(estimator, node, polynomial(node, 3), noise, 2, **config)


def has_mean_of_st_gumbel_softmax(estimator: Estimator) -> None:
    assert_mean_of_st_gumbel_softmax(estimator, COIN, polynomial(COIN, 3), temperature=0.5)


def draws_independently(estimator: Estimator) -> None:
    """Rows and blocks are independent: the means of blocks vary like the rows' variance / ROWS.

    BLOCKS - 1 times the ratio is chi^2 but for a small excess of kurtosis. A right estimator fails with probability
    1e-6; a ratio above 1.75 or below 0.56 is caught with probability 0.999.
    """
    facts = estimator.facts
    node = next(node for node in (COIN, CHOICES, GAUSSIAN) if node.family in facts.families)

    def block(number: int) -> Tensor:
        noise = PhiloxNoise(0, "independence", number, ROWS)
        return gradient_draws(estimator, node, polynomial(node, 2), noise, facts.min_samples, **CONFIG).flatten(1)

    draws = torch.stack([block(number)[:, 0] for number in range(BLOCKS)])
    ratio = float(draws.mean(1).var() * ROWS / draws.var(1).mean())
    low, high = chi2.ppf([FALSE_FAIL / 2, 1 - FALSE_FAIL / 2], BLOCKS - 1) / (BLOCKS - 1)
    assert low < ratio < high, f"means of {ROWS} draws vary {ratio} times as much as those of independent draws"


# ---------------------------------------------------------------- twins

TWINS = []


def twin(of: str, check: Check, half: str = "combine") -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Enter a function as one half of a wrong twin of an estimator, with the check that must catch it."""

    def entered(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        right = load(of)
        TWINS.append(pytest.param(right, replace(right, **{half: function}), check, id=function.__name__))
        return function

    return entered


@twin("reinforce", unbiased(COINS, 3))
def reinforce_with_the_sign_of_the_score_wrong(node, noise, x, values, slopes):
    return weighted(values, node.probs - x).mean(1)


@twin("reinforce", unbiased(CHOICES, 3))
def reinforce_with_the_score_of_the_sample(node, noise, x, values, slopes):
    return weighted(values, x - torch.softmax(x, -1)).mean(1)


@twin("reinforce", unbiased(COINS, 3))
def reinforce_summed_over_samples(node, noise, x, values, slopes):
    return weighted(values, node.score(x)).sum(1)


@twin("rloo", unbiased(COINS, 3))
def rloo_with_its_own_sample_in_the_baseline(node, noise, x, values, slopes):
    return weighted(values - values.mean(1, keepdim=True), node.score(x)).mean(1)


@twin("rloo", unbiased(COINS, 3))
def var_grad_without_its_half(node, noise, x, values, slopes):
    return 2 * rloo.combine(node, noise, x, values, slopes)


@twin("rloo", has_variance_of_rloo)
def rloo_with_the_score_of_one_sample(node, noise, x, values, slopes):
    return weighted(values[:, :1] - values[:, 1:], node.score(x[:, :1])).mean(1)


@twin("disarm", unbiased(COINS, 3))
def disarm_without_its_half(node, noise, x, values, slopes):
    return 2 * disarm.combine(node, noise, x, values, slopes)


@twin("disarm", unbiased(COINS, 3))
def disarm_weighted_by_p(node, noise, x, values, slopes):
    b, b_ = x.chunk(2, 1)
    f, f_ = values.chunk(2, 1)
    return ((f - f_).unsqueeze(-1) / 2 * (b - b_) * node.probs).mean(1)


@twin("reparameterization", unbiased(GAUSSIAN, 3))
def reparameterization_of_the_scale_without_its_noise(node, noise, x, values, slopes):
    return torch.stack([slopes, slopes], -2).mean(1)


@twin("reparameterization", unbiased(GAUSSIAN, 3))
def reparameterization_of_the_log_scale(node, noise, x, values, slopes):
    return torch.stack([slopes, slopes * (x - node.loc)], -2).mean(1)


@twin("enumerate", unbiased(CHOICES, 3, S=1))
def enumerate_with_equal_weights(node, noise, x, values, slopes):
    return node.score_sum(values / x.shape[1], x)


@twin("gumbel_softmax", follows_oracles(CHOICES, temperature=0.5))
def gumbel_softmax_without_one_over_tau(node, noise, y, values, slopes, *, temperature):
    return node.pullback(y, slopes).mean(1)


@twin("straight_through", follows_oracles(CHOICES, temperature=2.0, identity=False))
def straight_through_without_one_over_tau(node, noise, x, values, slopes, *, temperature, identity):
    return node.pullback(node.tempered(temperature), slopes).mean(1)


@twin("st_gumbel_softmax", follows_oracles(COINS, temperature=0.5))
def st_gumbel_softmax_with_other_noise_backward(node, noise, x, values, slopes, *, temperature):
    other = PhiloxNoise(noise.seed + 1, noise.problem, noise.block, noise.rows)
    return st_gumbel_softmax.combine(node, other, x, values, slopes, temperature=temperature)


@twin("gumbel_rao", has_mean_of_st_gumbel_softmax)
def gumbel_rao_given_the_other_outcome(node, noise, x, values, slopes, *, temperature, conditional_samples):
    z = node.conditional(1 - x.unsqueeze(2), noise, "conditional")
    return node.pullback(node.soften(z, temperature), slopes.unsqueeze(2)).mean((1, 2)) / temperature


@twin("gumbel_rao", has_mean_of_st_gumbel_softmax)
def gumbel_rao_given_no_outcome(node, noise, x, values, slopes, *, temperature, conditional_samples):
    v = noise.uniform(x.shape[1], conditional_samples, *x.shape[2:], name="conditional")
    y = node.soften(node.logits + torch.logit(v), temperature)
    return node.pullback(y, slopes.unsqueeze(2)).mean((1, 2)) / temperature


@twin("gumbel_rao", has_mean_of_st_gumbel_softmax)
def gumbel_rao_with_derivative_through_the_conditional_noise(
    node, noise, x, values, slopes, *, temperature, conditional_samples
):
    leaf = node.theta.expand(noise.rows, 1, 1, -1).clone().requires_grad_()
    z = node.with_theta(leaf).conditional(x.unsqueeze(2), noise, "conditional")
    (node.soften(z, temperature) * slopes.unsqueeze(2)).mean((1, 2)).sum().backward()
    return leaf.grad[:, 0, 0]


@twin("reinmax", unbiased(CHOICES, 2, temperature=1.0))
def reinmax_without_its_second_term(node, noise, x, values, slopes, *, temperature):
    return 2 * node.pullback((node.tempered(temperature) + x) / 2, slopes).mean(1)


@twin("reinmax", follows_oracles(CHOICES, temperature=2.0))
def reinmax_with_one_over_tau(node, noise, x, values, slopes, *, temperature):
    return reinmax.combine(node, noise, x, values, slopes, temperature=temperature) / temperature


@twin("reinmax", follows_oracles(CHOICES, temperature=2.0))
def reinmax_with_its_second_term_tempered(node, noise, x, values, slopes, *, temperature):
    p = node.tempered(temperature)
    return (2 * node.pullback((p + x) / 2, slopes) - node.pullback(p, slopes) / 2).mean(1)


@twin("reinforce", draws_independently, half="sample")
def one_seed_for_all_rows(node, noise, S):
    x = node.draw(PhiloxNoise(noise.seed, noise.problem, noise.block, 1), S)
    return x.expand(noise.rows, *x.shape[1:])


@twin("reinforce", draws_independently, half="sample")
def one_seed_for_all_blocks(node, noise, S):
    return node.draw(PhiloxNoise(noise.seed, noise.problem, 0, noise.rows), S)


@twin("reinforce", draws_independently, half="sample")
def rows_in_equal_pairs(node, noise, S):
    return node.draw(noise, S)[: noise.rows // 2].repeat(2, 1, 1)


@twin("reinforce", draws_independently, half="sample")
def rows_in_antithetic_pairs(node, noise, S):
    u = noise.uniform(S, *node.theta.shape)[: noise.rows // 2]
    return (torch.cat([u, 1 - u]) < node.probs).double()


@pytest.mark.parametrize(("right", "wrong", "check"), TWINS)
def test_check_passes_the_estimator_and_catches_its_twin(right: Estimator, wrong: Estimator, check: Check) -> None:
    check(right)
    with pytest.raises(AssertionError, match=r"not close|is not|vary"):
        check(wrong)


def test_variance_catches_what_the_mean_does_not() -> None:
    assert_unbiased(replace(load("rloo"), combine=rloo_with_the_score_of_one_sample), COIN, polynomial(COIN, 3), 2)


@pytest.mark.parametrize("name", [name for name, facts in CATALOGUE.items() if not facts.deterministic])
def test_draws_are_independent(name: str) -> None:
    draws_independently(load(name))
