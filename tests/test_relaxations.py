"""Relaxations: exact means and variances on one coin and one choice, and the maps under them by brute force."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import logistic as logistic_law
from scipy.stats import norm
from torch import Tensor

from varbench.estimators._entmax import entmax15, entmax15_pullback, sparsemax, sparsemax_pullback
from varbench.estimators.catalogue import facts_of
from varbench.estimators.errors import InputError
from varbench.estimators.estimator import load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import (
    FixedNoise,
    Rule,
    assert_printed,
    gradient_draws,
    hermite,
    legendre,
    moments,
    polynomial,
    product,
)
from .proofs.relaxations import entmax15_by_supports, sparsemax_by_supports


def coin(phi: float) -> Bernoulli:
    return Bernoulli(torch.tensor([phi], dtype=torch.float64))


def toy(b: Tensor) -> Tensor:
    return (b - 0.45).square().sum(-1)


# ---------------------------------------------------------------- the maps


MAPS = {"sparsemax": (sparsemax, sparsemax_pullback, sparsemax_by_supports),
        "entmax15": (entmax15, entmax15_pullback, entmax15_by_supports)}  # fmt: skip


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0])
def test_the_map_is_the_one_of_its_only_consistent_support(name: str, spread: float) -> None:
    forward, _, brute = MAPS[name]
    z = spread * torch.randn(200, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(forward(z), brute(z), rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(forward(z).sum(-1), torch.ones(200, dtype=torch.float64), rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", MAPS)
def test_no_point_of_the_simplex_does_better(name: str) -> None:
    """p^T z + H(p) against 20,000 points of the simplex and steps towards every corner."""
    forward, alpha = MAPS[name][0], {"sparsemax": 2.0, "entmax15": 1.5}[name]

    def objective(p: Tensor) -> Tensor:
        return (p * z).sum(-1) - (p.pow(alpha).sum(-1) - 1) / (alpha * (alpha - 1))

    rng = torch.Generator().manual_seed(1)
    for z in torch.randn(10, 4, dtype=torch.float64, generator=rng):
        p = forward(z)
        E = -torch.rand(20_000, 4, dtype=torch.float64, generator=rng).log()
        anywhere = E / E.sum(-1, keepdim=True)
        nearby = p + 1e-3 * (torch.eye(4, dtype=torch.float64) - p)
        assert objective(torch.cat([anywhere, nearby])).max() <= objective(p) + 1e-14


@pytest.mark.parametrize("name", MAPS)
def test_the_jacobian_is_that_of_central_differences(name: str) -> None:
    forward, pullback, _ = MAPS[name]
    rng, h = torch.Generator().manual_seed(2), 1e-6
    z, v = torch.randn(2, 100, 4, dtype=torch.float64, generator=rng)
    steps = h * torch.eye(4, dtype=torch.float64)
    differences = ((forward(z.unsqueeze(1) + steps) - forward(z.unsqueeze(1) - steps)) / (2 * h) * v.unsqueeze(1)).sum(
        -1
    )
    torch.testing.assert_close(pullback(forward(z), v), differences, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", MAPS)
def test_a_masked_class_gets_nothing_and_ties_share(name: str) -> None:
    forward = MAPS[name][0]
    z = torch.tensor([[0.3, -math.inf, 0.3], [-math.inf, -math.inf, 7.0]], dtype=torch.float64)
    expected = torch.tensor([[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(forward(z), expected, rtol=0, atol=1e-15)


# ---------------------------------------------------------------- one coin: scalar formulas, integrated by scipy

Scalar = Callable[[float], tuple[float, float]]  # z or e to (y, dy/dphi)


def sparse_pair(tau: float) -> Scalar:
    return lambda z: ((1 + z / tau) / 2, 1 / (2 * tau)) if abs(z) < tau else (float(z > 0), 0.0)


def entmax_pair(tau: float) -> Scalar:
    """sqrt(y) - sqrt(1 - y) = z / (2 tau) and y + (1 - y) = 1; dy = r r' / (r + r') dz / tau, r = sqrt(y)."""

    def at(z: float) -> tuple[float, float]:
        a = z / (2 * tau)
        if abs(a) >= 1:
            return float(a > 0), 0.0
        r, s = (math.sqrt(2 - a * a) + a) / 2, (math.sqrt(2 - a * a) - a) / 2
        return r * r, r * s / (r + s) / tau

    return at


def sigmoid(t: float) -> float:
    return 0.5 * (1 + math.tanh(t / 2))


def gaussian_pair(phi: float, tau: float, scale: float) -> Scalar:
    def at(e: float) -> tuple[float, float]:
        y = sigmoid((phi + scale * e) / tau)
        return y, y * (1 - y) / tau

    return at


def denoised_pair(phi: float) -> Scalar:
    """Two steps at first_time 1/2, in d = x^1 - x^0 ~ N(0, 2)."""
    alpha, sigma = (0.5, 1e-4), (0.5, 1 - 1e-4)
    kept = sigma[0] / sigma[1]
    moved = alpha[0] - kept * alpha[1]

    def at(e: float) -> tuple[float, float]:
        d = math.sqrt(2) * e
        first = sigmoid(phi + alpha[1] / sigma[1] ** 2 * d)
        d, slope = moved * (2 * first - 1) + kept * d, moved * 2 * first * (1 - first)
        y = sigmoid(phi + alpha[0] / sigma[0] ** 2 * d)
        return y, y * (1 - y) * (1 + alpha[0] / sigma[0] ** 2 * slope)

    return at


def expected(
    at: Scalar, density: Callable[[float], float], edges: list[float], weigh: Callable[[float, float], float]
) -> float:
    return sum(
        quad(lambda z: density(z) * weigh(*at(z)), low, high, epsabs=1e-14, epsrel=1e-12)[0]
        for low, high in pairwise(edges)
    )


def integrated(name: str, phi: float, tau: float) -> tuple[float, float, float]:
    """Return mean and variance of a draw on (b - 0.45)^2, and E f(y), by scalar formulas alone."""
    edges = [-12.0, -4.0, 0.0, 4.0, 12.0]
    density: Callable[[float], float] = norm.pdf
    if name in ("gumbel_sparsemax", "gumbel_entmax"):
        reach = tau if name == "gumbel_sparsemax" else 2 * tau
        edges = sorted({phi - 40.0, -reach, 0.0, phi, reach, phi + 40.0})
        density = lambda z: logistic_law.pdf(z - phi)  # noqa: E731
    at = {
        "gumbel_sparsemax": sparse_pair(tau),
        "gumbel_entmax": entmax_pair(tau),
        "invertible_gaussian": gaussian_pair(phi, tau, 1.702),
        "redge": denoised_pair(phi),
    }[name]
    mean = expected(at, density, edges, lambda y, slope: 2 * (y - 0.45) * slope)
    second = expected(at, density, edges, lambda y, slope: (2 * (y - 0.45) * slope) ** 2)
    return mean, second - mean**2, expected(at, density, edges, lambda y, _: (y - 0.45) ** 2)


def rule_of(name: str, phi: float, tau: float) -> Rule:
    """The noise of one coin on panels between the kinks of y."""
    if name in ("gumbel_sparsemax", "gumbel_entmax"):
        reach = tau if name == "gumbel_sparsemax" else 2 * tau
        edges = torch.cat([torch.linspace(phi - 36, phi + 36, 49, dtype=torch.float64),
                           torch.tensor([-reach, 0.0, reach], dtype=torch.float64)]).unique()  # fmt: skip
        z, w = legendre(edges)
        u = torch.sigmoid(phi - z)
        return Rule(w * u * (1 - u), FixedNoise(len(u), uniform_x=u.reshape(-1, 1, 1)))
    e, w = legendre(torch.linspace(-10, 10, 41, dtype=torch.float64))
    w = w * torch.exp(-e.square() / 2) / math.sqrt(2 * math.pi)
    if name == "redge":  # only the difference of the two Gaussians matters
        pair = torch.stack([e, -e], -1) / math.sqrt(2)
        return Rule(w, FixedNoise(len(e), normal_x=pair.reshape(-1, 1, 1, 2)))
    return Rule(w, FixedNoise(len(e), normal_x=e.reshape(-1, 1, 1, 1)))


CONFIG = {"scale": 1.702, "steps": 2, "first_time": 0.5}
PRINTED = [  # name, temperature, phi, mean and variance on (b - 0.45)^2; the gradients are 0.025 and 0.0105
    ("gumbel_sparsemax", 0.5, 0.0, "0.0244919", "0.0821482"),
    ("gumbel_sparsemax", 1.0, 0.0, "0.0231059", "0.0367081"),
    ("gumbel_sparsemax", 2.0, 0.0, "0.0190399", "0.0125630"),
    ("gumbel_sparsemax", 0.5, 2.0, "0.0238934", "0.0390791"),
    ("gumbel_sparsemax", 1.0, 2.0, "0.0369223", "0.0209632"),
    ("gumbel_sparsemax", 2.0, 2.0, "0.0571722", "0.0100908"),
    ("gumbel_entmax", 0.5, 0.0, "0.0237512", "0.0359747"),
    ("gumbel_entmax", 1.0, 0.0, "0.0208456", "0.0143705"),
    ("gumbel_entmax", 2.0, 0.0, "0.0148770", "0.0038205"),
    ("gumbel_entmax", 0.5, 2.0, "0.0317575", "0.0183874"),
    ("gumbel_entmax", 1.0, 2.0, "0.0498545", "0.0089422"),
    ("gumbel_entmax", 2.0, 2.0, "0.0589991", "0.0024414"),
    ("invertible_gaussian", 0.5, 0.0, "0.0208176", "0.0139868"),
    ("invertible_gaussian", 1.0, 0.0, "0.0165882", "0.0049920"),
    ("invertible_gaussian", 2.0, 0.0, "0.0107949", "0.0010912"),
    ("invertible_gaussian", 0.5, 2.0, "0.0448954", "0.0077319"),
    ("invertible_gaussian", 1.0, 2.0, "0.0528273", "0.0023884"),
    ("invertible_gaussian", 2.0, 2.0, "0.0390651", "0.0004671"),
    ("redge", 1.0, 0.0, "0.0272344", "0.0114922"),
    ("redge", 1.0, 2.0, "0.0649768", "0.0020728"),
]


@pytest.mark.parametrize(("name", "tau", "phi", "mean", "variance"), PRINTED)
def test_mean_and_variance_on_the_toy_are_their_integrals(
    name: str, tau: float, phi: float, mean: str, variance: str
) -> None:
    found = moments(load(name), coin(phi), toy, rule_of(name, phi, tau), 1, temperature=tau, **CONFIG)
    integral = integrated(name, phi, tau)
    assert math.isclose(float(found[0]), integral[0], rel_tol=1e-10)
    assert math.isclose(found[1], integral[1], rel_tol=1e-10)
    assert_printed(float(found[0]), mean)
    assert_printed(found[1], variance)


@pytest.mark.parametrize("phi", [0.0, 2.0])
@pytest.mark.parametrize("name", ["gumbel_sparsemax", "gumbel_entmax", "invertible_gaussian", "redge"])
def test_the_mean_is_the_gradient_of_the_relaxed_expectation(name: str, phi: float) -> None:
    h = 1e-3
    below, above = (integrated(name, phi + step, 0.8)[2] for step in (-h, h))
    further_below, further_above = (integrated(name, phi + step, 0.8)[2] for step in (-2 * h, 2 * h))
    target = (8 * (above - below) - (further_above - further_below)) / (12 * h)
    mean, _ = moments(load(name), coin(phi), toy, rule_of(name, phi, 0.8), 1, temperature=0.8, **CONFIG)
    assert math.isclose(float(mean), target, rel_tol=1e-8)


@pytest.mark.parametrize("scale", [0.7, 1.702])
def test_the_mean_of_the_invertible_gaussian_on_a_choice_is_that_of_the_score_of_its_density(scale: float) -> None:
    """grad_mu E f(y) = E f(y) e / sigma, without a derivative of f; the last logit moves all means at once."""
    node = Categorical(torch.tensor([[1.0, -0.5, 0.2]], dtype=torch.float64))
    cost, tau = polynomial(node, 3), 1.5
    e, w = product([hermite(60)] * 2)
    rule = Rule(w, FixedNoise(len(w), normal_x=e.reshape(-1, 1, 1, 2)))
    mean, _ = moments(load("invertible_gaussian"), node, cost, rule, 1, temperature=tau, scale=scale)
    mu = node.theta[0, :2] - node.theta[0, 2]
    kappa = ((mu + scale * e) / tau).exp()
    y = torch.cat([kappa, torch.ones(len(w), 1, dtype=torch.float64)], -1) / (1 + kappa.sum(-1, keepdim=True))
    in_mu = (w.unsqueeze(-1) * cost(y.unsqueeze(1)).unsqueeze(-1) * e / scale).sum(0)
    torch.testing.assert_close(mean[0], torch.cat([in_mu, -in_mu.sum(0, keepdim=True)]), rtol=1e-6, atol=1e-8)


def test_the_hard_choice_of_the_invertible_gaussian_is_nearly_the_coin() -> None:
    scale = facts_of("invertible_gaussian").config["scale"]
    phi = np.linspace(-12, 12, 4801)
    assert np.abs(norm.cdf(phi / scale) - logistic_law.cdf(phi)).max() < 0.0095


def test_one_step_of_redge_from_pure_noise_is_straight_through_at_the_mean() -> None:
    """At first_time -> 1 the noise is worth nothing: y = p, and the draw is J(p) f'(p)."""
    node = Categorical(torch.tensor([[1.0, -0.5, 0.2]], dtype=torch.float64))
    cost = polynomial(node, 3)
    noise = PhiloxNoise(0, "redge", 0, 8)
    draws = gradient_draws(load("redge"), node, cost, noise, 1, steps=1, first_time=1 - 2e-4)
    p = node.probs.clone().requires_grad_()
    (slope,) = torch.autograd.grad(cost(p), p)
    torch.testing.assert_close(draws, node.pullback(node.probs, slope).expand(8, 1, 3), rtol=0, atol=2e-3)


