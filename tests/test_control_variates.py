"""Control variates whose exact means take more than S, and what the fits find."""

import math
from typing import Any

import pytest
import torch

from varbench.estimators import rebar_fitted
from varbench.estimators._regression import coefficient, coefficients
from varbench.estimators.estimator import load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.normal import Normal
from varbench.estimators.noise import PhiloxNoise

from . import proofs  # noqa: F401  (enters the oracles)
from .closed_forms import assert_variance_of_double_cv, assert_variance_of_nvil, assert_variance_of_rodeo
from .conditional_moments import (
    assert_lax,
    assert_rebar_on_a_coin,
    assert_relax_on_a_coin,
    is_exact_when_coupled,
    learned,
    of_one_choice,
    of_one_choice_by_density,
    of_one_coin,
    relaxed_cost,
)
from .exact_moments import (
    FixedNoise,
    Rule,
    assert_unbiased,
    completed,
    exact_gradient,
    gradient_draws,
    legendre,
    moments,
    over_normals,
    over_outcomes,
    polynomial,
    product,
)


def coin(phi: float) -> Bernoulli:
    return Bernoulli(torch.tensor([phi], dtype=torch.float64))


CHOICE = Categorical(torch.tensor([[0.5, -1.0, 1.2]], dtype=torch.float64))


# ---------------------------------------------------------------- rebar


@pytest.mark.parametrize(("phi", "temperature", "eta"), [(0.0, 0.5, 1.0), (2.0, 0.3, 1.0), (-3.0, 2.0, 0.4)])
def test_moments_of_rebar_on_a_coin(phi: float, temperature: float, eta: float) -> None:
    assert_rebar_on_a_coin(load("rebar"), coin(phi), polynomial(coin(phi), 3), temperature, eta)


@pytest.mark.parametrize(("temperature", "eta"), [(0.5, 1.0), (2.0, 0.4)])
def test_moments_of_rebar_on_a_choice_of_three(temperature: float, eta: float) -> None:
    cost = polynomial(CHOICE, 3)
    mean, variance = of_one_choice(load("rebar"), CHOICE, cost, temperature=temperature, eta=eta)
    torch.testing.assert_close(mean, exact_gradient(CHOICE, cost), rtol=1e-9, atol=1e-11)
    control = relaxed_cost(cost, temperature, lambda z: torch.softmax(z, -1))
    by_density, expected = of_one_choice_by_density(CHOICE, cost, control, eta)
    torch.testing.assert_close(by_density, mean[0], rtol=1e-9, atol=1e-11)
    assert math.isclose(variance, expected, rel_tol=1e-8)


def test_rebar_coupled_is_exact_on_coins() -> None:
    is_exact_when_coupled(load("rebar"))


def test_mean_of_rebar_coupled_on_a_choice_of_three() -> None:
    """Over D and the two ratios r of z given D, of density 2 / (1 + r_1 + r_2)^3, as of_one_choice has them."""
    t, w = product([legendre(torch.linspace(-34, 34, 23, dtype=torch.float64), order=12)] * 2)
    r, p = t.exp(), torch.softmax(CHOICE.theta[0], -1)
    w = w * 2 * r.prod(-1) / (1 + r.sum(-1)) ** 3
    rows = []
    for d in range(3):
        E = torch.cat([r[:, :d], 0 * r[:, :1], r[:, d:]], -1) + p  # E_k = r_k + p_k is least, over p_k, at D
        rows.append(E)
    laid = FixedNoise(3 * len(w), exponential_x=torch.cat(rows).reshape(-1, 1, 1, 3))
    rule, cost = Rule(torch.outer(p, w).flatten(), laid), polynomial(CHOICE, 3)
    mean, _ = moments(load("rebar"), CHOICE, cost, rule, 1, temperature=0.7, eta=0.8, coupled=True)
    torch.testing.assert_close(mean, exact_gradient(CHOICE, cost), rtol=1e-9, atol=1e-11)


