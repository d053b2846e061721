"""The straight-through frontier: its quadratic forms against plain sums, its optimality, its hand solutions, its twins.

A class average is exact without sampling: where the coefficients are independent N(0, 1), the average over f of a
quadratic form is its sum over the costs that have one coefficient 1 and the others 0.
"""

from fractions import Fraction
from functools import cached_property, partial
from itertools import product

import numpy as np
import pytest
import torch

from varbench.bench.frontier.costs import Costs
from varbench.bench.frontier.forms import Forms, Linear
from varbench.bench.frontier.programme import Frontier
from varbench.bench.frontier.unbiased import least_variance_unbiased
from varbench.estimators.errors import InputError

NAMES = ("quadratic", "cubic")
SKEWED = {2: (0.8, 0.2), 3: (0.7, 0.2, 0.1), 4: (0.5, 0.3, 0.15, 0.05), 5: (0.6, 0.2, 0.1, 0.06, 0.04)}
NS = (0.1, 1.0, 3.0, 100.0, np.inf)


def skewed(K):
    return np.array(SKEWED[K])


def uniform(K):
    return np.full(K, 1 / K)


def heun(p):
    """ReinMax at temperature 1, as J(p) / 2 + (D - p)(D - p)' / 2."""
    J = np.diag(p) - np.outer(p, p)
    return np.array([(J + np.outer(e - p, e - p)) / 2 for e in np.eye(len(p))])


def any_matrices(K, seed):
    return np.random.default_rng(seed).standard_normal((K, K, K))


def single_costs(costs):
    """The costs of one coefficient, written with torch and not with the monomials of the code."""
    for places in costs.monomials:
        yield lambda x, places=places: torch.stack([x[..., j] for j in places]).prod(0)


def enumerated(costs, p, M):
    """Bias_sq and variance of M_D g(D) over the class, cost by cost and outcome by outcome, with slopes by autograd."""
    bias_sq = variance = scale = 0.0
    phi = torch.log(torch.from_numpy(p)).requires_grad_()
    for f in single_costs(costs):
        x = torch.eye(len(p), dtype=torch.float64, requires_grad=True)
        (exact,) = torch.autograd.grad((torch.softmax(phi, 0) * f(x.detach())).sum(), phi)
        (g,) = torch.autograd.grad(f(x).sum(), x)
        draws = np.array([M[D] @ g[D].numpy() for D in range(len(p))])
        mean = p @ draws
        bias_sq += ((mean - exact.numpy()) ** 2).sum()
        variance += p @ ((draws - mean) ** 2).sum(1)
        scale += float(exact.square().sum())
    return bias_sq, variance, scale


def forms_meet_plain_sums(kind, name, K):
    costs, p, M = Costs(name, K), skewed(K), any_matrices(K, 1)
    forms, one = kind(costs, p), Linear.fixed(p, M)
    ours = (forms.bias_sq(one), forms.variance(one), forms.scale)
    np.testing.assert_allclose(ours, enumerated(costs, p, M), rtol=1e-12)


@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("name", ["linear", *NAMES])
def test_bias_and_variance_are_those_of_plain_sums_over_costs_and_outcomes(name, K):
    forms_meet_plain_sums(Forms, name, K)


class WithoutOneHalf(Forms):
    @cached_property
    def exact(self):
        return super().exact * 2


class OfTheOtherSign(Forms):
    @cached_property
    def cross(self):
        return -super().cross


class AtOneOutcome(Forms):
    @cached_property
    def slopes(self):
        G = self.costs.slopes()
        own = np.einsum("din,djn->dij", G, G)
        return np.broadcast_to(own[:, None], (len(own), *own.shape))


TWINS = (WithoutOneHalf, OfTheOtherSign, AtOneOutcome)


@pytest.mark.parametrize("twin", TWINS)
def test_wrong_forms_are_caught(twin):
    with pytest.raises(AssertionError):
        forms_meet_plain_sums(twin, "quadratic", 3)


def test_noise_given_the_outcome_adds_to_the_variance_alone():
    """M = A or B with equal chance, given D: mean and second moment, against the sum over both."""
    costs, p = Costs("cubic", 3), skewed(3)
    A, B = any_matrices(3, 2), any_matrices(3, 3)
    second = (np.einsum("dri,drj->dij", A, A) + np.einsum("dri,drj->dij", B, B)) / 2
    forms, noisy, fixed = Forms(costs, p), Linear(p, (A + B) / 2, second), Linear.fixed(p, (A + B) / 2)
    assert forms.bias_sq(noisy) == pytest.approx(enumerated(costs, p, (A + B) / 2)[0], rel=1e-12)
    G = costs.slopes()
    spread = sum(p[D] * np.square((A[D] - B[D]) / 2 @ G[D]).sum() for D in range(3))
    assert forms.variance(noisy) == pytest.approx(forms.variance(fixed) + spread, rel=1e-12)