@pytest.mark.parametrize(("steps", "first_time"), [(1, 0.3), (2, 0.5), (4, 0.9)])
def test_draws_of_redge_on_a_coin_are_those_on_a_choice_of_two(steps: int, first_time: float) -> None:
    node = Bernoulli(torch.tensor([0.7, -1.0], dtype=torch.float64))
    pair = Categorical(torch.stack([node.theta, torch.zeros_like(node.theta)], -1))
    cost, noise = polynomial(node, 3), PhiloxNoise(0, "pair", 0, 9)
    config = {"steps": steps, "first_time": first_time}
    draws = gradient_draws(load("redge"), node, cost, noise, 2, **config)
    pair_draws = gradient_draws(load("redge"), pair, lambda y: cost(y[..., 0]), noise, 2, **config)
    torch.testing.assert_close(pair_draws, torch.stack([draws, -draws], -1), rtol=1e-12, atol=1e-14)


def test_concrete_is_gumbel_softmax() -> None:
    assert facts_of("concrete").alias_of == "gumbel_softmax"
    node = Categorical(torch.tensor([[1.0, -0.5, 0.2]], dtype=torch.float64))
    one, two = (
        gradient_draws(load(name), node, polynomial(node, 3), PhiloxNoise(0, "x", 0, 9), 2, temperature=0.7)
        for name in ("concrete", "gumbel_softmax")
    )
    assert torch.equal(one, two)


def test_bad_parameters_are_named() -> None:
    node, noise = coin(0.0), PhiloxNoise(0, "x", 0, 2)
    with pytest.raises(InputError, match=r"scale=0\.0; it must be a positive number"):
        load("invertible_gaussian").sample(node, noise, 1, temperature=1.0, scale=0.0)
    for first_time in (0.0, 1.0, -1.0):
        with pytest.raises(InputError, match=f"first_time={first_time}; it must lie between 0 and"):
            load("redge").sample(node, noise, 1, first_time=first_time)