def test_rebar_at_eta_0_is_reinforce() -> None:
    node, cost = coin(1.0), polynomial(coin(1.0), 3)
    _, variance = of_one_coin(load("rebar"), node, cost, temperature=0.5, eta=0.0)
    _, expected = moments(load("reinforce"), node, cost, over_outcomes(node, 1), 1)
    assert math.isclose(variance, expected, rel_tol=1e-10)


# ---------------------------------------------------------------- rebar_fitted


@pytest.mark.slow
def test_rebar_is_fitted_to_the_least_variance_of_the_grid() -> None:
    """Its exact variance, a parabola in eta at each temperature, is within 2 % of the least one (seeded)."""
    node, estimator = coin(1.0), load("rebar_fitted")
    cost = polynomial(node, 3)
    least = []
    for temperature in rebar_fitted.TEMPERATURES:
        none, half, full = (
            of_one_coin(load("rebar"), node, cost, width=min(temperature, 0.5), temperature=temperature, eta=eta)[1]
            for eta in (0.0, 0.5, 1.0)
        )
        slope, curvature = 4 * half - 3 * none - full, 2 * (none - 2 * half + full)
        least.append(none - slope**2 / (4 * curvature))
    mean, variance = of_one_coin(estimator, node, cost, width=0.1, fit_rows=4096)
    torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=1e-9, atol=1e-11)
    assert min(least) * (1 - 1e-9) <= variance <= 1.02 * min(least)


def test_rebar_fitted_on_a_choice_is_unbiased() -> None:
    cost = polynomial(CHOICE, 3)
    mean, _ = of_one_choice(load("rebar_fitted"), CHOICE, cost, fit_rows=256)
    torch.testing.assert_close(mean, exact_gradient(CHOICE, cost), rtol=1e-9, atol=1e-11)


def test_coefficients_are_those_of_least_squares() -> None:
    """Two controls, one of them given twice, and one that does not vary; the residual is orthogonal to each."""
    rng = torch.Generator().manual_seed(0)
    draws, a, b = torch.randn(3, 200, 4, dtype=torch.float64, generator=rng).unbind()
    controls = torch.stack([1e3 * a, b, 1e3 * a, torch.ones_like(a)], -1)
    found = coefficients(draws, controls)
    left = draws + controls @ found
    left, controls = left - left.mean(0), controls - controls.mean(0)
    torch.testing.assert_close(
        (left.unsqueeze(-1) * controls).sum((0, 1)) / 1e3, torch.zeros(4).double(), atol=1e-9, rtol=0
    )
    assert found[3] == 0
    single = coefficient(draws.flatten(), b.flatten())
    assert math.isclose(float(single), -float(torch.cov(torch.stack([draws.flatten(), b.flatten()]))[0, 1] / b.var()))


# ---------------------------------------------------------------- nvil, double_cv, rodeo

COINS = Bernoulli(torch.tensor([2.0, -0.7, 0.3], dtype=torch.float64))


@pytest.mark.parametrize("phi", [-3.0, 0.0, 0.5, 2.0])
def test_variances_on_a_coin_are_their_closed_forms(phi: float) -> None:
    assert_variance_of_nvil(load("nvil"), phi, 0.2)
    assert_variance_of_double_cv(load("double_cv"), phi, -0.6)
    assert_variance_of_rodeo(load("rodeo"), phi, (0.5, -0.3, 0.8, 0.2))