# ---------------------------------------------------------------- optimality


def objective(forms, one, n):
    return forms.bias_sq(one) + (0 if np.isinf(n) else forms.variance(one) / n)


def is_optimal(forms, frontier, n):
    """No step along any direction with M 1 = 0 improves: bias_sq + variance / n, or bias_sq first and then variance.

    Along a line the objective is a parabola, so that its slope at 0 and its curvature say all.
    """
    K, best = len(forms.probs), frontier.at(n)
    for seed in range(12):
        step = any_matrices(K, 10 + seed)
        step -= step.mean(2, keepdims=True)
        up, down = (Linear.fixed(forms.probs, best.mean + sign * step) for sign in (1, -1))
        here = objective(forms, best, n)
        rises = [objective(forms, one, n) - here for one in (up, down)]
        assert sum(rises) >= -1e-9
        assert abs(rises[0] - rises[1]) <= 1e-9 * max(1.0, *rises)


@pytest.mark.parametrize("n", NS)
@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_no_step_improves_what_the_programme_returns(name, K, n):
    forms = Forms(Costs(name, K), skewed(K))
    is_optimal(forms, Frontier(forms), n)


@pytest.mark.parametrize("twin", TWINS)
def test_a_programme_over_wrong_forms_is_caught(twin):
    right, wrong = (kind(Costs("quadratic", 3), skewed(3)) for kind in (Forms, twin))
    with pytest.raises((AssertionError, np.linalg.LinAlgError)):
        is_optimal(right, Frontier(wrong), 3.0)


