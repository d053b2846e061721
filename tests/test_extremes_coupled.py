"""Coupled samples where probabilities vanish, variables are single, or classes are masked: finite draws."""

import math

import pytest
import torch
from torch import Tensor

from varbench.estimators.catalogue import coupled
from varbench.estimators.estimator import load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import FixedNoise, exact_gradient, gradient_draws, polynomial

INF = math.inf
ROWS = 256

COINS = {
    "fifty": [50.0, -50.0, 0.0],
    "underflowing": [800.0, -800.0, 0.3],
    "masked": [-INF, 0.5, -INF],
    "one_masked_coin": [-INF],
    "one_coin": [0.4],
    "one_sure_coin": [50.0],
}
CHOICES = {
    "fifty": [[50.0, -50.0, 0.0], [-50.0, -50.0, 50.0]],
    "underflowing": [[800.0, -800.0, 0.0], [-800.0, 0.0, 0.0]],
    "first_masked": [[-INF, 0.5, 1.0], [0.1, 0.2, 0.3]],
    "last_masked": [[0.5, 1.0, -INF], [0.1, -INF, -INF]],
    "one_left": [[-INF, 0.3, -INF], [-INF, -INF, 1.0]],
    "one_class": [[0.7]],
    "two_classes": [[0.7, -50.0]],
    "one_variable": [[0.1, 0.2, -0.4, 0.0, 1.0]],
}


def nodes(dtype: torch.dtype) -> list[tuple[str, str, Node]]:
    coins = [("bernoulli", label, Bernoulli(torch.tensor(phi, dtype=dtype))) for label, phi in COINS.items()]
    return coins + [
        ("categorical", label, Categorical(torch.tensor(phi, dtype=dtype))) for label, phi in CHOICES.items()
    ]


CASES = [
    pytest.param(facts.name, node, S, id=f"{facts.name}-{label}-S{S}-{str(dtype)[6:]}")
    for facts in coupled.ENTRIES
    for dtype in (torch.float64, torch.float32)
    for family, label, node in nodes(dtype)
    if family in facts.families
    for S in (facts.min_samples, facts.min_samples + 2 * facts.samples_multiple)
]


def on_the_support(x: Tensor, node: Node) -> Tensor:
    """Whether points [N, P, *event] are 0s and 1s, one a choice, none at probability 0."""
    allowed = (x == 0) | ((x == 1) & ~torch.isneginf(node.theta))
    single = x.sum(-1) == 1 if node.family == "categorical" else allowed
    return allowed.all() & single.all()


@pytest.mark.parametrize(("name", "node", "S"), CASES)
def test_draws_are_finite_and_points_on_the_support(name: str, node: Node, S: int) -> None:
    estimator, noise = load(name), PhiloxNoise(0, "extremes", 0, ROWS, node.theta.dtype)
    points = estimator.sample(node, noise, S)
    assert on_the_support(points, node)
    draws = gradient_draws(estimator, node, polynomial(node, 3), noise, S, points)
    assert draws.dtype == node.theta.dtype
    assert torch.isfinite(draws).all()


@pytest.mark.parametrize("name", [facts.name for facts in coupled.ENTRIES if "categorical" in facts.families])
def test_one_class_has_gradient_zero(name: str) -> None:
    node = Categorical(torch.tensor([[0.7], [-3.0]], dtype=torch.float64))
    draws = gradient_draws(load(name), node, polynomial(node, 3), PhiloxNoise(0, "one", 0, 20), 2)
    assert not draws.any()


@pytest.mark.parametrize("name", ["carms", "stick_breaking_disarm"])
def test_a_masked_class_leaves_the_draws_of_the_others(name: str) -> None:
    """Exactly 0 at the mask; ars and arsm are 0 there in the mean alone."""
    node = Categorical(torch.tensor([[0.5, 1.0, -INF, 0.2]], dtype=torch.float64))
    draws = gradient_draws(load(name), node, polynomial(node, 3), PhiloxNoise(0, "mask", 0, ROWS), 2)
    assert not draws[..., 2].any()


def test_a_coin_that_never_turns_is_not_flipped() -> None:
    """A cost that is not defined where the coin shows 1 is never asked there."""
    node = Bernoulli(torch.tensor([-INF, 0.3], dtype=torch.float64))
    for name in ("bitflip1", "ugc"):
        points = load(name).sample(node, PhiloxNoise(0, "never", 0, ROWS), 2)
        assert not points[..., 0].any()


def test_a_uniform_of_the_copula_that_rounds_to_0_chooses_no_masked_class() -> None:
    node = Categorical(torch.tensor([[-INF, 0.5, -INF, 0.0]], dtype=torch.float64))
    exponentials = torch.tensor([1.0, 1e-300], dtype=torch.float64).expand(6, 2).reshape(6, 2, 1)  # u = 0 and 1
    orders = (torch.arange(6, dtype=torch.float64) + 0.5) / 6
    noise = FixedNoise(6, exponential_x=exponentials, uniform_order=orders.reshape(6, 1))
    assert on_the_support(load("carms").sample(node, noise, 2), node)


@pytest.mark.parametrize("name", [facts.name for facts in coupled.ENTRIES if "bernoulli" in facts.families])
def test_nearly_sure_coins_have_the_exact_gradient(name: str) -> None:
    """At +-50 nothing is drawn but the sure outcome, and all means are p q times a difference, 1e-22."""
    node = Bernoulli(torch.tensor([50.0, -50.0], dtype=torch.float64))
    cost = polynomial(node, 3)
    mean = gradient_draws(load(name), node, cost, PhiloxNoise(0, "sure", 0, ROWS), 2).mean(0)
    torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=0, atol=1e-20)