@pytest.mark.parametrize(("name", "S"), [("double_cv", 2), ("double_cv", 3), ("rodeo", 2), ("rodeo", 3)])
def test_fitted_coefficients_vary_about_as_little_as_the_best(name: str, S: int) -> None:
    """The exact covariance trace is a parabola in the coefficients: its least value, and what 4,096 draws find."""
    estimator, cost, rule = load(name), polynomial(COINS, 3), over_outcomes(COINS, S)
    if name == "double_cv":
        states: list[Any] = [0.0, 1.0]
    else:
        states = [torch.zeros(4).double(), *torch.eye(4).double()]
    draws = [gradient_draws(estimator, COINS, cost, rule.noise, S, rule.points, state=state) for state in states]
    w = rule.weights.unsqueeze(-1)
    plain, *others = (draw - (w * draw).sum(0) for draw in draws)
    terms = torch.stack([other - plain for other in others], -1) * w.sqrt().unsqueeze(-1)
    target = (plain * w.sqrt()).flatten()
    left = target - terms.flatten(0, 1) @ torch.linalg.lstsq(terms.flatten(0, 1), target, driver="gelsd").solution
    least = float(left.square().sum())
    _, variance = moments(estimator, COINS, cost, rule, S, fit_rows=4096)
    assert least * (1 - 1e-9) <= variance <= 1.03 * least
    _, of_rloo = moments(load("rloo"), COINS, cost, rule, S)
    assert variance < 0.9 * of_rloo


def test_a_baseline_is_the_mean_cost_of_its_node() -> None:
    """Three nodes of one coin each: constants are means of 4,096 costs, and a network of theta finds them too."""
    node = Bernoulli(torch.tensor([[-2.0], [0.0], [1.0]], dtype=torch.float64))

    def cost(b: torch.Tensor) -> torch.Tensor:
        return 10 + b.sum(-1)

    own = completed(load("nvil"), node, cost, 1, {"network": False, "fit_rows": 4096})["state"]
    assert (own - 10 - node.probs[:, 0]).abs().max() < 5 * 0.5 / 64
    network = completed(load("nvil"), node, cost, 1, {})["state"]
    assert (network - 10 - node.probs[:, 0]).abs().max() < 0.1


# ---------------------------------------------------------------- relax, lax


@pytest.mark.parametrize(("phi", "temperature"), [(0.0, 1.0), (2.0, 0.5)])
def test_moments_of_relax_on_a_coin(phi: float, temperature: float) -> None:
    assert_relax_on_a_coin(load("relax"), coin(phi), temperature)


@pytest.mark.slow
def test_moments_of_relax_on_a_choice_of_three() -> None:
    """Exact mean and variance are those of the densities, and the variance is less than a constant baseline's."""
    cost = polynomial(CHOICE, 3)
    config = completed(load("relax"), CHOICE, cost, 1, {"temperature": 1.0})
    mean, variance = of_one_choice(load("relax"), CHOICE, cost, **config)
    torch.testing.assert_close(mean, exact_gradient(CHOICE, cost), rtol=1e-9, atol=1e-11)
    control = learned(config["state"], 1.0, lambda z: torch.softmax(z, -1))
    by_density, expected = of_one_choice_by_density(CHOICE, cost, control)
    torch.testing.assert_close(by_density, mean[0], rtol=1e-9, atol=1e-11)
    assert math.isclose(variance, expected, rel_tol=1e-8)
    rule = over_outcomes(CHOICE, 1)
    _, constant = moments(load("nvil"), CHOICE, cost, rule, 1, state=config["state"].offset)
    assert variance < 0.75 * constant


@pytest.mark.parametrize("cost", [lambda x: (x - 2).square().sum(-1), lambda x: x.sum(-1) ** 3])
def test_moments_of_lax_on_a_gaussian(cost: Any) -> None:
    node = Normal(torch.tensor([[0.5], [1.3]], dtype=torch.float64))
    assert_lax(load("lax"), node, cost)


