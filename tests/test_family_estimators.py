"""Estimators on the further families: exact means and variances of one draw, without sampling error."""

import math
from itertools import product as pairs

import numpy as np
import pytest
import torch
from scipy import special

from varbench.estimators.catalogue import CATALOGUE
from varbench.estimators.errors import InputError
from varbench.estimators.estimator import load
from varbench.estimators.families._gamma_halves import halves
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.gamma import Gamma
from varbench.estimators.families.geometric import Geometric
from varbench.estimators.families.laplace import Laplace
from varbench.estimators.families.multivariate_normal import MultivariateNormal
from varbench.estimators.families.poisson import Poisson
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from . import proofs  # noqa: F401  (enters the rules)
from .exact_moments import (
    RULES,
    FixedNoise,
    Rule,
    exact_gradient,
    gradient_draws,
    law,
    legendre,
    logistic,
    moments,
    polynomial,
)
from .family_nodes import FAMILY_NODES, TWO_OF_A_FAMILY, tensor

UNBIASED = ("reinforce", "rloo", "reparameterization", "implicit", "go", "measure_valued", "enumerate")
ROWS = 400_000  # of a rule: more are not tried


def sizes(name: str, node: Node) -> list[int]:
    least = CATALOGUE[name].min_samples
    return [S for S in (least, least + 1) if len(RULES[name](node, 1).weights) ** S <= ROWS]


@pytest.mark.parametrize(
    ("name", "node"),
    [
        pytest.param(name, node, id=f"{name}-{label}-{family}")
        for name in UNBIASED
        for label, nodes in (("one", FAMILY_NODES), ("two", TWO_OF_A_FAMILY))
        for family, node in nodes.items()
        if family in CATALOGUE[name].families
    ],
)
def test_mean_is_the_exact_gradient(name: str, node: Node) -> None:
    cost = polynomial(node, 3)
    expected = exact_gradient(node, cost)
    scale = max(1.0, float(expected.abs().max()))
    for S in (1,) if name == "enumerate" else sizes(name, node):
        mean, _ = moments(load(name), node, cost, RULES[name](node, S), S)
        torch.testing.assert_close(mean, expected, rtol=0, atol=1e-10 * scale)


def test_every_pair_of_estimator_and_family_has_its_mean_proven() -> None:
    """Two points of two variables, or of a simplex of three, may be too wide a rule; of the other node not."""
    for name in UNBIASED:
        for family in set(CATALOGUE[name].families) & set(FAMILY_NODES):
            nodes = [FAMILY_NODES[family], TWO_OF_A_FAMILY[family]]
            assert name == "enumerate" or any(sizes(name, node) for node in nodes), (name, family)


# ---------------------------------------------------------------- variances in closed form


def variance(name: str, node: Node, cost, S: int = 1, part: int | None = None, **config) -> float:
    tie = None if part is None else torch.eye(node.theta.numel(), dtype=torch.float64)[part : part + 1]
    return moments(load(name), node, cost, RULES[name](node, S), S, tie=tie, **config)[1]


@pytest.mark.parametrize("rate", [0.6, 4.0])
def test_variances_on_a_poisson_count(rate: float) -> None:
    """f = (x - k)^2: the difference is 2 x + 1 - 2 k, of variance 4 r; f = x with the score: by the moments of x."""
    node = Poisson(tensor(rate))
    for name in ("go", "measure_valued"):
        assert math.isclose(variance(name, node, lambda x: (x - 3).square().sum(-1)), 4 * rate, rel_tol=1e-10)
    r = rate
    second, third, fourth = r + r**2, r + 3 * r**2 + r**3, r + 7 * r**2 + 6 * r**3 + r**4
    expected = (fourth - 2 * r * third + r**2 * second) / r**2 - 1
    assert math.isclose(variance("reinforce", node, lambda x: x.sum(-1)), expected, rel_tol=1e-9)


