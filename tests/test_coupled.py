"""Coupled samples: laws of the samples, closed forms of variances, and what one estimator is of another."""

import math
from itertools import combinations, permutations, product

import pytest
import torch
from scipy.stats import chi2
from torch import Tensor

from varbench.estimators import arm, arms, carms, disarm
from varbench.estimators._dirichlet_copula import uniforms
from varbench.estimators.estimator import load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.noise import PhiloxNoise

from . import proofs  # noqa: F401  (enters the rules)
from .coupled_rules import copula_cells, over_swaps
from .exact_moments import (
    RULES,
    Cost,
    assert_printed,
    assert_unbiased,
    assert_variance,
    exact_gradient,
    gradient_draws,
    moments,
    polynomial,
)
from .proofs.coupled import joint_of
from .surrogates import oracle_draws, var_grad

FALSE_FAIL = 1e-6  # of each statistical test, were its seed not fixed
MANY = 20_000  # draws: a chi^2 test of that size catches a cell whose probability is off by 0.03

PHIS = (-3.0, 0.0, 0.5, 2.0)


def tensor(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def coin(phi: float) -> Bernoulli:
    return Bernoulli(tensor(phi))


def toy(target: float) -> Cost:
    return lambda b: (b - target).square().sum(-1)


def choice(*logits: float) -> Categorical:
    return Categorical(tensor(*logits).unsqueeze(0))


def levels(*f: float) -> Cost:
    """A cost of one choice: f_k at class k."""
    return lambda x: (x * tensor(*f)).sum((-1, -2))


def variance_of(name: str, node: Bernoulli | Categorical, cost: Cost, S: int) -> float:
    return moments(load(name), node, cost, RULES[name](node, S), S)[1]


def sigmoid(phi: float) -> float:
    return 1 / (1 + math.exp(-phi))


def assert_has_law(counted: Tensor, probabilities: Tensor) -> None:
    """Assert by a chi^2 test that cells are hit as their probabilities say; those expected less than 10 times are one.

    A right sampler fails with probability 1e-6.
    """
    expected = probabilities * MANY
    assert counted[probabilities == 0].sum() == 0
    rare = expected < 10
    seen = torch.cat([counted[~rare], counted[rare].sum().reshape(1)]).double()
    wanted = torch.cat([expected[~rare], expected[rare].sum().reshape(1)])
    seen, wanted = seen[wanted > 1e-6], wanted[wanted > 1e-6]
    statistic = float(((seen - wanted).square() / wanted).sum())
    assert chi2.sf(statistic, max(len(seen) - 1, 1)) > FALSE_FAIL, f"chi^2 = {statistic} over {len(seen)} cells"


# ---------------------------------------------------------------- the Dirichlet copula


@pytest.mark.parametrize("S", [2, 3, 4])
def test_uniforms_of_the_copula_have_the_probabilities_of_its_cells(S: int) -> None:
    edges = tensor(0.0, 0.2, 0.45, 0.8, 1.0)
    u = uniforms(PhiloxNoise(0, "copula", 0, MANY), S)
    place = 4 ** torch.arange(S)
    index = (torch.bucketize(u, edges[1:-1]) * place).sum(-1)
    cells, _, weights = copula_cells(edges, S)
    probabilities = torch.zeros(4**S, dtype=torch.float64)
    probabilities[(cells * place).sum(-1)] = weights
    assert_has_law(index.bincount(minlength=4**S), probabilities)


@pytest.mark.parametrize("S", [2, 3, 5])
@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.8])
def test_cells_have_the_marginal_and_the_joint_probability_of_the_papers(p: float, S: int) -> None:
    cells, d, weights = copula_cells(tensor(0.0, p, 1.0), S)
    below = cells == 0
    torch.testing.assert_close(weights @ below.double(), torch.full((S,), p).double(), rtol=1e-6, atol=1e-12)
    both = max(2 * p ** (1 / (S - 1)) - 1, 0) ** (S - 1)
    assert math.isclose(float(weights @ (below[:, 0] & below[:, 1]).double()), both, abs_tol=1e-12)
    assert torch.equal((1 - d) ** (S - 1) < p, below)
    torch.testing.assert_close(d.sum(1), torch.ones(len(d), dtype=torch.float64))


# ---------------------------------------------------------------- coins


@pytest.mark.parametrize(("target", "variance"), [(0.45, "2.083e-4"), (0.499, "8.33e-8")])
def test_variance_of_arm_on_the_toy_is_the_published_one(target: float, variance: str) -> None:
    assert_printed(variance_of("arm", coin(0.0), toy(target), 2), variance)