# ---------------------------------------------------------------- delta_method


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("k", [-1.5, 0.0, 3.0])
def test_variance_of_the_delta_method_on_the_square_is_its_closed_form(k: float, beta: float) -> None:
    """With c = 1 - k, a = c^2 (1 - beta), b = 2 c (1 - beta): what is left is a + b e + e^2, times e and e^2 - 1."""
    node, c = Normal(torch.ones(2, 1, dtype=torch.float64)), 1 - k
    a, b = c**2 * (1 - beta), 2 * c * (1 - beta)
    state = torch.full((2, 1), beta, dtype=torch.float64)
    _, variance = moments(
        load("delta_method"), node, lambda x: (x - k).square().sum(-1), over_normals(node, 1), 1, state=state
    )
    loc, scale = a**2 + 6 * a + 15 + 2 * b**2, 2 * a**2 + 20 * a + 74 + 10 * b**2
    assert math.isclose(variance, loc + scale, rel_tol=1e-11)


def test_beta_of_the_delta_method_is_the_best_of_each_entry() -> None:
    """On (x - 3)^2 the closed form is least at beta = 1 + 3 / (c^2 + 8), 1 + 5 / (c^2 + 20); 20,000 draws, seeded."""
    node = Normal(torch.ones(2, 1, dtype=torch.float64))
    config = {"fit_rows": 20_000}
    beta = completed(load("delta_method"), node, lambda x: (x - 3).square().sum(-1), 1, config)["state"].flatten()
    torch.testing.assert_close(beta, torch.tensor([1 + 3 / 12, 1 + 5 / 24]).double(), rtol=0.1, atol=0)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("k", [-1.5, 0.0, 3.0])
def test_variance_of_the_pathwise_delta_method_on_the_square_is_its_closed_form(k: float, beta: float) -> None:
    """With c = 1 - k: 2 (c + e) in the location; 2 c (1 - beta) e + 2 e^2 in the scale, 8 where beta = 1."""
    node, c = Normal(torch.ones(2, 1, dtype=torch.float64)), 1 - k
    state = torch.full((1,), beta, dtype=torch.float64)
    cost = lambda x: (x - k).square().sum(-1)  # noqa: E731
    _, variance = moments(load("delta_method_pathwise"), node, cost, over_normals(node, 1), 1, state=state)
    assert math.isclose(variance, 4 + 4 * c**2 * (1 - beta) ** 2 + 8, rel_tol=1e-11)


def test_beta_of_the_pathwise_delta_method_is_one_on_the_square() -> None:
    """Cov and variance are both 4 c^2; 20,000 draws, seeded. A cost that is flat at mu gets 0."""
    node = Normal(torch.ones(2, 1, dtype=torch.float64))
    estimator, config = load("delta_method_pathwise"), {"fit_rows": 20_000}
    beta = completed(estimator, node, lambda x: (x - 3).square().sum(-1), 1, config)["state"]
    torch.testing.assert_close(beta, torch.ones(1).double(), rtol=0.05, atol=0)
    assert float(completed(estimator, node, lambda x: (x - 1).square().sum(-1), 1, config)["state"]) == 0


@pytest.mark.parametrize("nodes", [1, 2])
def test_the_pathwise_delta_method_is_unbiased(nodes: int) -> None:
    theta = torch.tensor([[0.5, -1.0], [1.3, 0.4]], dtype=torch.float64)[:, :nodes]
    assert_unbiased(load("delta_method_pathwise"), Normal(theta), polynomial(Normal(theta), 3), 1)
    if nodes == 1:
        assert_unbiased(load("delta_method_pathwise"), Normal(theta), polynomial(Normal(theta), 3), 2)


@pytest.mark.parametrize("name", ["relax", "lax"])
def test_a_surrogate_is_learned_in_the_units_of_the_cost(name: str) -> None:
    """On 1000 f + 7 each draw is 1000 times that on f."""
    node = coin(1.0) if name == "relax" else Normal(torch.tensor([[0.5], [1.3]], dtype=torch.float64))
    cost = polynomial(node, 3)
    noise = PhiloxNoise(0, "units", 0, 16)
    one, thousand = (
        gradient_draws(load(name), node, f, noise, 1, fit_steps=20) for f in (cost, lambda x: 1000 * cost(x) + 7)
    )
    torch.testing.assert_close(thousand, 1000 * one, rtol=1e-6, atol=1e-6)