@pytest.mark.parametrize("K", [3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_of_all_least_biases_it_has_the_least_variance(name, K):
    """Steps along which the mean does not move, found apart by a singular value decomposition, raise the variance."""
    forms = Forms(Costs(name, K), skewed(K))
    frontier = Frontier(forms)
    best, p = frontier.at(np.inf), forms.probs
    G = forms.costs.slopes() * p[:, None, None]
    flat = np.concatenate([G.reshape(K * K, -1), np.kron(np.eye(K), np.ones((K, 1)))], 1)  # moves of the mean, and M 1
    left, sizes, _ = np.linalg.svd(flat)
    still = left[:, np.count_nonzero(sizes > 1e-9 * sizes[0]) :]
    assert still.shape[1] == ((K - 1) * (K - 2) // 2 if name == "quadratic" else 0)
    for direction in still.T:
        step = np.einsum("di,r->dri", direction.reshape(K, K), np.arange(K) - 0.5)
        for sign in (1, -1):
            moved = Linear.fixed(p, best.mean + sign * step)
            assert forms.bias_sq(moved) == pytest.approx(frontier.least_bias_sq, abs=1e-9)
            assert forms.variance(moved) > forms.variance(best) + 1e-6


@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_the_eigenvectors_give_the_linear_solves(name, K):
    forms = Forms(Costs(name, K), skewed(K))
    frontier = Frontier(forms)
    B, S, ends = frontier.quadratics
    for n in (0.2, 1.0, 30.0):
        x = np.linalg.solve(S / n + (1 - 1 / n) * B, ends.T)
        T = frontier._tangent
        M = np.einsum("dar,ia->dri", x.reshape(K, K - 1, K), T)
        np.testing.assert_allclose(frontier.at(n).mean, M, atol=1e-11)
        one = frontier.at(n)
        np.testing.assert_allclose(frontier.point(n), (forms.bias_sq(one), forms.variance(one)), rtol=1e-9)


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_it_stays_in_the_logits_plane(name, K):
    for n in NS:
        M = Frontier(Forms(Costs(name, K), skewed(K))).at(n).mean
        np.testing.assert_allclose(M.sum(1), 0, atol=1e-12)
        np.testing.assert_allclose(M.sum(2), 0, atol=1e-12)


@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_the_frontier_is_monotone_convex_and_ends_where_it_must(name, K):
    forms = Forms(Costs(name, K), skewed(K))
    frontier = Frontier(forms)
    bias_sq, variance = np.array([frontier.point(n) for n in np.geomspace(1e-3, 1e5, 200)]).T
    assert (np.diff(bias_sq) < 0).all()
    assert (np.diff(variance) > 0).all()
    slopes = np.diff(variance) / np.diff(bias_sq)
    assert (np.diff(slopes) < 1e-9).all()
    assert bias_sq[0] == pytest.approx(forms.scale, rel=0.01)
    assert bias_sq[-1] == pytest.approx(frontier.least_bias_sq, rel=1e-3, abs=1e-3 * forms.scale)
    for b, v in zip(bias_sq[::20], variance[::20], strict=True):
        assert frontier.variance_at(b) == pytest.approx(v, rel=1e-6)
    assert frontier.variance_at(1.01 * forms.scale) == 0
    assert frontier.variance_at(frontier.least_bias_sq - 0.01) == np.inf


@pytest.mark.parametrize("name", NAMES)
def test_no_matrices_lie_below_it(name):
    """Scaled and mixed at random, M have no less variance than the frontier at their bias."""
    forms = Forms(Costs(name, 3), skewed(3))
    frontier, rng = Frontier(forms), np.random.default_rng(5)
    for _ in range(50):
        step = rng.standard_normal((3, 3, 3)) * rng.uniform(0, 0.1)
        one = Linear.fixed(forms.probs, rng.uniform(0.2, 1.2) * heun(forms.probs) + step - step.mean(2, keepdims=True))
        assert forms.variance(one) >= frontier.variance_at(forms.bias_sq(one)) * (1 - 1e-9)


# ---------------------------------------------------------------- what is proven, in numbers


def unbiased_for_quadratics(p, M):
    """The mean of M_D g(D) is the exact gradient for every quadratic: in rationals, cost by cost."""
    K = len(p)
    for places in [(i,) for i in range(K)] + list(product(range(K), repeat=2)):

        def f(x, places=places):
            return Fraction(int(all(x[j] for j in places)))

        def slope(x, j, places=places):
            rests = [places[:at] + places[at + 1 :] for at, k in enumerate(places) if k == j]
            return sum((Fraction(int(all(x[k] for k in rest))) for rest in rests), Fraction(0))

        e = [tuple(int(i == D) for i in range(K)) for D in range(K)]
        for r in range(K):
            exact = sum(p[D] * f(e[D]) * (e[D][r] - p[r]) for D in range(K))
            mean = sum(p[D] * M[D][r][j] * slope(e[D], j) for D in range(K) for j in range(K))
            if mean != exact:
                return False
    return True


def rational(p, flows):
    """M in rationals from flows w_ij [K, K, K]: M_i[:, j] = w_ij / p_i, and (e_i - p) / 2 for j = i."""
    K = len(p)
    own = [[(Fraction(int(r == i)) - p[r]) / 2 for r in range(K)] for i in range(K)]
    return [[[own[i][r] if i == j else flows[i][j][r] / p[i] for j in range(K)] for r in range(K)] for i in range(K)]


def heun_flows(p, extra=0, sign=-1):
    """w_ij = p_i p_j (e_j - e_i) / 2, plus a current that runs around the classes 0, 1, 2."""
    K = len(p)
    w = [[[p[i] * p[j] * (int(r == j) - int(r == i)) / 2 for r in range(K)] for j in range(K)] for i in range(K)]
    for i, j in ((0, 1), (1, 2), (2, 0)):
        for r, current in enumerate((extra, -extra)):
            w[i][j][r] += current
            w[j][i][r] += sign * current
    return w


def test_unbiased_on_quadratics_means_antisymmetric_flows_in_rationals():
    """Reinmax is unbiased, with any current that runs in a circle too, but not with one that is not antisymmetric."""
    p = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    assert unbiased_for_quadratics(p, rational(p, heun_flows(p)))
    assert unbiased_for_quadratics(p, rational(p, heun_flows(p, Fraction(1, 7))))
    assert not unbiased_for_quadratics(p, rational(p, heun_flows(p, Fraction(1, 7), sign=1)))
    doubled = [[[2 * one for one in row] for row in M] for M in rational(p, heun_flows(p))]
    assert not unbiased_for_quadratics(p, doubled)
    M = np.array([[[float(one) for one in row] for row in M] for M in rational(p, heun_flows(p))])
    np.testing.assert_allclose(M, heun(np.array([float(one) for one in p])), atol=1e-15)


@pytest.mark.parametrize("K", [2, 3, 4, 5])
def test_the_laplacian_gives_the_least_variance_without_bias(K):
    p = skewed(K)
    forms = Forms(Costs("quadratic", K), p)
    M = least_variance_unbiased(p)
    np.testing.assert_allclose(M, Frontier(forms).at(np.inf).mean, atol=1e-12)
    assert abs(forms.bias_sq(Linear.fixed(p, M))) < 1e-12
    assert Frontier(forms).least_bias_sq == 0


def test_the_laplacian_solution_serves_every_law_that_does_not_tell_classes_apart():
    """Gaussian quadratics of other exchangeable laws: correlated slopes, other sizes on the diagonal."""
    K, p = 4, skewed(4)
    M = least_variance_unbiased(p)
    rng = np.random.default_rng(0)
    for own, meet, shared in rng.uniform(0.1, 2, (5, 3)):
        # A_ij = meet z_ij + own [i = j] z_i + shared (u_i + u_j): g(D) = (A + A') e_D
        second = []
        for i in range(K):
            Q = 2 * meet**2 * np.eye(K)
            Q[i, i] += 2 * meet**2 + 4 * own**2
            shift = shared * 2 * (np.eye(K) + np.outer(np.ones(K), np.eye(K)[i]))
            second.append(Q + shift @ shift.T)
        variance = partial(_second_moment, p, second)
        for _ in range(20):
            moved = M + _circles(p, rng)
            assert variance(moved) > variance(M)


def _second_moment(p, second, M):
    return sum(p[i] * np.trace(M[i] @ second[i] @ M[i].T) for i in range(len(p)))


def _circles(p, rng):
    """Antisymmetric flows without divergence, as changes of M."""
    K = len(p)
    w = rng.standard_normal((K, K, K))
    w -= np.swapaxes(w, 0, 1)
    u = w.sum(1) / K
    w -= u[:, None] - u[None]
    np.testing.assert_allclose(w.sum(1), 0, atol=1e-12)
    return np.swapaxes(w / p[:, None, None], 1, 2)


def test_a_laplacian_with_other_conductances_is_caught():
    """That of reinmax, p_i p_j: unbiased, but not of least variance where the classes differ."""
    for K in (2, 3, 4, 5):
        for p, equal in ((uniform(K), True), (skewed(K), K == 2)):
            forms = Forms(Costs("quadratic", K), p)
            least, theirs = (forms.variance(Linear.fixed(p, M)) for M in (least_variance_unbiased(p), heun(p)))
            assert (theirs < least * (1 + 1e-12)) == equal
            assert theirs > least * (1 - 1e-12)


@pytest.mark.parametrize("K", [2, 3, 5])
def test_the_least_bias_on_cubics_depends_on_the_number_of_classes_alone(K):
    rng = np.random.default_rng(K)
    found = [Forms(Costs("cubic", K), p) for p in (uniform(K), skewed(K), *rng.dirichlet(np.ones(K), 3))]
    ratios = [Frontier(forms).least_bias_sq / forms.scale for forms in found]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)
    assert ratios[0] > 0.05


def test_two_classes_by_hand():
    """K = 2, in M_D = m_D (1, -1)'(1, -1): the gradient's two entries are opposite, and d = g_1 - g_2 says all of g.

    For f = b'x + x'Ax with N(0, 1) coefficients: d(1) = b_1 - b_2 + 2 a_11 - (a_12 + a_21), d(2) = b_1 - b_2 - 2 a_22 +
    (a_12 + a_21), and the exact gradient is p q (b_1 + a_11 - b_2 - a_22) (1, -1)'. So E d(1)^2 = E d(2)^2 = 8,
    E d(1) d(2) = 0 and E (exact entry) d(D) = 4 p q; unbiased is m_1 = q / 2, m_2 = p / 2, of variance
    2 (p 8 q^2 / 4 + q 8 p^2 / 4) - 2 * 4 (p q)^2 = 4 p q - 8 (p q)^2.
    """
    p = 0.8
    q = 1 - p
    forms = Forms(Costs("quadratic", 2), np.array([p, q]))
    frontier = Frontier(forms)
    out = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert forms.scale == pytest.approx(8 * (p * q) ** 2, rel=1e-12)
    np.testing.assert_allclose(frontier.at(np.inf).mean, [q / 2 * out, p / 2 * out], atol=1e-12)
    assert frontier.point(np.inf) == pytest.approx((0, 4 * p * q - 8 * (p * q) ** 2), abs=1e-12)
    n = 3.0  # stationary: p 8 m_1 / n + (1 - 1/n) 8 p^2 m_1 = 4 p p q, likewise for m_2
    m_1, m_2 = (4 * p * q / (8 / n + (1 - 1 / n) * 8 * a) for a in (p, q))
    np.testing.assert_allclose(frontier.at(n).mean, [m_1 * out, m_2 * out], atol=1e-12)


def test_what_is_no_class_of_costs_or_no_law_is_refused():
    with pytest.raises(InputError, match="quartic"):
        Costs("quartic", 3)
    with pytest.raises(InputError, match="at least 2"):
        Costs("cubic", 1)
    for p in ((0.5, 0.5), (0.5, 0.5, 0.0), (0.5, 0.3, 0.3)):
        with pytest.raises(InputError, match="positive numbers of sum 1"):
            Forms(Costs("quadratic", 3), np.array(p))
