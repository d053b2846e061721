"""Straight-through forms: exact means and variances, each against formulas that share no code with it."""

import math
from itertools import pairwise

import pytest
import torch
from scipy.integrate import quad
from torch import Tensor

from varbench import measure
from varbench.estimators.catalogue import facts_of
from varbench.estimators.errors import InputError, NotApplicable
from varbench.estimators.estimator import load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import (
    FixedNoise,
    Rule,
    assert_printed,
    completed,
    evaluated,
    exact_gradient,
    gradient_draws,
    logistic,
    moments,
    over_conditionals,
    over_outcomes,
    polynomial,
    product,
)


def coin(phi: float) -> Bernoulli:
    return Bernoulli(torch.tensor([phi], dtype=torch.float64))


def toy(b: Tensor) -> Tensor:
    return (b - 0.45).square().sum(-1)


def sigmoid(t: float) -> float:
    return 0.5 * (1 + math.tanh(t / 2))


def slope(b: float) -> float:
    return 2 * (b - 0.45)


def two_points(phi: float, one: float, zero: float) -> tuple[float, float]:
    """Mean and variance of what is one with probability p, zero otherwise."""
    p = sigmoid(phi)
    return p * one + (1 - p) * zero, p * (1 - p) * (one - zero) ** 2


THREE = Categorical(torch.tensor([[1.0, -0.5, 0.2]], dtype=torch.float64))
NODES: list[Node] = [
    coin(0.0),
    coin(2.0),
    Bernoulli(torch.tensor([2.0, -0.7, 0.3], dtype=torch.float64)),
    THREE,
    Categorical(torch.tensor([[1.0, -0.5, 0.2], [-2.0, 0.7, 0.1]], dtype=torch.float64)),
]


# ---------------------------------------------------------------- zgr


