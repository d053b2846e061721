"""Checks that the right estimator passes and plausible mistakes do not, and how a mistake is entered."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.stats import chi2
from torch import Tensor

from varbench.estimators.estimator import Estimator, load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.normal import Normal
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import (
    assert_mean_of_st_gumbel_softmax,
    assert_unbiased,
    assert_variance,
    completed,
    gradient_draws,
    polynomial,
)
from .family_nodes import FAMILY_NODES
from .surrogates import TRIED, assert_follows_oracles

Check = Callable[[Estimator], None]

COIN = Bernoulli(torch.tensor([1.0], dtype=torch.float64))
COINS = Bernoulli(torch.tensor([2.0, -0.7], dtype=torch.float64))
CHOICES = Categorical(torch.tensor([[1.0, -0.5, 0.2], [-2.0, 0.7, 0.1]], dtype=torch.float64))
GAUSSIAN = Normal(torch.tensor([[0.5], [1.3]], dtype=torch.float64))
SMALLEST: dict[str, Node] = {
    "bernoulli": COIN,
    "categorical": CHOICES,
    "normal": GAUSSIAN,
    **FAMILY_NODES,
}  # one a family
EXACT_ON_A_COIN = {"bitflip1", "ugc"}  # estimators whose draws vary on two coins or more only

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
    node = next(node for family, node in SMALLEST.items() if family in facts.families)
    if facts.name in EXACT_ON_A_COIN:
        node = COINS
    cost, S = polynomial(node, 2), facts.min_samples
    config = completed(estimator, node, cost, S, {key: TRIED[key][0] for key in facts.config})

    def block(number: int) -> Tensor:
        noise = PhiloxNoise(0, "independence", number, ROWS)
        return gradient_draws(estimator, node, cost, noise, S, **config).flatten(1)

    draws = torch.stack([block(number)[:, -1] for number in range(BLOCKS)])
    ratio = float(draws.mean(1).var() * ROWS / draws.var(1).mean())
    low, high = chi2.ppf([FALSE_FAIL / 2, 1 - FALSE_FAIL / 2], BLOCKS - 1) / (BLOCKS - 1)
    assert low < ratio < high, f"means of {ROWS} draws vary {ratio} times as much as those of independent draws"


# ---------------------------------------------------------------- twins

TWINS: list[Any] = []


def twin(of: str, check: Check, half: str = "combine") -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Enter a function as one half of a wrong twin of an estimator, with the check that must catch it."""

    def entered(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        right = load(of)
        TWINS.append(pytest.param(right, replace(right, **{half: function}), check, id=function.__name__))
        return function

    return entered
