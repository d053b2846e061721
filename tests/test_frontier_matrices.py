"""The matrices of the straight-through forms: fed through their own combine, against formulas and quadrature.

Tests of draws allow five standard errors: a false alarm in 1.7 million comparisons of a normal law, and none for ever,
since the seed is fixed.
"""

import numpy as np
import pytest
import torch

from varbench.bench.frontier.costs import Costs
from varbench.bench.frontier.forms import Forms, Linear
from varbench.bench.frontier.known import FORMS, LEFT_OUT
from varbench.bench.frontier.matrices import Known, _batch, is_linear, law, matrices, points
from varbench.bench.frontier.programme import Frontier
from varbench.bench.proof.laid_noise import FixedNoise
from varbench.estimators.catalogue import facts_of
from varbench.estimators.catalogue.straight_through import ENTRIES
from varbench.estimators.estimator import independent, load
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.noise import PhiloxNoise

P = np.array([0.6, 0.3, 0.1])
SIGMAS = 5


def choice(p=P):
    return Categorical(torch.log(torch.tensor(p, dtype=torch.float64))[None])


def jacobian(y):
    return np.diag(y) - np.outer(y, y)


def known(name, p=P, **config):
    return law(load(name), choice(p), {**facts_of(name).config, **config})


def agrees(one, other, statistic):
    """Two laws give one value of a statistic, within the errors of both."""
    (a, a_error), (b, b_error) = (law.estimate(statistic) for law in (one, other))
    assert abs(a - b) <= SIGMAS * np.hypot(a_error, b_error) + 1e-12, f"{a} +- {a_error} and {b} +- {b_error}"


def test_every_straight_through_form_is_drawn_or_has_a_reason():
    drawn = {form.name for form in FORMS}
    assert drawn | {name.split("[")[0] for name in LEFT_OUT} == {facts.name for facts in ENTRIES}
    assert not drawn & {name for name in LEFT_OUT if "[" not in name}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.label)
def test_what_is_drawn_is_linear_in_the_slope(form):
    assert all(is_linear(load(form.name), choice(), config) for config in form.configs())


@pytest.mark.parametrize("symmetric", [False, True])
def test_what_is_left_out_as_not_linear_is_not(symmetric):
    assert not is_linear(load("imle"), choice(), {"step": 1.0, "symmetric": symmetric})


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.label)
def test_matrices_stay_in_the_plane(form):
    """M 1 = 0 and 1' M = 0: draws do not depend on how f goes on off the simplex, and are gradients in logits."""
    for config in form.configs():
        mean = law(load(form.name), choice(), config, rows=16).all().mean
        np.testing.assert_allclose(mean.sum(1), 0, atol=1e-12 * max(1.0, np.abs(mean).max()))
        np.testing.assert_allclose(mean.sum(2), 0, atol=1e-12 * max(1.0, np.abs(mean).max()))


def test_the_identity_form_leaves_the_plane():
    """Its reason for being left out: M = I."""
    M = known("straight_through", identity=True).all().mean
    np.testing.assert_allclose(M, np.broadcast_to(np.eye(3), (3, 3, 3)))


def test_the_matrices_are_those_of_the_formulas():
    for tau in (0.5, 1.0, 2.0):
        soft = P ** (1 / tau) / (P ** (1 / tau)).sum()
        np.testing.assert_allclose(known("straight_through", temperature=tau).all().mean, [jacobian(soft) / tau] * 3)
        heun = [2 * jacobian((soft + e) / 2) - jacobian(P) / 2 for e in np.eye(3)]
        np.testing.assert_allclose(known("reinmax", temperature=tau).all().mean, heun, atol=1e-15)
    np.testing.assert_allclose(known("zgr").all().mean, known("reinmax").all().mean)


def test_a_column_is_the_draw_at_a_basis_slope_and_draws_are_matrices_times_slopes():
    estimator, config = load("reinmax_rao"), {"temperature": 0.7, "conditional_samples": 3}
    noise = PhiloxNoise(3, "columns", 0, 6)
    x = choice().outcomes().unsqueeze(1).repeat(2, 1, 1, 1)
    v = torch.tensor([0.3, -2.0, 0.7], dtype=torch.float64)
    M = matrices(estimator, choice(), noise, x, config)
    draws = estimator.combine(choice(), noise, x, None, v.expand_as(x), **config)
    torch.testing.assert_close(M @ v, draws.squeeze(1))


def test_second_moments_are_those_of_draws_for_matrices_that_are_not_symmetric():
    """v' E[M'M | D] v = E[|M v|^2 | D], for a slope and the draws of one batch."""
    rng = np.random.default_rng(4)
    D, M, v = rng.integers(3, size=200), rng.standard_normal((200, 3, 3)), np.array([1.0, -2.0, 0.5])
    x = torch.from_numpy(np.eye(3)[D]).reshape(200, 1, 1, 3)
    probs, mean, second = _batch(x, torch.from_numpy(M), None)
    for d in range(3):
        draws = M[d == D] @ v
        assert probs[d] == (d == D).mean()
        np.testing.assert_allclose(mean[d] @ v, draws.mean(0), rtol=1e-12)
        assert v @ second[d] @ v == pytest.approx(np.square(draws).sum(1).mean(), rel=1e-12)


