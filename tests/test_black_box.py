"""Black-box methods: means against their smoothed objectives, exact variances, extremes."""

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from varbench import Bernoulli, Normal, Problem, measure
from varbench.estimators.errors import InputError, NotApplicable
from varbench.estimators.estimator import load
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import RULES, Cost, exact_gradient, legendre, moments, polynomial
from .proofs.black_box import (
    BELL,
    PAIR,
    TWO_CLASSES,
    follows_its_smoothed_gradient,
    gradient_of_gaussian_smoothing,
    gradient_of_uniform_and_sign_smoothing,
    over_directions,
    signs,
)
from .test_score_function import EXTREME, LOC, SCALE

FALSE_FAIL = 1e-6


def tensor(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def toy(target: float) -> Cost:
    return lambda b: (b - target).square().sum(-1)


# ---------------------------------------------------------------- means


@pytest.mark.parametrize("size", [0.1, 0.6])
@pytest.mark.parametrize("name", ["spsa", "evolution_strategies"])
@pytest.mark.parametrize(
    "node", [Bernoulli(tensor(0.8)), PAIR, TWO_CLASSES, BELL], ids=["coin", "pair", "two_classes", "bell"]
)
def test_the_mean_is_the_gradient_of_the_smoothed_objective(node: Node, name: str, size: float) -> None:
    follows_its_smoothed_gradient(node, size)(load(name))


@pytest.mark.parametrize("node", [PAIR, TWO_CLASSES, BELL], ids=["pair", "two_classes", "bell"])
def test_smoothed_gradients_are_off_by_the_square_of_the_step(node: Node) -> None:
    cost = polynomial(node, 3)
    for smoothed in (gradient_of_gaussian_smoothing, gradient_of_uniform_and_sign_smoothing):
        wide, narrow = ((smoothed(node, cost, h) - exact_gradient(node, cost)).norm() for h in (0.02, 0.01))
        assert 3.9 < float(wide / narrow) < 4.1


# ---------------------------------------------------------------- variances


@pytest.mark.parametrize("step", [0.1, 1.0])
@pytest.mark.parametrize("phi", [0.0, 2.0])
def test_variance_of_spsa_on_the_toy(phi: float, step: float) -> None:
    """The sides differ with probability p+ - p-, then by Delta f: a difference quotient, squared and not."""
    node, delta = Bernoulli(tensor(phi)), 1 - 2 * 0.3
    apart = 1 / (1 + math.exp(-phi - step)) - 1 / (1 + math.exp(-phi + step))
    expected = delta**2 * (apart - apart**2) / (2 * step) ** 2
    _, found = moments(
        load("spsa"), node, toy(0.3), over_directions(node, signs(1), step, "uniform_direction"), 2, step=step
    )
    assert math.isclose(found, expected, rel_tol=1e-11)


@pytest.mark.parametrize("sigma", [0.1, 1.0])
@pytest.mark.parametrize("phi", [0.0, 2.0])
def test_variance_of_evolution_strategies_on_the_toy(phi: float, sigma: float) -> None:
    """Delta^2 / (4 sigma^2) E[e^2 |p+ - p-|] less the square of Delta E[p'(phi + sigma e)], both by panels of e."""
    node, delta = Bernoulli(tensor(phi)), 1 - 2 * 0.3
    e, w = legendre(torch.linspace(-10, 10, 21, dtype=torch.float64))  # a panel's edge at the kink e = 0
    w = w * torch.exp(-e.square() / 2) / math.sqrt(2 * math.pi)
    rule = over_directions(node, (e.unsqueeze(-1), w), sigma, "normal_direction")
    _, found = moments(load("evolution_strategies"), node, toy(0.3), rule, 2, sigma=sigma)
    plus, minus = torch.sigmoid(phi + sigma * e), torch.sigmoid(phi - sigma * e)
    mean = delta * (w * plus * (1 - plus)).sum()
    expected = delta**2 / (4 * sigma**2) * (w * e.square() * (plus - minus).abs()).sum() - mean.square()
    assert math.isclose(found, float(expected), rel_tol=1e-9)


@pytest.mark.parametrize("k", [-1.5, 0.0, 3.0])
def test_variances_of_measure_valued_derivatives_on_the_square(k: float) -> None:
    """16 c^2 Var(w) / (2 pi), Var(w) = 2 - pi / 2; and of 2 c m (1 - U) + m^2 (1 - U^2): 4 c^2 + 15 8/15 - 4."""
    node, c = Normal(tensor(1.0, 1.0).reshape(2, 1)), 1 - k
    rule = RULES["measure_valued"](node, 1)
    loc, scale = (moments(load("measure_valued"), node, toy(k), rule, 1, tie=tie)[1] for tie in (LOC, SCALE))
    assert math.isclose(loc, 16 * c**2 * (2 - math.pi / 2) / (2 * math.pi), rel_tol=1e-10)
    assert math.isclose(scale, 4 * c**2 + 4, rel_tol=1e-10)


def test_measure_valued_points_have_their_laws() -> None:
    """Kolmogorov-Smirnov, 20,000 draws see a distance of 0.03; and what is coupled is coupled."""
    node = Normal(tensor(0.5, -1.0, 1.3, 0.4).reshape(2, 2))
    x = load("measure_valued").sample(node, PhiloxNoise(0, "laws", 0, 20_000), 1)
    z = ((x - node.loc) / node.scale).unflatten(1, (4, 2))  # [N, 4, D', D]
    for d in range(2):
        w, w_, m, e = z[:, :, d, d].unbind(1)
        torch.testing.assert_close(w_, -w)
        assert stats.kstest(w, stats.weibull_min(2, scale=math.sqrt(2)).cdf).pvalue > FALSE_FAIL
        assert stats.kstest(m.abs(), "maxwell").pvalue > FALSE_FAIL
        assert stats.kstest(e, "norm").pvalue > FALSE_FAIL
        assert stats.kstest(e / m, "uniform").pvalue > FALSE_FAIL
        assert stats.spearmanr(e / m, m.abs()).pvalue > FALSE_FAIL
        assert abs(float((m > 0).double().mean()) - 0.5) < 0.02
        assert (z[:, :, d, 1 - d] == z[:, :1, d, 1 - d]).all(), "the other coordinate is one sample for all four"


def test_draws_of_measure_valued_derivatives_of_a_normal_are_those_that_studies_have_stored() -> None:
    """Bit for bit the formula that stood here before Poisson and Gamma shared it."""
    node = Normal(tensor(0.5, -1.0, 1.3, 0.4, 0.0, 2.0, 0.7, 3.0).reshape(2, 2, 2))
    noise, cost, S = PhiloxNoise(7, "bits", 2, 16), polynomial(node, 3), 3
    w = (2 * noise.exponential(S, 2, 2, name="weibull")).sqrt()
    g = noise.normal(S, 3, 2, 2, name="maxwell")
    e = g[:, :, 0]
    own = torch.stack([w, -w, torch.copysign(g.square().sum(2).sqrt(), e), e], 2)
    base = noise.normal(S, 2, 2)[:, :, None, None]
    z = torch.where(torch.eye(2, dtype=torch.bool).reshape(2, 1, 2), own.unsqueeze(3), base)
    x = (node.loc + node.scale * z).flatten(1, 3)
    f = cost(x).unflatten(1, (-1, 4, 2)).mean(1).movedim(2, -1)
    loc = (f[:, 0] - f[:, 1]) / (node.scale * math.sqrt(2 * math.pi))
    draws = torch.stack([loc, (f[:, 2] - f[:, 3]) / node.scale], -2)
    estimator = load("measure_valued")
    assert torch.equal(estimator.sample(node, noise, S), x)
    assert torch.equal(estimator.combine(node, noise, x, cost(x), None), draws)


def test_measure_valued_derivatives_need_no_slope() -> None:
    """E 1[x > 0] = Phi(mu / sigma): a step has a gradient, and its derivative is 0 almost everywhere."""
    node = Normal(tensor(0.3, 1.2).reshape(2, 1))
    gradient = math.exp(-((0.3 / 1.2) ** 2) / 2) / math.sqrt(2 * math.pi) / 1.2 * tensor(1.0, -0.3 / 1.2)
    problem = Problem("step", node, lambda x: (x > 0).to(x).sum(-1), exact_grad=gradient.reshape(2, 1), smooth="no")
    found = measure(problem, "measure_valued", num_draws=4096, timing=False)
    assert found.unbiased_p is not None
    assert found.unbiased_p > 1e-3  # the seed is fixed
    assert found.num_points == 4


# ---------------------------------------------------------------- bad input and extremes


@pytest.mark.parametrize(("name", "key"), [("spsa", "step"), ("evolution_strategies", "sigma")])
@pytest.mark.parametrize("size", [0.0, -1.0])
def test_a_step_that_is_none_is_refused(name: str, key: str, size: float) -> None:
    with pytest.raises(InputError, match=rf"{key}=.*positive"):
        measure("bernoulli_quadratic", name, num_draws=10, **{key: size})


def test_a_masked_class_stays_masked() -> None:
    node = EXTREME["masked"]
    for name in ("spsa", "evolution_strategies"):
        estimator, noise = load(name), PhiloxNoise(0, "mask", 0, 50)
        x = estimator.sample(node, noise, 4)
        assert x[..., 0, 1].max() == 0
        draws = estimator.combine(node, noise, x, polynomial(node, 2)(x), None)
        assert (draws[:, 0, 1] == 0).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("size", [1e-3, 1e3])
@pytest.mark.parametrize("label", EXTREME)
@pytest.mark.parametrize("name", ["spsa", "evolution_strategies", "measure_valued"])
def test_draws_are_finite_at_extremes(name: str, label: str, size: float, dtype: torch.dtype) -> None:
    node = EXTREME[label].with_theta(EXTREME[label].theta.to(dtype))
    problem = Problem("extreme", node, polynomial(node, 2))
    config = {"spsa": {"step": size}, "evolution_strategies": {"sigma": size}}.get(name, {})
    if node.family not in load(name).facts.families:
        with pytest.raises(NotApplicable):
            measure(problem, name, num_draws=10)
        return
    found = measure(problem, name, num_draws=64, timing=False, **config)
    assert found.status == "ok"
    assert found.num_nonfinite in (0, None)