@pytest.mark.parametrize("phi", PHIS)
def test_variance_of_arm_is_its_closed_form(phi: float) -> None:
    p = sigmoid(phi)
    second = 2 / 3 * (1 / 8 - (0.5 - min(p, 1 - p)) ** 3)  # of u - 1/2 where u < m or u > 1 - m
    assert_variance(load("arm"), coin(phi), toy(0.3), 2, 0.4**2 * (second - (p * (1 - p)) ** 2))


def test_disarm_is_the_mean_of_arm_given_the_pair() -> None:
    node = Bernoulli(tensor(0.7, -1.5))
    rule, cost = RULES["arm"](node, 2), polynomial(node, 3)
    assert arm.sample is disarm.sample  # they share points and evaluations
    one, mean = (gradient_draws(load(name), node, cost, rule.noise, 2) for name in ("arm", "disarm"))
    _, which = disarm.sample(node, rule.noise, 2).flatten(1).unique(dim=0, return_inverse=True)
    weights = torch.zeros(int(which.max()) + 1, len(which), dtype=torch.float64)
    weights[which, torch.arange(len(which))] = rule.weights
    torch.testing.assert_close(weights @ one, weights @ mean, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("phi", PHIS)
@pytest.mark.parametrize("S", [2, 3, 4, 6])
def test_variance_of_arms_is_its_closed_form(phi: float, S: int) -> None:
    """On (b - t)^2 a draw is Delta k (S - k) / (S (S - 1)) p q / (m - P(m)), k samples of S on the rarer side."""
    m = min(sigmoid(phi), sigmoid(-phi))
    a = 1 - m ** (1 / (S - 1))

    def probability(k: int) -> float:
        terms = (
            (-1) ** j * math.comb(S - k, j) * max(1 - (k + j) * a, 0) ** (S - 1) for j in range(S - k + 1)
        )  # k given samples have d_i > a, and no other
        return math.comb(S, k) * sum(terms)

    both = max(1 - 2 * a, 0) ** (S - 1)
    draws = [0.4 * k * (S - k) / (S * (S - 1)) * m * (1 - m) / (m - both) for k in range(S + 1)]
    second = sum(probability(k) * g**2 for k, g in enumerate(draws))
    assert_variance(load("arms"), coin(phi), toy(0.3), S, second - (0.4 * m * (1 - m)) ** 2)


@pytest.mark.parametrize("phi", PHIS)
def test_arms_with_two_samples_is_disarm(phi: float) -> None:
    """In law, and at the same points draw by draw."""
    node = Bernoulli(tensor(phi, -0.4))
    noise = PhiloxNoise(0, "arms", 0, 64)
    points = arms.sample(node, noise, 2)
    two, one = (gradient_draws(load(name), node, polynomial(node, 3), noise, 2, points) for name in ("arms", "disarm"))
    torch.testing.assert_close(two, one, rtol=1e-12, atol=1e-14)
    assert math.isclose(
        variance_of("arms", node, polynomial(node, 3), 2),
        variance_of("disarm", node, polynomial(node, 3), 2),
        rel_tol=1e-11,
    )


@pytest.mark.parametrize("S", [2, 3, 4])
@pytest.mark.parametrize("phi", [-1.5, 0.0, 1.0])
def test_points_of_arms_have_the_joint_law(phi: float, S: int) -> None:
    m = min(sigmoid(phi), sigmoid(-phi))
    cells, _, weights = copula_cells(tensor(0.0, m, 1.0), S)
    b = arms.sample(coin(phi), PhiloxNoise(0, "points", 0, MANY), S).squeeze(-1)
    place = 2 ** torch.arange(S)
    ones = (cells == 0) if phi < 0 else (cells == 1)
    probabilities = torch.zeros(2**S, dtype=torch.float64)
    probabilities[(ones * place).sum(-1)] = weights
    assert_has_law((b.long() * place).sum(-1).bincount(minlength=2**S), probabilities)


def test_variance_of_arms_falls_faster_than_that_of_rloo() -> None:
    node = Bernoulli(tensor(0.3, -0.8))
    for S in (2, 3, 4):
        assert variance_of("arms", node, toy(0.3), S) < variance_of("rloo", node, toy(0.3), S)


@pytest.mark.parametrize("logits", [(2.0,), (2.0, -0.7), (2.0, -0.7, 0.3)])
def test_variance_of_bitflip1_on_a_sum_is_its_closed_form(logits: tuple[float, ...]) -> None:
    """Coordinate d is D p q Delta with probability 1/D, else 0: (D - 1) sum_d (p q Delta)^2; exact on one coin."""
    expected = sum((sigmoid(phi) * sigmoid(-phi) * 0.4) ** 2 for phi in logits) * (len(logits) - 1)
    assert_variance(load("bitflip1"), Bernoulli(tensor(*logits)), toy(0.3), 2, expected)


@pytest.mark.parametrize("phi", [-4.0, -1.2])
def test_variance_of_ugc_on_a_sum_is_its_closed_form(phi: float) -> None:
    """The rare coin, p < 1/4, is bitflip-1's, the fair one disarm's: Delta^2 ((p q)^2 + p / 8)."""
    p = sigmoid(phi)
    expected = 0.4**2 * ((p * (1 - p)) ** 2 + p / 8)
    assert_variance(load("ugc"), Bernoulli(tensor(phi, 0.0)), toy(0.3), 2, expected)


def test_ugc_varies_less_than_disarm_on_rare_coins_but_not_on_every_cost() -> None:
    node = Bernoulli(tensor(-4.0, -3.0))
    assert variance_of("ugc", node, toy(0.3), 2) < variance_of("disarm", node, toy(0.3), 2) / 5
    node = Bernoulli(tensor(-4.0, 0.0))  # both coins turn over wherever the first does, and b_1 = b_2 stays as it was

    def alike(b: Tensor) -> Tensor:
        return (b[..., 0] - b[..., 1]).square()

    p = sigmoid(-4.0)
    assert_variance(load("ugc"), node, alike, 2, (p * (1 - p)) ** 2 * 2 + (1 - 2 * p) / 16 - (1 - 2 * p) ** 2 / 16)
    assert variance_of("ugc", node, alike, 2) > variance_of("disarm", node, alike, 2)


# ---------------------------------------------------------------- choices: CARMS


@pytest.mark.parametrize("K", range(2, 10))
def test_every_pair_of_classes_stands_at_the_two_ends_once(K: int) -> None:
    table = carms.orders(K, torch.device("cpu")).tolist()
    assert all(sorted(order) == list(range(K)) for order in table)
    ends = sorted(tuple(sorted((order[0], order[-1]))) for order in table)
    assert ends == list(combinations(range(K), 2))


@pytest.mark.parametrize("S", [2, 3, 4])
def test_joint_probabilities_have_their_marginal_and_leave_no_pair_out(S: int) -> None:
    node = Categorical(tensor(0.3, -1.2, 0.8, 2.0, 0.0, 4.0, -3.0, 1.0).reshape(2, 4))
    P = carms.joint(node, S)
    torch.testing.assert_close(P.sum(-1), node.probs, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(P, P.mT, rtol=0, atol=1e-15)
    assert (P + torch.eye(4) > 0).all()


def test_joint_probabilities_are_found_in_double_precision() -> None:
    node = choice(0.3, -6.0, -7.5, 2.0)
    single = Categorical(node.logits.float())
    exact = carms.joint(Categorical(single.logits.double()), 3)
    torch.testing.assert_close(carms.joint(single, 3), exact, rtol=1e-12, atol=0)
    assert carms._weights(single, 3).dtype == torch.float32
    assert not carms._weights(node, 3).diagonal(dim1=-2, dim2=-1).any()  # equal classes: their terms cancel


def test_in_one_order_no_weights_would_do() -> None:
    """Two samples in one order of three classes: whatever the probabilities, some pair of classes never meets."""
    for p in ((1 / 3, 1 / 3, 1 / 3), (0.6, 0.3, 0.1), (0.1, 0.3, 0.6), (0.3, 0.5, 0.2)):
        edges = tensor(0.0, p[0], p[0] + p[1], 1.0)
        cells, _, _ = copula_cells(edges, 2)
        met = {tuple(cell) for cell in cells.tolist()}
        assert set(permutations(range(3), 2)) - met


@pytest.mark.parametrize("S", [2, 3])
@pytest.mark.parametrize("logits", [(0.0, 0.0, 0.0), (0.3, -1.2, 0.8, 1.0)])
def test_points_of_carms_have_the_joint_law(logits: tuple[float, ...], S: int) -> None:
    node, K = choice(*logits), len(logits)
    x = carms.sample(node, PhiloxNoise(0, "points", 0, MANY), S).squeeze(2)
    pair = x[:, 0].argmax(-1) * K + x[:, 1].argmax(-1)
    expected = torch.tensor(joint_of(node.probs[0].tolist(), S), dtype=torch.float64).flatten().clamp(min=0)
    assert_has_law(pair.bincount(minlength=K * K), torch.where(expected < 1e-12, 0, expected))


@pytest.mark.parametrize("logits", [(0.7, 0.0), (0.0, 0.0, 0.0), (1.0, -0.5, 0.2), (0.3, -1.2, 0.8, 2.0)])
def test_variance_of_carms_with_two_samples_is_its_sum_over_pairs(logits: tuple[float, ...]) -> None:
    """A draw is r (f_k - f_l) (e_k - e_l) / 2, so its second moment is 1/2 sum_kl (p_k p_l (f_k - f_l))^2 / P_kl."""
    node, K = choice(*logits), len(logits)
    f, p = [0.5, -1.0, 2.0, 0.3][:K], node.probs[0].tolist()
    P = joint_of(p, 2)
    second = sum((p[k] * p[j] * (f[k] - f[j])) ** 2 / P[k][j] for k, j in permutations(range(K), 2)) / 2
    gradient = exact_gradient(node, levels(*f))
    assert_variance(load("carms"), node, levels(*f), 2, second - float(gradient.square().sum()))


# ---------------------------------------------------------------- choices: sticks and swaps


@pytest.mark.parametrize("name", ["carms", "stick_breaking_disarm"])
@pytest.mark.parametrize("phi", PHIS)
def test_on_two_classes_antithetic_pairs_are_those_of_disarm(phi: float, name: str) -> None:
    """The two entries of a draw are opposite, so its variance is twice that of the coin."""
    assert_variance(
        load(name),
        choice(phi, 0.0),
        levels(0.3, -1.0),
        2,
        2 * variance_of("disarm", coin(phi), lambda b: 1.3 * b.sum(-1), 2),
    )


@pytest.mark.parametrize("logits", [(1.0, -0.5, 0.2), (-2.0, 0.7, 0.1), (0.0, 0.0, 0.0)])
def test_variance_of_stick_breaking_disarm_is_its_sum_over_pairs_of_choices(logits: tuple[float, ...]) -> None:
    """Three classes, by what the two sticks (s, t) of both samples show, written out."""
    f, p = (0.5, -1.0, 2.0), [float(x) for x in torch.softmax(tensor(*logits), 0)]
    s, t = p[0], p[1] / (p[1] + p[2])

    def joint(s: float) -> dict[tuple[int, int], float]:
        low = min(s, 1 - s)
        same = abs(1 - 2 * s)
        return {(1, 0): low, (0, 1): low, (int(s > 0.5), int(s > 0.5)): same}

    second = 0.0
    for ((a, a_), w), ((b, b_), v) in product(joint(s).items(), joint(t).items()):
        z, z_ = (0 if x else 1 if y else 2 for x, y in ((a, b), (a_, b_)))
        first = (a - a_) * max(s, 1 - s)
        if a == 1 and a_ == 1:
            later = 0.0
        elif a == 1:
            later = -(b_ - t)
        elif a_ == 1:
            later = b - t
        else:
            later = (b - b_) * max(t, 1 - t)
        g, h = (x * (f[z] - f[z_]) / 2 for x in (first, later))
        draw = (g, h - g * (1 - s) ** -1 * p[1], -h - g * (1 - s) ** -1 * p[2])  # by d log s/(1-s), d log t/(1-t)
        second += w * v * sum(x * x for x in draw)
    node = choice(*logits)
    gradient = exact_gradient(node, levels(*f))
    assert_variance(load("stick_breaking_disarm"), node, levels(*f), 2, second - float(gradient.square().sum()))


def test_variance_of_stick_breaking_disarm_depends_on_the_order_of_the_classes() -> None:
    found = {
        round(
            variance_of("stick_breaking_disarm", choice(*(x for x, _ in order)), levels(*(f for _, f in order)), 2), 12
        )
        for order in permutations(((1.0, 0.5), (-0.5, -1.0), (0.2, 2.0)))
    }
    assert len(found) > 1


@pytest.mark.parametrize("name", ["ars", "arsm"])
@pytest.mark.parametrize("phi", PHIS)
def test_on_two_classes_swaps_are_arm(phi: float, name: str) -> None:
    """Both entries of a draw are that of the coin but for the sign, so the variance is twice its."""
    node = choice(phi, 0.0)
    rule = over_swaps(name, node, 1, spread=True)
    mean, variance = moments(load(name), node, levels(0.3, -1.0), rule, 1)
    torch.testing.assert_close(mean, exact_gradient(node, levels(0.3, -1.0)), rtol=1e-11, atol=1e-13)
    expected = 2 * variance_of("arm", coin(phi), lambda b: 1.3 * b.sum(-1), 2)
    assert math.isclose(variance, expected, rel_tol=1e-10)


@pytest.mark.parametrize("name", ["ars", "arsm"])
def test_variance_of_swaps_is_that_on_a_grid(name: str) -> None:
    """Three classes, a million midpoints of the triangle: what the grid leaves out is below 1 part in 1000."""
    node, f = choice(1.0, -0.5, 0.2), tensor(0.5, -1.0, 2.0)
    _, variance = moments(load(name), node, levels(*f.tolist()), over_swaps(name, node, 1, spread=True), 1)
    side = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    u, v = torch.cartesian_prod(side, side).unbind(-1)
    pi = torch.stack([1 - u.sqrt(), u.sqrt() * (1 - v), u.sqrt() * v], -1)
    given_j = []
    for j in range(3):
        F = []
        for m in range(3):
            swapped = pi.clone()
            swapped[:, [m, j]] = pi[:, [j, m]]
            F.append(f[(swapped * torch.exp(-node.logits[0])).argmin(-1)])
        at = torch.stack(F, -1)
        given_j.append((at - at.mean(-1, keepdim=True)) * (1 - 3 * pi[:, j : j + 1]))
    draws = sum(given_j) / 3 if name == "arsm" else torch.cat(given_j)
    assert math.isclose(variance, float(draws.var(0, correction=0).sum()), rel_tol=1e-3)


def test_arsm_varies_less_than_ars() -> None:
    node = Categorical(tensor(1.0, -0.5, 0.2, -2.0, 0.7, 0.1).reshape(2, 3))
    ars, arsm = (
        moments(load(name), node, polynomial(node, 3), over_swaps(name, node, 1, spread=True), 1)[1]
        for name in ("ars", "arsm")
    )
    assert arsm < ars


# ---------------------------------------------------------------- second names


@pytest.mark.parametrize("batch", [(), (2,)])
def test_u2g_as_published_is_disarm(batch: tuple[int, ...]) -> None:
    """Yin et al. 2020: 1/2 (f(b) - f(b~)) sigmoid(|phi|) (b - b~), b and b~ as their uniforms give them there."""
    noise = PhiloxNoise(0, "u2g", 0, 50)
    node = Bernoulli(2 * PhiloxNoise(1, "u2g", 0, 1).normal(*batch, 3)[0])
    cost = polynomial(node, 3)
    u = noise.uniform(2, *node.logits.shape)
    first, second = (u > torch.sigmoid(-node.logits)).double(), (u < torch.sigmoid(node.logits)).double()
    published = ((cost(first) - cost(second)).unsqueeze(-1) / 2 * node.logits.abs().sigmoid() * (first - second)).mean(
        1
    )
    draws = gradient_draws(load("u2g"), node, cost, noise, 4)
    torch.testing.assert_close(draws, published, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["loorf", "vargrad"])
@pytest.mark.parametrize("S", [2, 3])
def test_second_names_of_rloo_are_the_gradient_of_half_the_sample_variance(name: str, S: int) -> None:
    node, noise = Categorical(tensor(1.0, -0.5, 0.2, -2.0, 0.7, 0.1).reshape(2, 3)), PhiloxNoise(0, "rloo", 0, 50)
    estimator, cost = load(name), polynomial(Categorical(torch.zeros(2, 3, dtype=torch.float64)), 3)
    points = estimator.sample(node, noise, S)
    draws = gradient_draws(estimator, node, cost, noise, S, points)
    torch.testing.assert_close(draws, oracle_draws(var_grad, node, cost, noise, points), rtol=1e-11, atol=1e-12)
    assert_unbiased(estimator, node, cost, S)


# ---------------------------------------------------------------- evaluations


@pytest.mark.parametrize(("name", "S", "P"), [("arm", 4, 4), ("bitflip1", 4, 4), ("ugc", 4, 6), ("arms", 3, 3)])
def test_points_of_coins_are_counted(name: str, S: int, P: int) -> None:
    node = Bernoulli(tensor(2.0, -0.7, 0.3))
    assert load(name).sample(node, PhiloxNoise(0, "count", 0, 5), S).shape == (5, P, 3)


@pytest.mark.parametrize(
    ("name", "S", "P"), [("carms", 3, 3), ("stick_breaking_disarm", 4, 4), ("ars", 2, 8), ("arsm", 2, 14)]
)
def test_points_of_choices_are_counted(name: str, S: int, P: int) -> None:
    node = Categorical(torch.zeros(2, 3, 4, dtype=torch.float64))
    assert load(name).sample(node, PhiloxNoise(0, "count", 0, 5), S).shape == (5, P, 2, 3, 4)