@pytest.mark.parametrize("node", NODES, ids=range(len(NODES)))
@pytest.mark.parametrize("S", [1, 2])
def test_zgr_is_the_average_of_straight_through_and_darn(node: Node, S: int) -> None:
    """1/2 [J(p) + (D - p)(D - p)^T] f'(D), outcome by outcome; the second term runs within each variable."""
    assert facts_of("zgr").alias_of == "reinmax"
    assert facts_of("zgr").config == {"temperature": 1.0}
    x, cost = over_outcomes(node, S).points, polynomial(node, 3)
    draws = gradient_draws(load("zgr"), node, cost, FixedNoise(len(x)), S, x, temperature=1.0)
    _, g = evaluated(cost, x)
    p = torch.softmax(node.theta, -1) if node.family == "categorical" else torch.sigmoid(node.theta)
    if node.family == "categorical":
        jacobian = torch.diag_embed(p) - p.unsqueeze(-1) * p.unsqueeze(-2)
        st = (jacobian @ g.unsqueeze(-1)).squeeze(-1)
        darn = (x - p) * ((x - p) * g).sum(-1, keepdim=True)
    else:
        st, darn = p * (1 - p) * g, (x - p) ** 2 * g
    torch.testing.assert_close(draws, ((st + darn) / 2).mean(1), rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------- gapped_st


@pytest.mark.parametrize(
    ("phi", "temperature", "mean", "variance"),
    [
        (0.0, 0.5, "0.0209987", "0.0440946"),
        (0.0, 1.0, "0.0196612", "0.0386563"),
        (2.0, 0.5, "0.0116980", "0.0054506"),
        (2.0, 1.0, "0.0806328", "0.0089794"),
    ],
)
def test_gapped_st_on_a_coin_has_two_values(phi: float, temperature: float, mean: str, variance: str) -> None:
    """z = max(phi, gap) given 1 and min(phi, -gap) given 0."""
    node = coin(phi)
    draw = {}
    for b, z in ((1.0, max(phi, 1.0)), (0.0, min(phi, -1.0))):
        y = sigmoid(z / temperature)
        draw[b] = y * (1 - y) * slope(b) / temperature
    expected = two_points(phi, draw[1.0], draw[0.0])
    found = moments(load("gapped_st"), node, toy, over_outcomes(node, 1), 1, temperature=temperature, gap=1.0)
    assert math.isclose(float(found[0]), expected[0], rel_tol=1e-12)
    assert math.isclose(found[1], expected[1], rel_tol=1e-12)
    assert_printed(float(found[0]), mean)
    assert_printed(found[1], variance)


@pytest.mark.parametrize("gap", [0.3, 1.0, 4.0])
def test_gapped_st_on_a_choice_is_its_sum_over_classes(gap: float) -> None:
    """In plain loops: the logits as they are, the sample's raised to the top, the others lowered to the gap."""
    phi, tau, cost = THREE.theta[0].tolist(), 0.7, polynomial(THREE, 3)
    total, mean = sum(map(math.exp, phi)), [0.0] * 3
    for d in range(3):
        z = [min(a, max(phi) - gap) for a in phi]
        z[d] = max(phi)
        weights = [math.exp(a / tau) for a in z]
        y = [w / sum(weights) for w in weights]
        g = evaluated(cost, torch.eye(3, dtype=torch.float64)[d].reshape(1, 1, 1, 3))[1].flatten().tolist()
        mixed = sum(a * b for a, b in zip(y, g, strict=True))
        for k in range(3):
            mean[k] += math.exp(phi[d]) / total * y[k] * (g[k] - mixed) / tau
    found, _ = moments(load("gapped_st"), THREE, cost, over_outcomes(THREE, 1), 1, temperature=tau, gap=gap)
    torch.testing.assert_close(found[0], torch.tensor(mean, dtype=torch.float64), rtol=1e-11, atol=1e-13)


# ---------------------------------------------------------------- decoupled_st


def over_tempered(node: Node, S: int, forward: float) -> Rule:
    return over_outcomes(node.with_theta(node.theta / forward), S)


@pytest.mark.parametrize(
    ("phi", "backward", "forward", "mean", "variance"),
    [
        (0.0, 1.0, 0.5, "0.0250000", "0.0625000"),
        (2.0, 1.0, 1.0, "0.0904619", "0.0046297"),
        (2.0, 1.0, 0.5, "0.1117161", "0.0007788"),
        (2.0, 0.5, 2.0, "0.0198570", "0.0009814"),
    ],
)
def test_decoupled_st_on_a_coin_has_two_values(
    phi: float, backward: float, forward: float, mean: str, variance: str
) -> None:
    p = sigmoid(phi / backward)
    expected = two_points(phi / forward, *(p * (1 - p) * slope(b) / backward for b in (1.0, 0.0)))
    rule = over_tempered(coin(phi), 1, forward)
    found = moments(load("decoupled_st"), coin(phi), toy, rule, 1, temperature=backward)
    assert math.isclose(float(found[0]), expected[0], rel_tol=1e-12)
    assert math.isclose(found[1], expected[1], rel_tol=1e-12)
    assert_printed(float(found[0]), mean)
    assert_printed(found[1], variance)


@pytest.mark.parametrize("forward", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("node", NODES, ids=range(len(NODES)))
def test_decoupled_st_has_the_tempered_gradient_of_a_linear_cost(node: Node, forward: float) -> None:
    """Where tau_b = tau_f = tau: grad_phi E f(D), D ~ softmax(phi / tau), is the tempered node's gradient over tau."""
    cost = polynomial(node, 1)
    expected = exact_gradient(node.with_theta(node.theta / forward), cost) / forward
    mean, _ = moments(load("decoupled_st"), node, cost, over_tempered(node, 1, forward), 1, temperature=forward)
    torch.testing.assert_close(mean, expected, rtol=1e-11, atol=1e-13)


def test_decoupled_st_at_one_forward_temperature_is_straight_through() -> None:
    noise = PhiloxNoise(0, "decoupled", 0, 50)
    one = gradient_draws(
        load("decoupled_st"), THREE, polynomial(THREE, 3), noise, 2, temperature=0.7, forward_temperature=1.0
    )
    two = gradient_draws(
        load("straight_through"), THREE, polynomial(THREE, 3), noise, 2, temperature=0.7, identity=False
    )
    assert torch.equal(one, two)


def test_points_of_decoupled_st_on_a_choice_follow_the_tempered_law() -> None:
    cells = 20_000
    u = ((torch.arange(cells, dtype=torch.float64) + 0.5) / cells).reshape(-1, 1, 1)
    x = load("decoupled_st").sample(THREE, FixedNoise(cells, uniform_x=u), 1, forward_temperature=2.0)
    torch.testing.assert_close(x.mean((0, 1)), torch.softmax(THREE.theta / 2.0, -1), rtol=0, atol=1 / cells)


# ---------------------------------------------------------------- imle


def over_switches(node: Bernoulli, *reaches: float) -> Rule:
    """The cells of u in which no choice of a coin changes: z = phi + logit(1 - u) meets 0 and +- the reaches."""
    z = torch.tensor([0.0, *reaches, *(-reach for reach in reaches)], dtype=torch.float64)
    inner = torch.sigmoid(node.theta - z)
    edges = torch.cat([torch.zeros_like(inner[:1]), inner, torch.ones_like(inner[:1])]).sort().values
    u, weights = (edges[1:] + edges[:-1]) / 2, edges[1:] - edges[:-1]
    return Rule(weights, FixedNoise(len(u), uniform_x=u.reshape(-1, 1, 1)))


def over_steps(node: Bernoulli, step: float) -> Rule:
    return over_switches(node, step * slope(1.0), step * slope(0.0))


def implicit(phi: float, steps: tuple[float, float], symmetric: bool) -> tuple[float, float]:
    """Mean and variance by the logistic's distribution function: where the two choices differ, given 1 and given 0."""

    def share(low: float, high: float) -> float:  # of z = phi + L in (low, high]
        return max(sigmoid(high - phi) - sigmoid(low - phi), 0.0)

    mean = second = 0.0
    for b, step, (low, high) in ((1.0, steps[0], (0.0, 700.0)), (0.0, steps[1], (-700.0, 0.0))):
        width, reach = (2 * step if symmetric else step), step * slope(b)
        first, last = (-reach, reach) if symmetric else (0.0, reach)
        sign = 1.0 if last > first else -1.0
        differing = share(max(low, min(first, last)), min(high, max(first, last)))
        mean += sign * differing / width
        second += differing / width**2
    return mean, second - mean**2


@pytest.mark.parametrize(
    ("phi", "step", "symmetric", "mean", "variance"),
    [
        (0.0, 0.3, False, "0.0488882", "1.6515242"),
        (0.0, 2.0, True, "0.0105251", "0.0472891"),
        (2.0, 0.3, False, "0.0455218", "0.7177718"),
        (2.0, 0.3, True, "0.0227609", "0.1794430"),
        (2.0, 2.0, False, "0.1666547", "0.1042144"),
        (2.0, 2.0, True, "0.0833274", "0.0260536"),
    ],
)
def test_imle_on_a_coin_counts_the_choices_that_turn(
    phi: float, step: float, symmetric: bool, mean: str, variance: str
) -> None:
    rule = over_steps(coin(phi), step)
    found = moments(load("imle"), coin(phi), toy, rule, 1, step=step, symmetric=symmetric)
    expected = implicit(phi, (step, step), symmetric)
    assert math.isclose(float(found[0]), expected[0], rel_tol=1e-10)
    assert math.isclose(found[1], expected[1], rel_tol=1e-10)
    assert_printed(float(found[0]), mean)
    assert_printed(found[1], variance)


@pytest.mark.parametrize("phi", [0.0, 2.0])
def test_symmetric_imle_becomes_exact_on_a_quadratic_and_explodes_as_lambda_falls(phi: float) -> None:
    node, p = coin(phi), sigmoid(phi)
    gradient = float(exact_gradient(node, toy))
    found = {
        step: moments(load("imle"), node, toy, over_steps(node, step), 1, step=step, symmetric=True)
        for step in (1e-3, 1e-4)
    }
    assert math.isclose(float(found[1e-4][0]), gradient, rel_tol=1e-3)
    # a turn has probability lambda p q |f'(b)| to first order, and is worth 1 / (2 lambda)
    for step, (_, variance) in found.items():
        assert math.isclose(variance * step, p * (1 - p) * (slope(1.0) - slope(0.0)) / 4, rel_tol=2e-3)


@pytest.mark.parametrize("phi", [0.0, 2.0])
def test_one_sided_imle_becomes_twice_the_gradient_where_the_slopes_point_apart(phi: float) -> None:
    """As lambda -> 0 the mean is p q [max(f'(1), 0) + min(f'(0), 0)]: here p q (f'(1) + f'(0)), double the gradient."""
    node = coin(phi)
    mean, _ = moments(load("imle"), node, toy, over_steps(node, 1e-4), 1, step=1e-4, symmetric=False)
    assert math.isclose(float(mean), 2 * float(exact_gradient(node, toy)), rel_tol=1e-3)


def test_imle_on_a_linear_cost_of_a_choice_has_the_difference_of_two_laws() -> None:
    """With one slope g for all D the mean is [softmax(phi) - softmax(phi - lambda g)] / lambda.

    400,000 draws in [-1, 1] / lambda, within 6 standard errors: a false fail has probability below 1e-7 (3 entries,
    two sides); shifts of 0.01 in an entry are caught.
    """
    cost, step, N = polynomial(THREE, 1), 1.3, 400_000
    _, g = evaluated(cost, torch.zeros(1, 1, 1, 3, dtype=torch.float64))
    for symmetric in (False, True):
        noise = PhiloxNoise(0, "imle", 0, N)
        draws = gradient_draws(load("imle"), THREE, cost, noise, 1, step=step, symmetric=symmetric)[:, 0]
        above = torch.softmax(THREE.theta[0] + (step * g.flatten() if symmetric else 0), -1)
        expected = (above - torch.softmax(THREE.theta[0] - step * g.flatten(), -1)) / (2 * step if symmetric else step)
        error = (draws.mean(0) - expected).abs()
        assert (error < 6 * draws.std(0) / math.sqrt(N)).all()


# ---------------------------------------------------------------- aimle


@pytest.mark.parametrize(
    ("phi", "beta", "mean", "variance"),
    [
        (2.0, 0.2, "0.0265367", "0.1371188"),
        (2.0, 1.0, "0.0819454", "0.0272068"),
        (0.5, 1.0, "0.0369659", "0.2347747"),
        (-1.0, 0.6, "-0.0067317", "0.1592476"),
    ],
)
def test_aimle_on_a_coin_moves_by_beta_times_the_logit(phi: float, beta: float, mean: str, variance: str) -> None:
    """lambda = beta |phi| / |f'(D)|: one lambda given 1, another given 0."""
    reach = beta * abs(phi)
    state = torch.tensor(beta, dtype=torch.float64)
    found = moments(load("aimle"), coin(phi), toy, over_switches(coin(phi), reach), 1, state=state)
    expected = implicit(phi, (reach / slope(1.0), reach / -slope(0.0)), True)
    assert math.isclose(float(found[0]), expected[0], rel_tol=1e-10)
    assert math.isclose(found[1], expected[1], rel_tol=1e-10)
    assert_printed(float(found[0]), mean)
    assert_printed(found[1], variance)


@pytest.mark.parametrize("last", [0.2, -math.inf])
def test_aimle_is_symmetric_imle_at_its_own_lambda(last: float) -> None:
    node = Categorical(torch.tensor([[1.0, -0.5, last]], dtype=torch.float64))
    cost, noise = polynomial(node, 1), PhiloxNoise(0, "aimle", 0, 100)
    _, g = evaluated(cost, torch.zeros(1, 1, 1, 3, dtype=torch.float64))
    step = 0.4 * math.hypot(1.0, 0.5, 0.2 if last == 0.2 else 0.0) / float(g.norm())
    one = gradient_draws(load("aimle"), node, cost, noise, 2, state=torch.tensor(0.4, dtype=torch.float64))
    two = gradient_draws(load("imle"), node, cost, noise, 2, step=step, symmetric=True)
    assert one.count_nonzero() > 0
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-13)


def test_the_factor_of_aimle_walks_by_its_step_and_its_evaluations_are_counted() -> None:
    found = [measure("polynomial[dim=3]", "aimle", num_draws=100, timing=False, fit_steps=steps) for steps in (1, 50)]
    assert [one.fit_values for one in found] == [2 * 32, 2 * 50 * 32]
    for steps in (1, 7):
        state = completed(load("aimle"), THREE, polynomial(THREE, 2), 1, {"fit_rows": 8, "fit_steps": steps})["state"]
        walked = (float(state) - 1) / 0.02
        assert abs(walked - round(walked)) < 1e-9
        assert abs(round(walked)) <= steps
        assert round(walked) % 2 == steps % 2


def test_the_factor_of_aimle_is_that_of_its_rule_in_plain_loops() -> None:
    """Two coins, row by row: up a step where the running mean of turned entries is below 1, else down."""
    node, rows, steps = Bernoulli(torch.tensor([2.0, -0.7], dtype=torch.float64)), 8, 41
    cost, phi = polynomial(node, 2), [2.0, -0.7]
    beta, turning = 1.0, 1.0
    for step in range(steps):
        u = PhiloxNoise(0, "tests (fit)", step, rows).uniform(1, 2)
        z = [[a + math.log((1 - b) / b) for a, b in zip(phi, row, strict=True)] for row in u[:, 0].tolist()]
        x = torch.tensor([[[float(a > 0) for a in row]] for row in z], dtype=torch.float64)
        slopes, turned = evaluated(cost, x)[1][:, 0].tolist(), 0
        for row, g in zip(z, slopes, strict=True):
            for a, b in zip(row, g, strict=True):
                reach = beta * math.hypot(*phi) * b / math.hypot(*g)
                turned += (a + reach > 0) != (a - reach > 0)
        turning = 0.9 * turning + 0.1 * turned / rows
        beta = max(beta + (0.05 if turning < 1 else -0.05), 0.05)
    config = {"fit_rows": rows, "fit_steps": steps, "update_step": 0.05}
    assert math.isclose(float(completed(load("aimle"), node, cost, 1, config)["state"]), beta, rel_tol=1e-12)


def test_aimle_on_logits_that_are_all_zero_is_refused() -> None:
    for node in (coin(0.0), Categorical(torch.zeros(2, 3, dtype=torch.float64))):
        with pytest.raises(NotApplicable, match="take imle"):
            completed(load("aimle"), node, polynomial(node, 2), 1, {})
    with pytest.raises(NotApplicable, match="take imle"):
        measure("bernoulli_quadratic", "aimle", num_draws=100)


# ---------------------------------------------------------------- reinmax_rao and reinmax_cv


def midway(phi: float, b: float) -> float:
    pi = (sigmoid(phi) + b) / 2
    return math.log(pi / (1 - pi))


def density(z: float, phi: float) -> float:
    return sigmoid(z - phi) * sigmoid(phi - z)


def softened(phi: float, temperature: float, power: int, low: float, high: float) -> float:
    """int [y (1 - y) / tau]^power over logistic z around phi, low < z < high, y = sigmoid(z / tau)."""

    def inner(z: float) -> float:
        y = sigmoid(z / temperature)
        return (y * (1 - y) / temperature) ** power * density(z, phi)

    points = sorted({low, high, *(z for z in (-5 * temperature, 0.0, 5 * temperature, phi) if low < z < high)})
    return sum(quad(inner, a, b, epsabs=1e-15, epsrel=1e-11)[0] for a, b in pairwise(points))


def jacobian_given(phi: float, b: float, temperature: float) -> tuple[float, float]:
    """Mean and variance of one conditional Jacobian at the midway logits, given that z agrees with b."""
    at = midway(phi, b)
    low, high, share = (0.0, at + 40, sigmoid(at)) if b else (at - 40, 0.0, sigmoid(-at))
    mean, second = (softened(at, temperature, power, low, high) / share for power in (1, 2))
    return mean, second - mean**2


def jacobian_free(phi: float, b: float, temperature: float) -> tuple[float, float]:
    at = midway(phi, b)
    mean, second = (softened(at, temperature, power, at - 40, at + 40) for power in (1, 2))
    return mean, second - mean**2


def heun(phi: float, b: float) -> float:
    p = sigmoid(phi)
    pi = (p + b) / 2
    return 2 * pi * (1 - pi) - p * (1 - p) / 2


def of_rao(phi: float, temperature: float, k: int) -> tuple[float, float]:
    p = sigmoid(phi)
    given = {b: jacobian_given(phi, b, temperature) for b in (1.0, 0.0)}
    means = {b: (2 * given[b][0] - p * (1 - p) / 2) * slope(b) for b in given}
    mean, variance = two_points(phi, means[1.0], means[0.0])
    within = sum(share * 4 * given[b][1] / k * slope(b) ** 2 for b, share in ((1.0, p), (0.0, 1 - p)))
    return mean, variance + within


def of_cv(phi: float, temperature: float, k: int, eta: float) -> tuple[float, float]:
    p = sigmoid(phi)
    given = {b: jacobian_given(phi, b, temperature) for b in (1.0, 0.0)}
    free = {b: jacobian_free(phi, b, temperature) for b in (1.0, 0.0)}
    means = {b: (heun(phi, b) + eta * (given[b][0] - free[b][0])) * slope(b) for b in given}
    mean, variance = two_points(phi, means[1.0], means[0.0])
    within = sum(
        share * eta**2 * (given[b][1] / k + free[b][1]) * slope(b) ** 2 for b, share in ((1.0, p), (0.0, 1 - p))
    )
    return mean, variance + within


def free_rule(node: Bernoulli) -> Rule:
    """The two outcomes, one conditional uniform and the uniform of the free noise."""
    p = torch.sigmoid(node.theta)
    outcome = (torch.tensor([0.0, 1.0], dtype=torch.float64), torch.cat([1 - p, p]))
    numbers, weights = product([outcome, logistic(), logistic()])
    x, v, u = numbers.unbind(-1)
    noise = FixedNoise(len(x), uniform_conditional=v.reshape(-1, 1, 1, 1), uniform_free=u.reshape(-1, 1, 1))
    return Rule(weights, noise, x.reshape(-1, 1, 1))


PRINTED = [  # phi, temperature, then mean and variance with one conditional sample: reinmax_rao, reinmax_cv at eta = 1
    (0.0, 0.5, "0.0172424", "0.1373051", "0.0223165", "0.1071883"),
    (0.0, 1.0, "0.0147589", "0.0466243", "0.0238376", "0.0693385"),
    (2.0, 0.5, "0.0179349", "0.0777767", "-0.0013087", "0.0557676"),
    (2.0, 1.0, "0.0652112", "0.0357206", "0.0042635", "0.0334925"),
]


@pytest.mark.parametrize(("phi", "temperature", "rao", "rao_variance", "cv", "cv_variance"), PRINTED)
def test_reinmax_rao_and_cv_on_a_coin_are_their_integrals(
    phi: float, temperature: float, rao: str, rao_variance: str, cv: str, cv_variance: str
) -> None:
    """Neither keeps the mean of reinmax, the gradient itself here (0.025 and 0.0105); its variances are below."""
    node = coin(phi)
    for name, k, expected, printed in (
        ("reinmax_rao", 1, of_rao(phi, temperature, 1), (rao, rao_variance)),
        ("reinmax_rao", 2, of_rao(phi, temperature, 2), None),
        ("reinmax_cv", 1, of_cv(phi, temperature, 1, 1.0), (cv, cv_variance)),
        ("reinmax_cv", 1, of_cv(phi, temperature, 1, 0.3), None),
    ):
        rule = free_rule(node) if name == "reinmax_cv" else over_conditionals(node, k)
        config = {"temperature": temperature, "conditional_samples": k, "eta": 1.0 if printed else 0.3}
        mean, variance = moments(load(name), node, toy, rule, 1, **config)
        assert math.isclose(float(mean), expected[0], rel_tol=1e-9, abs_tol=1e-12)
        assert math.isclose(variance, expected[1], rel_tol=1e-9)
        if printed:
            assert_printed(float(mean), printed[0])
            assert_printed(variance, printed[1])


@pytest.mark.parametrize(("phi", "variance"), [(0.0, "0.0625"), (2.0, "0.0224025")])
def test_reinmax_is_exact_on_the_toy_and_its_children_are_not(phi: float, variance: str) -> None:
    node, gradient = coin(phi), float(exact_gradient(coin(phi), toy))
    mean, found = moments(load("reinmax"), node, toy, over_outcomes(node, 1), 1, temperature=1.0)
    assert math.isclose(float(mean), gradient, rel_tol=1e-12)
    assert_printed(found, variance)
    for temperature in (0.1, 0.3, 0.5, 1.0, 1.5):
        assert abs(of_rao(phi, temperature, 1)[0] - gradient) > 1e-3
        assert abs(of_cv(phi, temperature, 1, 1.0)[0] - gradient) > 5e-4


@pytest.mark.parametrize("phi", [0.0, 2.0])
def test_reinmax_rao_tends_to_half_of_reinmax_on_a_linear_cost(phi: float) -> None:
    """As tau -> 0: 1/2 (D - p)^2 f'(D), in the mean p q / 2 for f(b) = b, whose gradient is p q."""
    p = sigmoid(phi)
    for temperature in (0.02, 0.005):
        given = {b: 2 * jacobian_given(phi, b, temperature)[0] - p * (1 - p) / 2 for b in (1.0, 0.0)}
        assert math.isclose(given[1.0], (1 - p) ** 2 / 2, abs_tol=0.2 * temperature)
        assert math.isclose(given[0.0], p**2 / 2, abs_tol=0.2 * temperature)
    rule = over_conditionals(coin(phi), 1, logistic(width=0.005))
    how = {"temperature": 0.005, "conditional_samples": 1}
    mean, _ = moments(load("reinmax_rao"), coin(phi), lambda b: b.sum(-1), rule, 1, **how)
    assert math.isclose(float(mean), p * (1 - p) / 2, abs_tol=0.2 * 0.005)


@pytest.mark.parametrize("phi", [-3.0, 0.0, 2.0])
def test_the_coin_midway_to_its_outcome_has_the_mean_of_the_two(phi: float) -> None:
    x = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    torch.testing.assert_close(coin(phi).midway(x).probs, (sigmoid(phi) + x) / 2, rtol=1e-13, atol=0)
    classes = torch.eye(3, dtype=torch.float64).unsqueeze(1)
    torch.testing.assert_close(THREE.midway(classes).probs, (THREE.probs + classes) / 2, rtol=1e-13, atol=0)


# ---------------------------------------------------------------- what is refused


def test_bad_parameters_are_named() -> None:
    node, noise = coin(0.5), PhiloxNoise(0, "x", 0, 2)
    for name, config, words in (
        ("gapped_st", {"temperature": 1.0, "gap": -0.5}, r"gap=-0\.5; it must be at least 0"),
        ("decoupled_st", {"temperature": 1.0, "forward_temperature": 0.0}, r"forward_temperature=0\.0; it must be pos"),
        ("imle", {"step": -1.0, "symmetric": True}, r"step=-1\.0; it must be positive"),
    ):
        with pytest.raises(InputError, match=words):
            gradient_draws(load(name), node, toy, noise, 1, **config)