@pytest.mark.parametrize("phi", [0.0, 0.8, 2.0])
def test_variance_of_go_on_a_geometric_count(phi: float) -> None:
    """f = x: -(x + 1) q, of variance q^2 q / p^2."""
    p = 1 / (1 + math.exp(-phi))
    q = 1 - p
    assert math.isclose(variance("go", Geometric(tensor(phi)), lambda x: x.sum(-1)), q**3 / p**2, rel_tol=1e-9)


@pytest.mark.parametrize("phi", [-3.0, 0.0, 2.0])
def test_variance_of_go_on_a_coin(phi: float) -> None:
    """(b - t)^2, Delta = 1 - 2 t: p Delta where b = 0, so Delta^2 p^3 q."""
    p = 1 / (1 + math.exp(-phi))
    cost = lambda b: (b - 0.3).square().sum(-1)  # noqa: E731
    assert math.isclose(variance("go", Bernoulli(tensor(phi)), cost), 0.4**2 * p**3 * (1 - p), rel_tol=1e-11)


def test_go_is_the_measure_valued_estimator_of_a_poisson_rate() -> None:
    node, noise = TWO_OF_A_FAMILY["poisson"], PhiloxNoise(0, "equal", 0, 50)
    cost = polynomial(node, 3)
    go, measure = (gradient_draws(load(name), node, cost, noise, 3) for name in ("go", "measure_valued"))
    torch.testing.assert_close(go, measure, rtol=1e-13, atol=1e-13)


def test_variances_of_implicit_on_a_gamma_variable() -> None:
    """f = x: -x / r in the rate, of variance a / r^4; dx/da in the concentration, by quantiles differenced in u."""
    a, r = 1.7, 1.3
    node = Gamma(tensor(a, r).reshape(2, 1))
    total = lambda x: x.sum(-1)  # noqa: E731
    assert math.isclose(variance("implicit", node, total, part=1), a / r**4, rel_tol=1e-10)
    u, w = (t.numpy() for t in logistic())
    h = 1e-3
    stencil = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
    dx = sum(c * (special.gammaincinv(a + i * h, u) - special.gammaincinv(a - i * h, u)) for i, c in stencil) / h / r
    expected = float((w * dx**2).sum() - (w * dx).sum() ** 2)
    assert math.isclose(variance("implicit", node, total, part=0), expected, rel_tol=1e-8)


@pytest.mark.parametrize("a", [0.05, 0.7, 1.7, 30.0])
def test_the_halves_of_a_gamma_law_are_its_derivative_in_the_concentration(a: float) -> None:
    """h^-1 (E f(y+) - E f(y-)) = E f(y) (log y - digamma(a)) for f = y, y^2, log y: 1, 2 a + 1, trigamma(a).

    By quadrature over the uniform, to 1e-8; and h^-1 = E (log y - digamma(a))^+ by quadrature over y.
    """
    u, w = logistic()
    node = Gamma(tensor(a, 1.0).reshape(2, 1))
    h = float(node.weak_spacing[0])
    plus, minus = halves(tensor(a), u)
    assert (plus > minus).all()
    for f, expected in ((lambda y: y, 1.0), (torch.square, 2 * a + 1), (torch.log, special.polygamma(1, a))):
        assert math.isclose(float(w @ (f(plus) - f(minus))) / h, expected, rel_tol=1e-8)
    log_y, w = legendre(torch.linspace(special.digamma(a), 6, 60, dtype=torch.float64))
    p = (a * log_y - log_y.exp() - math.lgamma(a)).exp()
    assert math.isclose(1 / h, float(w @ (p * (log_y - special.digamma(a)))), rel_tol=1e-10)


@pytest.mark.parametrize("a", [0.02, 1.7, 1e6])
@pytest.mark.parametrize("level", [1e-300, 1e-9, 0.5, 1 - 2**-53])
def test_the_halves_are_found_at_extreme_levels(a: float, level: float) -> None:
    plus, minus = (float(y) for y in halves(tensor(a), tensor(level)))
    assert 0 < minus <= math.exp(special.digamma(a)) * (1 + 1e-6)
    assert math.exp(special.digamma(a)) * (1 - 1e-6) <= plus < math.inf


