"""Baselines and MuProp: what is fitted, and exact variances on closed forms."""

import math

import pytest
import torch
from torch import Tensor

from varbench import Bernoulli, Categorical, Normal, Problem, measure
from varbench.estimators.errors import InputError, NotApplicable
from varbench.estimators.estimator import load
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from . import proofs
from .exact_moments import RULES, Cost, assert_printed, completed, law, moments, over_the_node, polynomial

LOC, SCALE = torch.eye(2, dtype=torch.float64).unsqueeze(1)


def tensor(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


COINS = Bernoulli(tensor(2.0, -0.7, 0.3))
CHOICES = Categorical(tensor(1.0, -0.5, 0.2, -2.0, 0.7, 0.1).reshape(2, 3))
GAUSSIAN = Normal(tensor(1.0, 1.0).reshape(2, 1))
GAUSSIANS = Normal(tensor(0.5, -1.0, 1.3, 0.4).reshape(2, 2))


def toy(target: float) -> Cost:
    return lambda b: (b - target).square().sum(-1)


def state(name: str, node: Node, cost: Cost, S: int = 1, **config: float) -> Tensor:
    fitted: Tensor = completed(load(name), node, cost, S, config)["state"]
    return fitted


def variance(name: str, node: Node, cost: Cost, tie: Tensor | None = None, S: int = 1, **config: object) -> float:
    return moments(load(name), node, cost, RULES[name](node, S), S, tie=tie, **config)[1]


# ---------------------------------------------------------------- what is fitted


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_the_running_mean_is_the_recursion(decay: float, batch: tuple[int, ...]) -> None:
    node = Bernoulli(tensor(2.0, -0.7, 0.3).expand(*batch, 3))
    cost, S, steps = polynomial(node, 3), 2, 7
    f = cost(node.draw(PhiloxNoise(0, "tests (fit)", 0, steps), S)).mean(1)
    b = f[0]
    for t in range(1, steps):
        b = decay * b + (1 - decay) * f[t]
    torch.testing.assert_close(state("reinforce_running_mean", node, cost, S, decay=decay, steps=steps), b)


@pytest.mark.parametrize("decay", [1.0, -0.1])
def test_a_decay_that_is_none_is_refused(decay: float) -> None:
    with pytest.raises(InputError, match=r"decay=.* at least 0 and below 1"):
        measure("bernoulli_quadratic", "reinforce_running_mean", num_draws=10, decay=decay)


@pytest.mark.parametrize("node", [COINS, CHOICES, GAUSSIAN, GAUSSIANS], ids=["coins", "choices", "gaussian", "two"])
def test_oracle_baselines_are_their_expectations(node: Node) -> None:
    """By the tests' own rule and the score by automatic differentiation of torch's law."""
    cost = polynomial(node, 3)
    if node.family == "normal":
        rule = over_the_node(node, 1)
        x, w = node.draw(rule.noise, 1)[:, 0], rule.weights
    else:
        x, w = node.outcomes(), law(node).log_prob(node.outcomes()).exp()
    score = torch.func.jacrev(lambda theta: law_log_prob(node, theta, x))(node.theta)
    column = (len(x), *(1,) * node.theta.ndim)
    f, w_s = cost(x), w.reshape(column) * score.square()
    torch.testing.assert_close(state("reinforce_exact_mean", node, cost), (w * f).sum())
    torch.testing.assert_close(
        state("reinforce_optimal", node, cost), (w_s * f.reshape(column)).sum(0) / w_s.sum(0), rtol=1e-9, atol=1e-9
    )


def law_log_prob(node: Node, theta: Tensor, x: Tensor) -> Tensor:
    match node.family:
        case "bernoulli":
            return (x * theta - torch.nn.functional.softplus(theta)).sum(-1)
        case "categorical":
            return (x * torch.log_softmax(theta, -1)).sum((-1, -2))
    return (-((x - theta[0]) / theta[1]).square() / 2 - theta[1].log()).sum(-1)


def test_many_gaussians_are_fitted_by_draws() -> None:
    """2^14 draws of (x_1 + x_2 + x_3)^2 have a standard error of 0.06 about 12; six of them are allowed."""
    node = Normal(torch.ones(2, 3, dtype=torch.float64))
    assert abs(float(state("reinforce_exact_mean", node, lambda x: x.sum(-1).square())) - 12) < 0.6


@pytest.mark.parametrize("name", ["reinforce_exact_mean", "reinforce_optimal"])
def test_oracle_baselines_need_outcomes_that_can_be_listed(name: str) -> None:
    with pytest.raises(NotApplicable, match=r"all outcomes.*2\^20"):
        measure("bernoulli_quadratic[dim=30]", name, num_draws=10)


# ---------------------------------------------------------------- exact variances


def test_the_optimal_baseline_of_the_location_leaves_14() -> None:
    """N(1, 1), f = x^2: reinforce 30, with the optimal baseline 14 (the exact mean leaves 18)."""
    assert math.isclose(variance("reinforce", GAUSSIAN, toy(0), LOC), 30, rel_tol=1e-11)
    assert math.isclose(variance("reinforce_optimal", GAUSSIAN, toy(0), LOC), 14, rel_tol=1e-9)
    assert math.isclose(variance("reinforce_exact_mean", GAUSSIAN, toy(0), LOC), 18, rel_tol=1e-9)


@pytest.mark.parametrize("b", [0.0, 1.0, -2.5, 4.0])
@pytest.mark.parametrize("k", [0.0, 3.0])
def test_a_constant_moves_the_variance_along_its_parabola(k: float, b: float) -> None:
    """Var[(f - b) e] = 15 + 14 c^2 + c^4 - 2 b E[f e^2] + b^2, E[f e^2] = 3 + c^2, at N(1, 1), f = (x - k)^2."""
    c = 1 - k
    expected = 15 + 14 * c**2 + c**4 - 2 * b * (3 + c**2) + b**2
    assert math.isclose(variance("reinforce_constant", GAUSSIAN, toy(k), LOC, baseline=b), expected, rel_tol=1e-11)


@pytest.mark.parametrize("node", [COINS, CHOICES, GAUSSIAN], ids=["coins", "choices", "gaussian"])
def test_no_step_from_the_optimal_baseline_lowers_a_variance(node: Node) -> None:
    cost = polynomial(node, 3)
    best = state("reinforce_optimal", node, cost)
    for j in range(node.theta.numel()):
        tie = torch.eye(node.theta.numel(), dtype=torch.float64)[j : j + 1]
        least = variance("reinforce_optimal", node, cost, tie)
        for step in (-0.1, 0.1):
            assert variance("reinforce_optimal", node, cost, tie, state=best + step) > least


@pytest.mark.parametrize("phi", [-3.0, 0.0, 0.5, 2.0])
def test_baselines_on_the_toy(phi: float) -> None:
    """On one coin the optimal baseline q f(1) + p f(0) leaves nothing, E f leaves Delta^2 p q (p - q)^2."""
    node, t, p = Bernoulli(tensor(phi)), 0.3, 1 / (1 + math.exp(-phi))
    q, delta = 1 - p, 1 - 2 * t
    best = state("reinforce_optimal", node, toy(t))
    assert math.isclose(float(best), q * (1 - t) ** 2 + p * t**2, rel_tol=1e-11)
    assert variance("reinforce_optimal", node, toy(t)) < 1e-28
    expected = delta**2 * p * q * (p - q) ** 2
    assert math.isclose(variance("reinforce_exact_mean", node, toy(t)), expected, rel_tol=1e-10, abs_tol=1e-28)
    second = p * (q * ((1 - t) ** 2 - 0.7)) ** 2 + q * (p * (t**2 - 0.7)) ** 2
    found = variance("reinforce_constant", node, toy(t), baseline=0.7)
    assert math.isclose(found, second - (p * q * delta) ** 2, rel_tol=1e-11)
    assert math.isclose(variance("reinforce_running_mean", node, toy(t), state=tensor(0.7)[0]), found, rel_tol=1e-11)


@pytest.mark.parametrize("phi", [-3.0, 0.0, 0.5, 2.0])
def test_variance_of_muprop_on_the_toy(phi: float) -> None:
    """On a quadratic the residual is (b - p)^2, so the draw is (b - p)^3 + const: q^3 or -p^3."""
    node, p = Bernoulli(tensor(phi)), 1 / (1 + math.exp(-phi))
    q = 1 - p
    expected = p * q * (q**3 + p**3) ** 2
    assert math.isclose(variance("muprop", node, toy(0.3)), expected, rel_tol=1e-10)


def test_muprop_is_exact_on_linear_costs() -> None:
    for node in (COINS, CHOICES):
        assert variance("muprop", node, polynomial(node, 1)) < 1e-28


# ---------------------------------------------------------------- extremes

EXTREME: dict[str, Node] = {
    "coins_at_50": Bernoulli(tensor(50.0, -50.0)),
    "coins_beyond": Bernoulli(tensor(800.0, -800.0, -math.inf)),
    "masked": Categorical(tensor(0.0, -math.inf, 1.0, 50.0, -50.0, 0.0).reshape(2, 3)),
    "beyond": Categorical(tensor(0.0, 800.0, -800.0).reshape(1, 3)),
    "one_class": Categorical(torch.zeros(2, 1, dtype=torch.float64)),
    "tiny_scale": Normal(tensor(3.0, 1e-3).reshape(2, 1)),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("label", EXTREME)
@pytest.mark.parametrize("name", [*proofs.score_function.BASELINES, "muprop"])
def test_draws_are_finite_at_extremes(name: str, label: str, dtype: torch.dtype) -> None:
    node = EXTREME[label].with_theta(EXTREME[label].theta.to(dtype))
    if node.family not in load(name).facts.families:
        with pytest.raises(NotApplicable):
            measure(Problem("extreme", node, polynomial(node, 2)), name, num_draws=10)
        return
    config = {"baseline": 0.7} if name == "reinforce_constant" else {}
    found = measure(Problem("extreme", node, polynomial(node, 2)), name, num_draws=64, timing=False, **config)
    assert found.num_nonfinite in (0, None)
    assert found.status == "ok"


@pytest.mark.parametrize(
    "label", ["nearly_certain", *(key for key, node in EXTREME.items() if node.family != "normal")]
)
def test_the_optimal_baseline_lies_among_the_costs_at_extremes(label: str) -> None:
    """E[f s^2] / E[s^2] is a mean of f, whatever the weights."""
    node = {**EXTREME, "nearly_certain": Bernoulli(tensor(50.0, 0.3, -0.7, 1.1, 60.0))}[label]
    f = polynomial(node, 2)(node.outcomes())
    best = state("reinforce_optimal", node, polynomial(node, 2))
    assert f.min() - 1e-9 <= best.min()
    assert best.max() <= f.max() + 1e-9


def test_the_published_gradient_stands() -> None:
    mean, _ = moments(load("muprop"), Bernoulli(tensor(2.0)), toy(0.45), RULES["muprop"](Bernoulli(tensor(2.0)), 1), 1)
    assert_printed(float(mean), "0.010499359")
