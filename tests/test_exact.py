"""Means and variances of one draw, computed without sampling error, are the exact ones."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from varbench.estimators.catalogue import CATALOGUE
from varbench.estimators.estimator import independent, load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.normal import Normal
from varbench.estimators.node import Node

from . import proofs  # noqa: F401  (enters the rules)
from .exact_moments import (
    PROVEN_IN,
    RULES,
    Cost,
    FixedNoise,
    assert_mean_of_st_gumbel_softmax,
    assert_printed,
    assert_unbiased,
    assert_variance,
    exact_gradient,
    gradient_draws,
    legendre,
    logistic,
    moments,
    over_conditionals,
    over_logistic,
    over_outcomes,
    polynomial,
)
from .surrogates import TRIED, two_exponentials


def tensor(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def coin(phi: float) -> Bernoulli:
    return Bernoulli(tensor(phi))


def toy(target: float) -> Cost:
    return lambda b: (b - target).square().sum(-1)


NODES: dict[str, Node] = {
    "fair_coin": coin(0.0),
    "coin_at_2": coin(2.0),
    "three_coins": Bernoulli(tensor(2.0, -0.7, 0.3)),
    "one_of_four": Categorical(tensor(0.3, -1.2, 0.8, 2.0).reshape(1, 4)),
    "two_of_three": Categorical(tensor(1.0, -0.5, 0.2, -2.0, 0.7, 0.1).reshape(2, 3)),
    "gaussian": Normal(tensor(1.0, 1.0).reshape(2, 1)),
    "two_gaussians": Normal(tensor(0.5, -1.0, 1.3, 0.4).reshape(2, 2)),
}


# ---------------------------------------------------------------- unbiased estimators


@pytest.mark.parametrize(
    ("name", "node", "S"),
    [
        pytest.param(name, node, S, id=f"{name}-{label}-S{S}")
        for name, facts in CATALOGUE.items()
        if facts.unbiased and name not in PROVEN_IN
        for label, node in NODES.items()
        if node.family in facts.families
        for S in ((1,) if facts.deterministic else (facts.min_samples, facts.min_samples + facts.samples_multiple))
    ],
)
def test_mean_of_an_unbiased_estimator_is_the_gradient(name: str, node: Node, S: int) -> None:
    assert_unbiased(load(name), node, polynomial(node, 3), S)


def test_every_unbiased_estimator_has_an_exact_rule() -> None:
    unbiased = {name for name, facts in CATALOGUE.items() if facts.unbiased and facts.alias_of is None}
    assert unbiased <= set(RULES) | set(PROVEN_IN)
    for name, module in PROVEN_IN.items():
        assert name in (Path(__file__).parent / module).read_text(), f"{module} does not speak of '{name}'"


@pytest.mark.parametrize("name", ["reinforce", "reparameterization", "straight_through", "reinmax"])
def test_variance_of_a_mean_of_samples_is_divided_by_their_number(name: str) -> None:
    estimator = load(name)
    node = NODES["gaussian" if name == "reparameterization" else "two_of_three"]
    config = {"temperature": 1.0, "identity": False}
    one, three = (moments(estimator, node, polynomial(node, 2), RULES[name](node, S), S, **config)[1] for S in (1, 3))
    assert math.isclose(three, one / 3, rel_tol=1e-11)


# ---------------------------------------------------------------- closed forms on one coin


@pytest.mark.parametrize(
    ("name", "S", "target", "phi", "variance"),
    [
        ("reinforce", 1, 0.45, 0.0, "0.015939"),
        ("reinforce", 1, 0.45, 2.0, "0.0048271916"),
        ("reinforce", 1, 0.499, 0.0, "0.015625"),
        ("rloo", 2, 0.45, 0.0, "6.25e-4"),
        ("rloo", 2, 0.499, 0.0, "2.5e-7"),
        ("disarm", 2, 0.45, 0.0, "0.0"),
    ],
)
def test_variance_on_the_toy_is_the_published_one(name: str, S: int, target: float, phi: float, variance: str) -> None:
    node = coin(phi)
    _, found = moments(load(name), node, toy(target), RULES[name](node, S), S)
    assert_printed(found, variance)


@pytest.mark.parametrize(("phi", "gradient"), [(0.0, "0.025"), (2.0, "0.010499359")])
def test_gradient_of_the_toy_is_the_published_one(phi: float, gradient: str) -> None:
    assert_printed(float(exact_gradient(coin(phi), toy(0.45))), gradient)


@pytest.mark.parametrize("phi", [-3.0, 0.0, 0.5, 2.0])
def test_variance_of_reinforce_is_its_closed_form(phi: float) -> None:
    t, p = 0.3, 1 / (1 + math.exp(-phi))
    second = p * ((1 - t) ** 2 * (1 - p)) ** 2 + (1 - p) * (t**2 * p) ** 2
    expected = second - (p * (1 - p) * (1 - 2 * t)) ** 2
    assert_variance(load("reinforce"), coin(phi), toy(t), 1, expected)


@pytest.mark.parametrize("phi", [-3.0, 0.0, 0.5, 2.0])
def test_variance_of_rloo_is_its_closed_form(phi: float) -> None:
    p = 1 / (1 + math.exp(-phi))
    pq, delta = p * (1 - p), 1 - 2 * 0.3
    assert_variance(load("rloo"), coin(phi), toy(0.3), 2, delta**2 * (pq / 2 - pq**2))


@pytest.mark.parametrize("phi", [-3.0, 0.0, 0.5, 2.0])
def test_variance_of_disarm_is_its_closed_form(phi: float) -> None:
    p = 1 / (1 + math.exp(-phi))
    pq, delta = p * (1 - p), 1 - 2 * 0.3
    assert_variance(load("disarm"), coin(phi), toy(0.3), 2, delta**2 * (pq * max(p, 1 - p) / 2 - pq**2))


@pytest.mark.parametrize(("name", "S", "variance"), [("reinforce", 1, "0.43842"), ("rloo", 2, "0.007275")])
def test_three_coins_of_one_logit_have_the_published_moments(name: str, S: int, variance: str) -> None:
    node, tie = Bernoulli(tensor(0.0, 0.0, 0.0)), torch.ones(1, 3, dtype=torch.float64)
    target = tensor(0.6, 0.51, 0.48)
    mean, found = moments(load(name), node, lambda b: (b - target).square().sum(-1), over_outcomes(node, S), S, tie=tie)
    assert_printed(float(mean), "-0.045")
    assert_printed(found, variance)


# ---------------------------------------------------------------- closed forms on one Gaussian


@pytest.mark.parametrize("k", [-1.5, 0.0, 1.0, 3.0])
def test_variances_on_the_square_are_their_closed_forms(k: float) -> None:
    node, c = NODES["gaussian"], 1 - k
    rule = RULES["reinforce"](node, 1)
    loc, scale = torch.eye(2, dtype=torch.float64).unsqueeze(1)
    found = {
        (name, part): moments(load(name), node, toy(k), rule, 1, tie=tie)[1]
        for name in ("reinforce", "reparameterization")
        for part, tie in (("loc", loc), ("scale", scale))
    }
    assert math.isclose(found["reinforce", "loc"], 15 + 14 * c**2 + c**4, rel_tol=1e-11)
    assert math.isclose(found["reparameterization", "loc"], 4, rel_tol=1e-11)
    assert math.isclose(found["reparameterization", "scale"], 8 + 4 * c**2, rel_tol=1e-11)


@pytest.mark.parametrize(
    ("name", "k", "trace"), [("reinforce", 0, 166), ("reinforce", 3, 433), ("reparameterization", 0, 16)]
)
def test_variance_on_the_square_is_the_published_trace(name: str, k: float, trace: float) -> None:
    assert_variance(load(name), NODES["gaussian"], toy(k), 1, trace)


# ---------------------------------------------------------------- relaxations


@pytest.mark.parametrize(
    ("phi", "temperature", "soft", "hard"),
    [
        (0.0, 0.1, "0.0248", "0.0248"),
        (0.0, 0.5, "0.0215", "0.0215"),
        (0.0, 1.0, "0.0167", "0.0167"),
        (0.0, 2.0, "0.0107", "0.0107"),
        (2.0, 0.1, "0.0185", "0.0216"),
        (2.0, 0.5, "0.0452", "0.0601"),
        (2.0, 1.0, "0.0535", "0.0797"),
        (2.0, 2.0, "0.0389", "0.0730"),
    ],
)
def test_mean_of_a_relaxation_is_the_published_one(phi: float, temperature: float, soft: str, hard: str) -> None:
    node = coin(phi)
    rule = over_logistic(node, temperature)
    for name, printed in (("gumbel_softmax", soft), ("st_gumbel_softmax", hard)):
        mean, _ = moments(load(name), node, toy(0.45), rule, 1, temperature=temperature)
        assert_printed(float(mean), printed)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_mean_of_gumbel_softmax_is_the_gradient_of_the_relaxed_expectation(temperature: float) -> None:
    node, cost = coin(2.0), polynomial(coin(2.0), 3)
    mean, _ = moments(load("gumbel_softmax"), node, cost, over_logistic(node, temperature), 1, temperature=temperature)
    # d/dphi int f(sigmoid(z/tau)) rho(z - phi) dz = -int f rho', by the density alone
    u, weights = logistic(split=-2.0, width=min(temperature, 1.0))
    y = torch.sigmoid((2.0 + torch.log1p(-u) - u.log()) / temperature).unsqueeze(-1)
    assert math.isclose(float(mean), float((weights * cost(y) * (1 - 2 * u)).sum()), rel_tol=1e-9)


@pytest.mark.parametrize(("phi", "temperature"), [(0.0, 0.5), (2.0, 0.5), (2.0, 2.0)])
def test_variance_of_st_gumbel_softmax_is_its_integral(phi: float, temperature: float) -> None:
    node = coin(phi)
    _, variance = moments(
        load("st_gumbel_softmax"), node, toy(0.45), over_logistic(node, temperature), 1, temperature=temperature
    )
    # over y in (0, 1) instead of u: z = tau logit(y), dz = tau dy / (y (1 - y)), D = 1[y > 1/2]
    y, w = legendre(torch.sigmoid(torch.linspace(-30, 30, 121, dtype=torch.float64)))
    z = temperature * torch.logit(y)
    density = w * torch.sigmoid(z - phi) * torch.sigmoid(phi - z) * temperature / (y * (1 - y))
    draw = 2 * ((y > 0.5).double() - 0.45) * y * (1 - y) / temperature
    expected = (density * draw.square()).sum() - (density * draw).sum().square()
    assert math.isclose(variance, float(expected), rel_tol=1e-8)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("phi", [0.0, 2.0])
def test_mean_of_gumbel_rao_is_that_of_st_gumbel_softmax(phi: float, temperature: float) -> None:
    assert_mean_of_st_gumbel_softmax(load("gumbel_rao"), coin(phi), toy(0.45), temperature)


@pytest.mark.parametrize("k", [2, 3])
def test_variance_of_gumbel_rao_falls_to_its_limit_like_one_over_k(k: int) -> None:
    estimator, node, cost = load("gumbel_rao"), coin(2.0), toy(0.45)
    coarse = legendre(torch.linspace(0, 1, 3, dtype=torch.float64), order=12)

    def variance(k: int) -> float:
        rule = over_conditionals(node, k, coarse)
        return moments(estimator, node, cost, rule, 1, temperature=1.0, conditional_samples=k)[1]

    rule = over_conditionals(node, 1, coarse)
    draws = gradient_draws(
        estimator, node, cost, rule.noise, 1, rule.points, temperature=1.0, conditional_samples=1
    ).squeeze()
    p = rule.weights.reshape(2, -1).sum(1)  # of the two outcomes
    given_outcome = (rule.weights * draws).reshape(2, -1).sum(1) / p
    limit = float(p @ given_outcome.square() - (p @ given_outcome).square())
    assert math.isclose(variance(k), limit + (variance(1) - limit) / k, rel_tol=1e-10)


# ---------------------------------------------------------------- straight-through forms

SMALL = [pytest.param(Bernoulli(tensor(2.0, -0.7, 0.3)[:D]), id=f"{D}_coins") for D in (1, 2, 3)] + [
    pytest.param(Categorical(tensor(1.0, -0.5, 0.2, -2.0, 0.7, 0.1, 0.0, 1.1, -3.0).reshape(3, 3)[:D]), id=f"{D}_of_3")
    for D in (1, 2, 3)
]


def quadratic(node: Node, seed: int) -> Cost:
    """Return x^T A x + a^T x with random entries."""
    size = node.theta.numel()
    A, a = torch.randn(size + 1, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).split(
        [size, 1]
    )

    def cost(x: Tensor) -> Tensor:
        x = x.flatten(-len(node.event_shape))
        return ((x @ A) * x).sum(-1) + x @ a[0]

    return cost


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("node", SMALL)
def test_reinmax_is_unbiased_on_quadratics(node: Node, seed: int) -> None:
    assert_unbiased(load("reinmax"), node, quadratic(node, seed), 1, temperature=1.0)


@pytest.mark.parametrize("node", SMALL)
def test_reinmax_is_biased_on_a_cubic(node: Node) -> None:
    with pytest.raises(AssertionError):
        assert_unbiased(load("reinmax"), node, polynomial(node, 3), 1, temperature=1.0)


@pytest.mark.parametrize("node", SMALL)
def test_straight_through_is_unbiased_on_a_linear_cost(node: Node) -> None:
    assert_unbiased(load("straight_through"), node, polynomial(node, 1), 1, temperature=1.0, identity=False)


RELAXED = [
    name
    for name, facts in CATALOGUE.items()
    if "temperature" in facts.config and "bernoulli" in facts.families and load(name).fit is None
]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("name", RELAXED)
def test_draws_on_a_coin_are_those_on_a_choice_of_two(name: str, temperature: float) -> None:
    estimator, S, k = load(name), 2, 3
    node, cost = coin(0.7), polynomial(coin(0.7), 3)
    pair = Categorical(torch.stack([node.theta, torch.zeros_like(node.theta)], -1))
    rng = torch.Generator().manual_seed(0)
    u, v = (torch.rand(20, *shape, 1, generator=rng, dtype=torch.float64) for shape in ((S,), (S, k)))
    x = given = node.draw(FixedNoise(20, uniform_x=u), S)
    if "conditional_samples" in estimator.facts.config:
        given = x.unsqueeze(2)
    else:
        v = v[:, :, 0]
    e = torch.randn(20, S, 1, 1, generator=rng, dtype=torch.float64)
    noise = FixedNoise(20, uniform_x=u, uniform_conditional=v, uniform_free=u, normal_x=e)
    pair_noise = FixedNoise(
        20,
        uniform_x=u,
        normal_x=e,
        exponential_x=two_exponentials(u, torch.ones_like(u)),
        exponential_free=two_exponentials(u, torch.ones_like(u)),
        exponential_conditional=two_exponentials(v, given),
    )
    points, pair_points = (x, torch.stack([x, 1 - x], -1)) if estimator.sample is independent else (None, None)
    config = {key: TRIED[key][-1] for key in estimator.facts.config}
    config |= {"temperature": temperature, "identity": False, "conditional_samples": k}
    draws = gradient_draws(estimator, node, cost, noise, S, points, **config)
    pair_draws = gradient_draws(estimator, pair, lambda y: cost(y[..., 0]), pair_noise, S, pair_points, **config)
    torch.testing.assert_close(pair_draws, torch.stack([draws, -draws], -1), rtol=1e-11, atol=1e-13)