def test_variances_of_measure_valued_on_a_gamma_variable() -> None:
    """f = x: in the rate (a / r) (-E / r), of variance a^2 / r^4; in the concentration (y+ - y-) / (h r)."""
    a, r = 1.7, 1.3
    node = Gamma(tensor(a, r).reshape(2, 1))
    total = lambda x: x.sum(-1)  # noqa: E731
    assert math.isclose(variance("measure_valued", node, total, part=1), a**2 / r**4, rel_tol=1e-10)
    log_y, centre, step = np.linspace(-60, math.log(60), 400_001), special.digamma(a), 0.02
    stencil = enumerate((4 / 5, -1 / 5, 4 / 105, -1 / 280), 1)
    shifted = lambda i: special.gammainc(a - i * step, np.exp(log_y)) - special.gammainc(a + i * step, np.exp(log_y))  # noqa: E731
    g = sum(c * shifted(i) for i, c in stencil) / step
    u, w = (t.numpy() for t in logistic())
    above, below = log_y > centre, log_y < centre
    plus = np.exp(np.interp(u, 1 - g[above] / g.max(), log_y[above]))
    minus = np.exp(np.interp(u, g[below] / g.max(), log_y[below]))
    expected = (g.max() / r) ** 2 * (w @ (plus - minus) ** 2) - 1 / r**2
    assert math.isclose(variance("measure_valued", node, total, part=0), expected, rel_tol=1e-5)


