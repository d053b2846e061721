"""The further families: laws, draws, scores, derivatives of samples, extremes, and what is refused."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from scipy import stats

from varbench.bench.proof.laws import support, tril
from varbench.estimators.catalogue import CATALOGUE
from varbench.estimators.errors import InputError
from varbench.estimators.estimator import keywords, load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.beta import Beta, first_derivative
from varbench.estimators.families.dirichlet import Dirichlet
from varbench.estimators.families.gamma import Gamma, shape_derivative
from varbench.estimators.families.geometric import Geometric
from varbench.estimators.families.laplace import Laplace
from varbench.estimators.families.logistic import Logistic
from varbench.estimators.families.multivariate_normal import MultivariateNormal
from varbench.estimators.families.poisson import Poisson
from varbench.estimators.families.student_t import StudentT, df_derivative
from varbench.estimators.families.subset import Subset
from varbench.estimators.families.von_mises import VonMises, concentration_derivative
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from . import proofs  # noqa: F401  (enters the parameters tried)
from .exact_moments import FixedNoise, law
from .family_nodes import FAMILY_NODES, TWO_OF_A_FAMILY, node_of_family, tensor
from .surrogates import TRIED
from .test_nodes import FALSE_FAIL, INF, MANY, noise

FAMILIES = list(FAMILY_NODES)
ALL = [pytest.param(node, id=name) for name, node in FAMILY_NODES.items()] + [
    pytest.param(node, id=f"two_of_{name}") for name, node in TWO_OF_A_FAMILY.items()
]


def batch(family: str, dtype: torch.dtype = torch.float64) -> Node:
    return node_of_family(family, (2,), dtype, PhiloxNoise(3, family, 0, 1))


# ---------------------------------------------------------------- the law


@pytest.mark.parametrize("family", FAMILIES)
def test_log_prob_is_torchs_or_its_formula(family: str) -> None:
    node = batch(family)
    x = node.draw(noise(5), 4)
    assert x.shape == (5, 4, 2, *node.event_shape)
    torch.testing.assert_close(node.log_prob(x), law(node).log_prob(x), rtol=1e-11, atol=1e-11)
    with_one = x[:, :, :1]
    torch.testing.assert_close(node.log_prob(with_one), law(node).log_prob(with_one), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("family", FAMILIES)
def test_score_is_the_derivative_of_log_prob(family: str) -> None:
    node = batch(family)
    x = node.draw(noise(5), 4)
    for log_prob in (lambda leaf: law(node, leaf).log_prob(x), lambda leaf: node.with_theta(leaf).log_prob(x)):
        leaf = node.theta.expand(5, 4, *node.theta.shape).clone().requires_grad_()
        log_prob(leaf).sum().backward()
        torch.testing.assert_close(node.score(x), leaf.grad, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("node", ALL)
def test_the_density_integrates_to_one_and_its_score_to_zero(node: Node) -> None:
    x, volumes = support(node)
    weights = node.log_prob(x).exp() * volumes
    assert math.isclose(float(weights.sum()), 1, rel_tol=1e-11)
    mean_score = (weights.reshape(-1, *(1,) * (node.theta.ndim)) * node.score(x)).sum(0)
    torch.testing.assert_close(mean_score, torch.zeros_like(mean_score), rtol=0, atol=1e-10)


# ---------------------------------------------------------------- draws, pushed through a grid of noise

LEVELS = torch.tensor([1e-12, 1e-5, 0.02, 0.3, 0.4999, 0.5001, 0.8, 0.999, 1 - 1e-9], dtype=torch.float64)
CONTINUOUS = {
    "laplace": (tensor(0.5, 1.3), stats.laplace),
    "logistic": (tensor(0.5, 1.3), stats.logistic),
    "student_t": (tensor(0.5, 1.3, 2.5), lambda m, s, nu: stats.t(nu, m, s)),
    "gamma": (tensor(0.7, 1.3), lambda a, r: stats.gamma(a, scale=1 / r)),
    "beta": (tensor(0.7, 2.3), stats.beta),
}
KINDS = {"laplace": Laplace, "logistic": Logistic, "student_t": StudentT, "gamma": Gamma, "beta": Beta}


@pytest.mark.parametrize("family", CONTINUOUS)
def test_a_draw_is_the_quantile_of_its_uniform(family: str) -> None:
    theta, made = CONTINUOUS[family]
    node = KINDS[family](theta.reshape(-1, 1))
    x = node.draw(FixedNoise(len(LEVELS), uniform_x=LEVELS.reshape(-1, 1, 1)), 1).flatten()
    levels = 1 - LEVELS if family == "logistic" else LEVELS
    expected = torch.as_tensor(made(*theta.tolist()).ppf(levels.numpy()))
    if family == "logistic":  # of 1 - u, which numpy rounds
        expected = theta[0] + theta[1] * (torch.log1p(-LEVELS) - LEVELS.log())
    torch.testing.assert_close(x, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("k", [1e-6, 0.5, 3.0, 200.0, 1e6])
def test_an_angle_is_the_quantile_of_its_uniform(k: float) -> None:
    """P(|Y| > y) by quadrature in thirty digits."""
    node = VonMises(tensor(0.0, k).reshape(2, 1))
    u = tensor(1e-9, 0.1, 0.4, 0.9)
    y = node.draw(FixedNoise(4, uniform_x=u.reshape(-1, 1, 1)), 1).flatten()
    for level, found in zip(u.tolist(), y.abs().tolist(), strict=True):
        edges = [mp.mpf(found) + j * 3 / mp.sqrt(k) for j in range(6)]
        edges = [edge for edge in edges if edge < mp.pi] + [mp.pi]
        tail = mp.quad(lambda t: mp.exp(-2 * k * mp.sin(t / 2) ** 2), edges)
        whole = 2 * mp.quad(
            lambda t: mp.exp(-2 * k * mp.sin(t / 2) ** 2), [min(j * 3 / mp.sqrt(k), mp.pi) for j in range(7)] + [mp.pi]
        )
        rounding = 1e-15 / min(level, 1 - level)  # of an angle next to pi
        assert math.isclose(float(tail / whole), min(level, 1 - level), rel_tol=1e-10 + rounding)
    assert (y.sign() == tensor(-1, -1, -1, 1)).all()


def test_angles_are_wrapped_about_their_location() -> None:
    node = VonMises(tensor(3.0, 0.2).reshape(2, 1))
    x = node.draw(noise(2000), 1)
    assert ((x >= -math.pi) & (x < math.pi)).all()
    assert stats.kstest(torch.remainder(x - 3.0 + math.pi, 2 * math.pi).flatten() - math.pi,
                        stats.vonmises(0.2).cdf).pvalue > FALSE_FAIL  # fmt: skip


def test_a_dirichlet_draw_is_that_of_normalised_gammas() -> None:
    node = FAMILY_NODES["dirichlet"]
    u = PhiloxNoise(0, "u", 0, 20).uniform(1, 1, 3)
    g = torch.as_tensor(stats.gamma(node.theta.numpy()).ppf(u.numpy()))
    x = node.draw(FixedNoise(20, uniform_x=u), 1)
    torch.testing.assert_close(x, g / g.sum(-1, keepdim=True), rtol=1e-12, atol=0)


def test_a_normal_vector_is_its_location_and_its_factor_times_the_noise() -> None:
    node = batch("multivariate_normal")
    source = noise(7)
    loc, L = tril(node.theta)
    expected = loc + torch.einsum("bij,nsbj->nsbi", L, source.normal(4, 2, 3))
    torch.testing.assert_close(node.draw(source, 4), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rate", [1e-3, 0.7, 5.0, 40.0, 3e4, 1e6])
def test_a_poisson_count_steps_exactly_at_its_cumulated_probabilities(rate: float) -> None:
    x = torch.as_tensor(np.unique(stats.poisson(rate).ppf([1e-3, 0.2, 0.5, 0.8, 0.999])))
    Q = torch.as_tensor(stats.poisson(rate).cdf(x.numpy()))
    off = 1e-12 if rate < 1e5 else 1e-9
    Q, x = Q[Q < 1 - 1e-9], x[Q < 1 - 1e-9]
    u = torch.cat([Q - off, Q, Q + off]).reshape(-1, 1, 1)  # Q itself still gives x
    found = Poisson(tensor(rate)).draw(FixedNoise(len(u), uniform_x=u), 1).flatten()
    assert found.tolist() == torch.cat([x, x, x + 1]).tolist()


@pytest.mark.parametrize("phi", [-8.0, 0.3, 4.0])
def test_a_geometric_count_steps_exactly_at_its_cumulated_probabilities(phi: float) -> None:
    x = torch.arange(5.0).double()
    edges = (x + 1) * math.log1p(math.exp(phi))  # -(x + 1) log(1 - p)
    E = torch.cat([edges * (1 - 1e-12), edges * (1 + 1e-12)]).reshape(-1, 1, 1)
    found = Geometric(tensor(phi)).draw(FixedNoise(len(E), exponential_x=E), 1).flatten()
    assert found.tolist() == torch.cat([x, x + 1]).tolist()


@pytest.mark.parametrize("node", [FAMILY_NODES["subset"], TWO_OF_A_FAMILY["subset"]])
def test_subsets_are_drawn_with_their_probabilities(node: Subset) -> None:
    """Chi-square; 20,000 draws see a shift of 0.03 in a probability."""
    x, outcomes = node.draw(noise(MANY), 1), node.outcomes()
    assert (x.sum(-1) == node.k).all()
    seen = (x == outcomes).all(-1).sum(0)
    p = law(node).log_prob(outcomes).exp()
    assert len(outcomes) == node.num_outcomes == len(outcomes.unique(dim=0))
    assert stats.chisquare(seen, MANY * p / p.sum()).pvalue > FALSE_FAIL


@pytest.mark.parametrize("node", [FAMILY_NODES["subset"], TWO_OF_A_FAMILY["subset"], Subset(tensor(3, -INF, 0, 1), 3)])
def test_the_mean_of_a_subset_is_that_of_its_outcomes(node: Subset) -> None:
    x = node.outcomes()
    torch.testing.assert_close(node.log_prob(x).exp() @ x, node.probs, rtol=1e-12, atol=1e-14)
    assert math.isclose(float(node.probs.sum()), node.k, rel_tol=1e-12)


# ---------------------------------------------------------------- derivatives of samples


@pytest.mark.parametrize("family", ["laplace", "logistic", "multivariate_normal"])
def test_pathwise_is_the_derivative_of_the_sample(family: str) -> None:
    node = batch(family)
    source, v = noise(5), torch.linspace(-1, 1, 5 * 4 * 2 * 3, dtype=torch.float64).reshape(5, 4, 2, 3)
    leaf = node.theta.expand(5, 1, *node.theta.shape).clone().requires_grad_()
    if family == "multivariate_normal":
        loc, L = tril(leaf)
        x = loc + (L @ source.normal(4, 2, 3).unsqueeze(-1)).squeeze(-1)
    else:
        loc, scale = leaf.unbind(-2)
        z = (node.draw(source, 4) - node.loc) / node.scale
        x = loc + scale * z
    (x * v).sum().backward()
    torch.testing.assert_close(node.pathwise(x.detach(), v).sum(1), leaf.grad[:, 0], rtol=1e-11, atol=1e-11)


def differenced(F, a: float, density) -> float:  # -(dF/da) / p in thirty digits
    with mp.workdps(40):
        h = mp.mpf(a) * mp.mpf(10) ** -13
        return float(-(F(mp.mpf(a) + h) - F(mp.mpf(a) - h)) / (2 * h) / density)


@pytest.mark.parametrize("a", [0.03, 0.5, 2.5, 40.0, 1e4])
def test_implicit_derivative_of_a_gamma_variable(a: float) -> None:
    for u in (1e-9, 0.2, 0.6, 0.99, 1 - 1e-9):
        y = float(stats.gamma(a).ppf(u))
        if y > 1e-200:
            with mp.workdps(40):
                p = mp.exp((a - 1) * mp.log(y) - y - mp.loggamma(a))
            expected = differenced(lambda A, y=y: mp.gammainc(A, 0, y, regularized=True), a, p)
            assert math.isclose(float(shape_derivative(tensor(a), tensor(y))), expected, rel_tol=1e-10)


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.4), (0.5, 0.5), (2, 3.5), (30, 0.4), (1000, 300), (0.4, 50)])
def test_implicit_derivative_of_a_beta_variable(a: float, b: float) -> None:
    for u in (1e-6, 0.45, 0.6, 1 - 1e-6):
        x = float(stats.beta(a, b).ppf(u))
        if 1e-200 < x < 1:
            with mp.workdps(40):
                p = mp.mpf(x) ** (a - 1) * (1 - mp.mpf(x)) ** (b - 1) / mp.beta(a, b)
                rest = float(1 - mp.mpf(x))
            expected = differenced(lambda A, x=x: mp.betainc(A, b, 0, x, regularized=True), a, p)
            found = first_derivative(tensor(a), tensor(b), tensor(x), tensor(rest))
            assert math.isclose(float(found), expected, rel_tol=1e-10)


@pytest.mark.parametrize("nu", [0.05, 0.3, 1.0, 2.5, 10.0, 300.0, 1e5])
def test_implicit_derivative_of_a_t_variable(nu: float) -> None:
    for u in (1e-9, 1e-3, 0.2, 0.4, 0.499):
        t = float(stats.t(nu).ppf(u))
        if abs(t) < 1e140:
            with mp.workdps(40):
                n, t2 = mp.mpf(nu), mp.mpf(t) ** 2
                p = mp.gamma((n + 1) / 2) / mp.gamma(n / 2) / mp.sqrt(n * mp.pi) * (1 + t2 / n) ** (-(n + 1) / 2)
                expected = differenced(
                    lambda N, t2=t2: mp.betainc(N / 2, 0.5, 0, N / (N + t2), regularized=True) / 2, nu, p
                )
            for sign in (1, -1):
                found = float(df_derivative(tensor(nu), tensor(sign * t)))
                assert math.isclose(found, sign * expected, rel_tol=2e-10)


@pytest.mark.parametrize("k", [1e-6, 0.5, 3.0, 200.0, 1e4])
def test_implicit_derivative_of_an_angle(k: float) -> None:
    """The integral of p times the score beyond the angle, over p, in thirty digits."""
    with mp.workdps(30):
        A = mp.besseli(1, k) / mp.besseli(0, k)
        for y in (0.01 / max(1, math.sqrt(k)), 0.9 / max(1, math.sqrt(k)), min(2.9, 4 / math.sqrt(k))):
            edges = [mp.mpf(y) + j * 3 / mp.sqrt(k) for j in range(7)]
            edges = [edge for edge in edges if edge < mp.pi] + [mp.pi]
            expected = mp.quad(lambda t, y=y: mp.exp(k * (mp.cos(t) - mp.cos(y))) * (mp.cos(t) - A), edges)
            found = float(concentration_derivative(tensor(k), tensor(y)))
            assert math.isclose(found, float(expected), rel_tol=1e-9)


# ---------------------------------------------------------------- extremes

EXTREME = [
    lambda dtype: Laplace(torch.tensor([[0.0, 1e8], [1e-30, 1e30]], dtype=dtype)),
    lambda dtype: Logistic(torch.tensor([[0.0, 1e8], [1e-30, 1e30]], dtype=dtype)),
    lambda dtype: StudentT(torch.tensor([[0.0, 0.0, 1.0], [1e-9, 1.0, 1e3], [0.4, 1e6, 1.0]], dtype=dtype)),
    lambda dtype: MultivariateNormal(torch.tensor([0.0, 1.0, 1e-9, 1e6, 1e3], dtype=dtype)),
    lambda dtype: Gamma(torch.tensor([[0.2, 1.0, 1e6], [1e-6, 1e6, 1.0]], dtype=dtype)),
    lambda dtype: Beta(torch.tensor([[0.2, 1e6, 1.0], [0.9, 1.0, 1e6]], dtype=dtype)),
    lambda dtype: Dirichlet(torch.tensor([[0.2, 0.2, 0.2], [1e6, 0.2, 1.0]], dtype=dtype)),
    lambda dtype: VonMises(torch.tensor([[0.0, 3.1, -3.1], [1e-6, 1e4, 1.0]], dtype=dtype)),
    lambda dtype: Poisson(torch.tensor([1e-6, 1.0, 1e5], dtype=dtype)),
    lambda dtype: Geometric(torch.tensor([-11.0, 0.0, 50.0], dtype=dtype)),
    lambda dtype: Subset(torch.tensor([-50.0, 50.0, 0.0, -INF, 1.0], dtype=dtype), 2),
    lambda dtype: Subset(torch.tensor([-INF, 0.0, 3.0], dtype=dtype), 2),
    lambda dtype: Subset(torch.tensor([0.0, 0.5, 3.0], dtype=dtype), 3),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("made", EXTREME, ids=lambda made: type(made(torch.float64)).__name__)
def test_every_estimator_stays_finite_at_extremes(made, dtype: torch.dtype) -> None:
    node = made(dtype)
    source = PhiloxNoise(0, "extremes", 0, 300, dtype)
    x = node.draw(source, 2)
    assert x.dtype == dtype
    for result in (x, node.log_prob(x), node.score(x)):
        assert torch.isfinite(result).all()
    for name, facts in CATALOGUE.items():
        if node.family in facts.families:
            config = {key: {"temperature": 1e-3, "truncation": 4}.get(key, TRIED[key][0]) for key in facts.config}
            estimator = load(name)
            first, second = (
                {key: config[key] for key in keywords(half)} for half in (estimator.sample, estimator.combine)
            )
            points = estimator.sample(node, source, 2, **first)
            values = torch.cos(points.flatten(2 + len(node.batch_shape)).sum(-1))
            slopes = torch.ones_like(points)
            draws = estimator.combine(node, source, points, values, slopes, **second)
            assert draws.shape == (300, *node.theta.shape)
            assert torch.isfinite(draws).all(), name


def test_masked_items_are_never_chosen_and_impossible_sets_have_no_probability() -> None:
    node = Subset(tensor(3.0, -INF, 0.0, 1.0), 2)
    assert (node.draw(noise(500), 1)[..., 1] == 0).all()
    x = node.outcomes()
    assert torch.equal(node.log_prob(x) == -INF, x[:, 1] == 1)
    assert node.probs[1] == 0


REFUSED = [
    (lambda: Laplace(torch.ones(3, 1)), "Laplace.*loc, scale"),
    (lambda: Logistic(tensor(0, -1).reshape(2, 1)), "Logistic.*scale must be positive"),
    (lambda: StudentT(tensor(0, 1, 0.01).reshape(3, 1)), "degrees of freedom of 0.01.*at least 0.0389"),
    (lambda: StudentT(torch.ones(2, 1)), "StudentT.*df"),
    (lambda: MultivariateNormal(torch.ones(4)), "MultivariateNormal.*4 numbers"),
    (lambda: MultivariateNormal(tensor(0, 0, 1, 5, -1)), "diagonal of L must be positive"),
    (lambda: Gamma(tensor(0.01, 1).reshape(2, 1)), "concentration of 0.01.*0.0195"),
    (lambda: Gamma(torch.tensor([[0.1], [1.0]])), "float32.*float64"),
    (lambda: Gamma(tensor(1, 0).reshape(2, 1)), "rate must be positive"),
    (lambda: Beta(tensor(1, 0.3).reshape(2, 1)), "at 1 of 0.3"),
    (lambda: Dirichlet(torch.ones(2, 1)), "at least 2"),
    (lambda: Dirichlet(-torch.ones(2, 2)), "positive"),
    (lambda: VonMises(tensor(0, 1e9).reshape(2, 1)), "take a Normal"),
    (lambda: VonMises(tensor(0, 0).reshape(2, 1)), "positive"),
    (lambda: Poisson(tensor(0)), "rate must be positive"),
    (lambda: Poisson(torch.tensor([1e7])), "rate of 1e.*8.4e"),
    (lambda: Poisson(tensor(2e6)), "take a Normal"),
    (lambda: Poisson(tensor(-INF)), "finite"),
    (lambda: Geometric(tensor(-40.0)), "no whole numbers"),
    (lambda: Geometric(tensor(-INF)), "finite"),
    (lambda: Subset(tensor(0, 1), 3), r"Subset\(k\): got 3"),
    (lambda: Subset(tensor(0, -INF, -INF), 2), "finite logits, 1"),
    (lambda: Subset(tensor(0, 1), 0), r"Subset\(k\): got 0"),
    (lambda: Subset(torch.zeros(30), 15).outcomes(), "outcomes"),
]


@pytest.mark.parametrize(("made", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_bad_parameters_are_refused_by_name(made, message: str) -> None:
    with pytest.raises(InputError, match=message):
        made()
    with pytest.raises(TypeError, match="whole number"):
        Subset(tensor(0, 1), 1.0)  # type: ignore[arg-type]


def test_a_coins_steps_stay_in_its_support() -> None:
    node = Bernoulli(tensor(0.3, -INF))
    x = node.draw(noise(100), 3)
    assert ((node.successor(x) == 0) | (node.successor(x) == 1)).all()
    assert (node.step_weight(x)[..., 1] == 0).all()