def test_decoupled_at_one_forward_temperature_is_straight_through():
    """The reason for leaving it out."""
    x = choice().outcomes().unsqueeze(1)
    M = [
        matrices(load(name), choice(), FixedNoise(3), x, {**facts_of(name).config, "temperature": 0.5})
        for name in ("decoupled_st", "straight_through")
    ]
    torch.testing.assert_close(M[0], M[1])


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.label)
def test_forms_in_the_class_draw_from_p_and_the_others_do_not(form):
    """Counts of 200,000 points: chi-squared with 2 degrees of freedom, under 30 (false alarm 3e-7) or over."""
    estimator, rows = load(form.name), 200_000
    config = next(form.configs())
    x = points(estimator, choice(), PhiloxNoise(1, "counts", 0, rows), config)
    counts = x.flatten(1).sum(0).numpy()
    chi_squared = ((counts - rows * P) ** 2 / (rows * P)).sum()
    assert (chi_squared < 30) == (not form.outside)
    if estimator.sample is independent:
        assert not form.outside


@pytest.mark.parametrize("tau", [0.5, 2.0])
def test_draws_agree_with_quadrature_for_two_classes(tau):
    """Given D, z_D - z_other is a logistic number around logit p_D that is positive: M in one integral."""
    p = np.array([0.7, 0.3])
    u, w = np.polynomial.legendre.leggauss(400)
    mean, second = [], []
    for q in p:
        v = 1 - q * (1 - (u + 1) / 2)  # uniform over the upper q of (0, 1): z = logit p_D + logit v > 0
        z = np.log(q / (1 - q)) + np.log(v / (1 - v))
        y = 1 / (1 + np.exp(-z / tau))
        slope = y * (1 - y) / tau
        mean.append((w / 2 * slope).sum())
        second.append((w / 2 * slope**2).sum())
    out = np.array([[1.0, -1.0], [-1.0, 1.0]])
    M = np.multiply.outer(mean, out)
    for name, k in (("st_gumbel_softmax", 1), ("gumbel_rao", 10)):
        config = {} if k == 1 else {"conditional_samples": k}
        noisy = known(name, p, temperature=tau, **config)
        squares = np.square(mean) + (np.array(second) - np.square(mean)) / k
        exact = Linear(p, M, np.multiply.outer(squares, out @ out))
        for costs in (Costs("quadratic", 2), Costs("cubic", 2)):
            forms = Forms(costs, p)
            for statistic in (forms.bias_sq, forms.variance):
                value, error = noisy.estimate(statistic)
                assert abs(value - statistic(exact)) <= SIGMAS * error
                assert error < 0.05 * forms.scale


def test_rao_blackwell_keeps_the_mean_and_divides_what_noise_adds():
    many, single = (
        known("gumbel_rao", temperature=0.5, conditional_samples=10),
        known("gumbel_rao", temperature=0.5, conditional_samples=1),
    )
    forms = Forms(Costs("cubic", 3), P)
    agrees(many, single, forms.bias_sq)
    agrees(single, known("st_gumbel_softmax", temperature=0.5), forms.variance)

    def added(one):
        return forms.variance(one) - forms.variance(Linear.fixed(one.probs, one.mean))

    (a, a_error), (b, b_error) = many.estimate(added), single.estimate(added)
    assert abs(10 * a - b) <= SIGMAS * np.hypot(10 * a_error, b_error)


def test_the_jackknife_takes_out_the_excess_and_knows_its_error():
    """300 times 32 batches of a noisy matrix whose law is known: the mean of the estimates, and their spread."""
    rng, forms = np.random.default_rng(2), Forms(Costs("quadratic", 2), np.array([0.6, 0.4]))
    M = 0.1 * np.array([[[1.0, -1.0], [-1.0, 1.0]]] * 2)
    truth = forms.bias_sq(Linear.fixed(forms.probs, M))
    found = []
    for _ in range(300):
        noise = rng.standard_normal((32, 2, 1, 1)) * 5 * M
        mean = M + noise
        batches = Known(np.tile(forms.probs, (32, 1)), mean, np.einsum("bdri,bdrj->bdij", mean, mean), exact=False)
        found.append((*batches.estimate(forms.bias_sq), forms.bias_sq(batches.all())))
    values, errors, plugged = np.array(found).T
    spread = values.std() / np.sqrt(300)
    assert abs(values.mean() - truth) < SIGMAS * spread
    assert plugged.mean() - truth > SIGMAS * spread
    assert errors.mean() == pytest.approx(values.std(), rel=0.25)


@pytest.mark.parametrize("name", ["quadratic", "cubic"])
def test_no_form_of_the_class_lies_below_the_frontier(name):
    frontier = Frontier(Forms(Costs(name, 3), P))
    forms, scale = frontier.forms, frontier.forms.scale
    below = []
    for form in FORMS:
        for config in form.configs():
            one = law(load(form.name), choice(), config, rows=64)
            bias_sq, bias_error = one.estimate(forms.bias_sq)
            variance, error = one.estimate(forms.variance)
            least = frontier.variance_at(max(bias_sq + SIGMAS * bias_error, 1e-12 * scale))
            if variance + SIGMAS * error < least * (1 - 1e-9):
                below.append(form)
    assert all(form.outside for form in below)
    assert below, "with D from a colder law an estimator may lie below: the comparison would see it"
