"""Stochastic smoothing: exact means and variances under each noise, extremes, what is refused."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from varbench import measure
from varbench.estimators.errors import InputError
from varbench.estimators.estimator import load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.subset import Subset
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import (
    FixedNoise,
    Rule,
    exact_gradient,
    gradient_draws,
    hermite,
    legendre,
    logistic,
    moments,
    polynomial,
)
from .family_nodes import FAMILY_NODES
from .proofs.stochastic_smoothing import (
    ONE_CHOICE,
    has_its_variance_on_a_coin,
    has_the_mean_of_its_smoothing,
    over_races,
)

SMOOTHING = load("stochastic_smoothing")


def tensor(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


NODES: dict[str, Node] = {
    "coin": Bernoulli(tensor(1.0)),
    "coins": Bernoulli(tensor(0.8, -0.4)),
    "choice": ONE_CHOICE,
    "choices": Categorical(tensor(0.3, -0.9, 1.0, 0.2).reshape(2, 2)),
    "subset": FAMILY_NODES["subset"],
}


def toy(b: Tensor) -> Tensor:
    return (b - 0.3).square().sum(-1)


# ---------------------------------------------------------------- Gumbel noise


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("label", NODES)
def test_the_mean_is_the_gradient_of_the_smoothed_objective(label: str, sigma: float) -> None:
    has_the_mean_of_its_smoothing(NODES[label], sigma)(SMOOTHING)


@pytest.mark.parametrize("label", ["coin", "coins", "choice", "choices"])
def test_gumbel_noise_of_scale_one_is_unbiased_for_the_expectation(label: str) -> None:
    node = NODES[label]
    cost = polynomial(node, 3)
    mean, _ = moments(SMOOTHING, node, cost, over_races(node, 2, 1.0), 2)
    torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=1e-11, atol=1e-12)


def test_gumbel_noise_of_scale_one_is_biased_for_the_law_of_a_subset() -> None:
    node = NODES["subset"]
    cost = polynomial(node, 3)
    mean, _ = moments(SMOOTHING, node, cost, over_races(node, 2, 1.0), 2)
    assert (mean - exact_gradient(node, cost)).norm() > 0.01 * mean.norm()


def test_the_variance_on_a_coin_is_its_closed_form() -> None:
    has_its_variance_on_a_coin(SMOOTHING)


@pytest.mark.parametrize("phi", [0.0, 2.0])
def test_mirrored_gumbel_noise_keeps_the_mean(phi: float) -> None:
    """One pair, no baseline: over u_0, and over u_1 in the panels in which neither coin of the pair changes."""
    outer, w_outer = logistic(width=2.0)
    rate, rows = math.exp(phi), []
    for u, w in zip(outer.tolist(), w_outer.tolist(), strict=True):
        turns = tensor(u**rate, -math.expm1(rate * math.log1p(-u))).clamp(1e-15, 1 - 1e-15)
        edges = torch.cat([torch.linspace(-36, 36, 13, dtype=torch.float64), torch.logit(turns)]).unique()
        t, v = legendre(edges, 12)
        rows.append(
            torch.stack([torch.sigmoid(t), torch.full_like(t, u), w * v * torch.sigmoid(t) * torch.sigmoid(-t)], -1)
        )
    u_1, u_0, weights = torch.cat(rows).unbind(-1)
    E = -torch.stack([u_1, u_0], -1).log()
    rule = Rule(weights, FixedNoise(len(E), exponential_x=E.reshape(-1, 1, 1, 2)))
    mean, _ = moments(SMOOTHING, Bernoulli(tensor(phi)), toy, rule, 2, antithetic=True)
    p = 1 / (1 + math.exp(-phi))
    assert math.isclose(float(mean), 0.4 * p * (1 - p), rel_tol=1e-7)


# ---------------------------------------------------------------- Gaussian noise


def over_bells(phi: float, sigma: float, units: int) -> Rule:
    """a = (e_1 - e_0) / sqrt 2 on panels between the turns of a pair, b = (e_1 + e_0) / sqrt 2 by Gauss-Hermite."""
    turn = phi / sigma / math.sqrt(2)
    edges = torch.cat([torch.linspace(-9, 9, 10, dtype=torch.float64), tensor(turn, -turn)]).unique()
    a, w = legendre(edges, 10)
    w = w * torch.exp(-a.square() / 2) / math.sqrt(2 * math.pi)
    b, w_b = hermite(3)
    a, b = torch.cartesian_prod(a, b).T
    pair = torch.stack([b + a, b - a], -1) / math.sqrt(2)
    one = torch.cartesian_prod(w, w_b).prod(-1)
    index = torch.cartesian_prod(*[torch.arange(len(one))] * units).reshape(-1, units)
    return Rule(one[index].prod(-1), FixedNoise(len(index), normal_x=pair[index].unsqueeze(2)))


def bell(t: float) -> tuple[float, float]:
    """Return the density and the upper tail of N(0, 1) at t."""
    return math.exp(-t * t / 2) / math.sqrt(2 * math.pi), math.erfc(t / math.sqrt(2)) / 2


@pytest.mark.parametrize("antithetic", [False, True])
@pytest.mark.parametrize("sigma", [0.5, 1.0])
@pytest.mark.parametrize("phi", [0.0, 1.2])
def test_moments_under_gaussian_noise_on_a_coin(phi: float, sigma: float, antithetic: bool) -> None:
    """Mean Delta n(t) / (sigma sqrt 2), t = phi / (sigma sqrt 2); of a mirrored pair the square is
    Delta^2 (t n(t) + 2 Q(t)) / (4 sigma^2)."""
    t = phi / sigma / math.sqrt(2)
    density, tail = bell(t)
    how = {"perturbation": "gaussian", "sigma": sigma, "antithetic": antithetic}
    rule = over_bells(phi, sigma, 1 if antithetic else 2)
    mean, variance = moments(SMOOTHING, Bernoulli(tensor(phi)), toy, rule, 2, **how)
    expected = 0.4 * density / (sigma * math.sqrt(2))
    assert math.isclose(float(mean), expected, rel_tol=1e-9)
    if antithetic:
        square = 0.4**2 * (t * density + 2 * tail) / (4 * sigma**2)
        assert math.isclose(variance, square - expected**2, rel_tol=1e-9)


# ---------------------------------------------------------------- extremes

INF = math.inf
EXTREME: dict[str, Callable[[torch.dtype], Node]] = {
    "coins": lambda dtype: Bernoulli(torch.tensor([50.0, -800.0, 0.0, -INF], dtype=dtype)),
    "choices": lambda dtype: Categorical(torch.tensor([[0.3, -INF, 0.1], [-INF, -INF, 2000.0]], dtype=dtype)),
    "one_class": lambda dtype: Categorical(torch.zeros(1, 1, dtype=dtype)),
    "subset": lambda dtype: Subset(torch.tensor([50.0, -50.0, -INF, 0.0], dtype=dtype), 2),
    "subset_of_all": lambda dtype: Subset(torch.tensor([[50.0, -INF, 1.0]], dtype=dtype), 2),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("antithetic", [False, True])
@pytest.mark.parametrize("sigma", [1e-3, 1e3])
@pytest.mark.parametrize("perturbation", ["gumbel", "gaussian"])
@pytest.mark.parametrize("label", EXTREME)
def test_draws_are_finite_and_masks_hold(
    label: str, perturbation: str, sigma: float, antithetic: bool, dtype: torch.dtype
) -> None:
    node = EXTREME[label](dtype)
    how = {"perturbation": perturbation, "sigma": sigma, "antithetic": antithetic}
    noise = PhiloxNoise(0, "extremes", 0, 500, dtype)
    x = SMOOTHING.sample(node, noise, 4, **how)
    masked = torch.isneginf(node.theta)
    assert (x[..., masked] == 0).all()
    assert node.family != "subset" or (x.sum(-1) == 2).all()
    draws = gradient_draws(SMOOTHING, node, polynomial(node, 2), noise, 4, **how)
    assert draws.dtype == dtype
    assert torch.isfinite(draws).all()
    assert (draws[..., masked] == 0).all()


def test_bad_parameters_are_named() -> None:
    with pytest.raises(InputError, match=r"sigma=0\.0.*positive"):
        measure("bernoulli_quadratic", "stochastic_smoothing", num_draws=10, sigma=0.0)
    with pytest.raises(InputError, match=r"perturbation=cauchy; it must be one of gumbel, gaussian"):
        measure("bernoulli_quadratic", "stochastic_smoothing", num_draws=10, perturbation="cauchy")