def test_the_implicit_derivative_of_a_dirichlet_is_the_mean_of_that_through_gammas() -> None:
    """Given x the Gammas' sum G is a Gamma(A) variable: dx_j/da_k = (1[j = k] - x_j) / G dg_k/da_k at g = G x."""
    from varbench.estimators.families.gamma import shape_derivative

    node = FAMILY_NODES["dirichlet"]
    a, x = node.theta[0], tensor(0.2, 0.5, 0.3)
    v = tensor(0.7, -0.4, 1.1)
    edges = torch.linspace(-8, 5, 60, dtype=torch.float64)
    log_G, w = legendre(edges, 12)
    G = log_G.exp()
    p = torch.distributions.Gamma(a.sum(), tensor(1)[0]).log_prob(G).exp() * w * G
    dg = shape_derivative(a, G.unsqueeze(-1) * x)
    expected = (p.unsqueeze(-1) * dg / G.unsqueeze(-1)).sum(0) * (v - (v * x).sum())
    torch.testing.assert_close(node.pathwise(x.reshape(1, 3), v.reshape(1, 3))[0], expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("k", [0.0, 2.0])
def test_variances_of_reparameterization_on_the_square_of_a_laplace_variable(k: float) -> None:
    """With c = 1 - k: 2 (c + z) in the location, of variance 8; 2 (c + z) z in the scale, of variance 8 c^2 + 80."""
    node, c = Laplace(torch.ones(2, 1, dtype=torch.float64)), 1 - k
    cost = lambda x: (x - k).square().sum(-1)  # noqa: E731
    assert math.isclose(variance("reparameterization", node, cost, part=0), 8, rel_tol=1e-10)
    assert math.isclose(variance("reparameterization", node, cost, part=1), 8 * c**2 + 80, rel_tol=1e-10)


def test_variance_of_reparameterization_on_a_normal_vector() -> None:
    """f = (x_1 + x_2)^2: 2 s in each mu_i and 2 s e_j in L_ij, s = m + l^T e Normal, l = L^T 1.

    Var s = |l|^2, Var s e_j = m^2 + |l|^2 + l_j^2.
    """
    node = FAMILY_NODES["multivariate_normal"]
    m, (a, b, c) = float(node.theta[:2].sum()), node.theta[2:].tolist()
    l1, l2 = a + b, c
    square = l1**2 + l2**2
    expected = 4 * (2 * square + 2 * (m**2 + square + l1**2) + (m**2 + square + l2**2))
    found = variance("reparameterization", node, lambda x: x.sum(-1).square())
    assert math.isclose(found, expected, rel_tol=1e-10)
    diagonal = MultivariateNormal.of(node.loc, torch.diag(tensor(1.2, 0.8)))
    assert variance("reparameterization", diagonal, lambda x: x.sum(-1).square()) != expected


def test_variance_of_rloo_on_subsets_is_its_sum_over_pairs() -> None:
    node = FAMILY_NODES["subset"]
    cost = polynomial(node, 2)
    x = node.outcomes()
    p = law(node).log_prob(x).exp()
    mean = p @ x
    f = cost(x)
    draws, weights = [], []
    for i, j in pairs(range(len(x)), repeat=2):
        draws.append(((f[i] - f[j]) * (x[i] - mean) + (f[j] - f[i]) * (x[j] - mean)) / 2)
        weights.append(p[i] * p[j])
    w, g = torch.stack(weights), torch.stack(draws)
    centre = w @ g
    expected = float(w @ (g - centre).square().sum(-1))
    rule = RULES["rloo"](node, 2)
    assert math.isclose(moments(load("rloo"), node, cost, rule, 2)[1], expected, rel_tol=1e-11)


# ---------------------------------------------------------------- generalised Gumbel-Softmax


def two_outcomes(node: Node) -> tuple[float, float]:
    """Return P(x = 0) and its derivative in theta."""
    leaf = node.theta.clone().requires_grad_()
    q = law(node, leaf).log_prob(tensor(0)).exp()
    (slope,) = torch.autograd.grad(q, leaf)
    return float(q.detach()), float(slope)


@pytest.mark.parametrize("family", ["poisson", "geometric"])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
def test_moments_of_two_relaxed_outcomes_are_their_integrals(family: str, temperature: float) -> None:
    """y = sigmoid((z) / tau), z = logit P(x > 0) + L: mean and variance by the density of z and by dz/dtheta alone."""
    node = FAMILY_NODES[family]
    cost = lambda y: (y - 0.2).pow(3).sum(-1)  # noqa: E731
    q, slope = two_outcomes(node)
    centre, moved = math.log((1 - q) / q), -slope / (q * (1 - q))  # of z, and its derivative in theta
    u, w = logistic(split=-centre, width=min(temperature, 1.0))
    noise = FixedNoise(len(u), exponential_x=torch.stack([1 - u, u], -1).reshape(-1, 1, 1, 2))
    config = {"temperature": temperature, "truncation": 2}
    estimator = load("generalized_gumbel_softmax")
    mean, var = moments(estimator, node, cost, Rule(w, noise), 1, **config)
    L = torch.log1p(-u) - u.log()
    y = torch.sigmoid((centre + L) / temperature)
    by_density = float((w * (y - 0.2).pow(3) * (1 - 2 * u)).sum()) * moved  # -rho'/rho = 1 - 2 u
    assert math.isclose(float(mean), by_density, rel_tol=1e-9)
    draws = 3 * (y - 0.2).square() * y * (1 - y) / temperature * moved
    assert math.isclose(var, float(w @ draws.square() - (w @ draws).square()), rel_tol=1e-9)


@pytest.mark.parametrize("family", ["poisson", "geometric"])
def test_the_truncated_law_sums_to_one_and_its_tail_moves_with_it(family: str) -> None:
    node = TWO_OF_A_FAMILY[family]
    for size in (2, 3, 10):
        log_q, score = node.truncated(size)
        torch.testing.assert_close(log_q.exp().sum(-1), torch.ones(2, dtype=torch.float64), rtol=1e-12, atol=0)
        torch.testing.assert_close((log_q.exp() * score).sum(-1), torch.zeros(2).double(), rtol=0, atol=1e-12)


def test_a_truncation_to_one_outcome_is_refused() -> None:
    node = FAMILY_NODES["poisson"]
    with pytest.raises(InputError, match=r"truncation=1.*at least 2"):
        load("generalized_gumbel_softmax").sample(node, PhiloxNoise(0, "p", 0, 1), 1, temperature=1.0, truncation=1)
