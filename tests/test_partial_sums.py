"""Partial sums and sets without replacement: laws, ratios, exact variances, extremes."""

import math

import pytest
import torch
from torch import Tensor

from varbench import Bernoulli, Categorical, Problem, measure
from varbench.estimators import unordered_set
from varbench.estimators.errors import InputError
from varbench.estimators.estimator import load
from varbench.estimators.node import Discrete, Node
from varbench.estimators.noise import PhiloxNoise
from varbench.estimators.unordered_set import log_set_probabilities
from varbench.estimators.without_replacement import gumbel_top_k, mass_outside, most_probable

from . import proofs
from .exact_moments import RULES, Cost, FixedNoise, Rule, assert_printed, gradient_draws, legendre, moments, polynomial
from .proofs.partial_sums import draws_the_rest, draws_without_replacement, outcome_probabilities
from .test_score_function import EXTREME

assert proofs


def tensor(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


COINS = Bernoulli(tensor(2.0, -0.7, 0.3))
CHOICES = Categorical(tensor(1.0, -0.5, 0.2, -2.0, 0.7, 0.1).reshape(2, 3))
ONE_OF_FOUR = Categorical(tensor(0.3, -1.2, 0.8, 2.0).reshape(1, 4))


def variance(name: str, node: Node, cost: Cost, S: int, tie: Tensor | None = None) -> float:
    return moments(load(name), node, cost, RULES[name](node, S), S, tie=tie)[1]


# ---------------------------------------------------------------- what is sampled


@pytest.mark.parametrize("S", [2, 3, 8])
def test_the_rest_has_its_law(S: int) -> None:
    draws_the_rest(S)(load("rao_blackwell_topk"))


@pytest.mark.parametrize("name", ["rao_blackwell_topk", "unordered_set"])
def test_more_samples_than_outcomes_are_all_outcomes_once(name: str) -> None:
    drawn = load(name).sample(ONE_OF_FOUR, PhiloxNoise(0, "all", 0, 5), 6)
    assert drawn.shape[1] == 4
    assert (drawn.sum(1) == 1).all()


def test_sets_have_the_law_of_draws_without_replacement() -> None:
    draws_without_replacement(load("unordered_set"))


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("node", [COINS, CHOICES], ids=["coins", "choices"])
def test_sampled_outcomes_are_those_of_perturbed_log_probabilities(node: Discrete, batch: tuple[int, ...]) -> None:
    """Kool et al. 2019, in Gumbels and in plain loops, by truncated Gumbels from the root down."""
    node = node.with_theta(node.theta + 0.3 * torch.arange(math.prod(batch)).reshape(*batch, *(1,) * node.theta.ndim))
    k, rows = 4, 6
    noise = PhiloxNoise(0, "tree", 0, rows)
    drawn = gumbel_top_k(node, noise, k)
    for row in range(rows):
        for b in torch.cartesian_prod(*[torch.arange(n) for n in batch], torch.arange(1)).reshape(-1, len(batch) + 1):
            where = tuple(b[:-1].tolist())
            expected = _beam(node.with_theta(node.theta[where]), noise, row, where, batch, k)
            assert drawn[(row, slice(None), *where)].tolist() == expected


def _beam(
    node: Node, noise: PhiloxNoise, row: int, where: tuple[int, ...], batch: tuple[int, ...], k: int
) -> list[object]:
    """Return the k outcomes of the largest perturbed log-probabilities, by truncated Gumbels from the root down."""
    D = node.event_shape[0]
    two = node.family == "bernoulli"
    p = torch.stack([1 - torch.sigmoid(node.theta), torch.sigmoid(node.theta)], -1) if two else node.theta.softmax(-1)
    K = p.shape[-1]
    beams: list[tuple[float, float, list[int]]] = [(0.0, 0.0, [])]  # perturbed, log p, prefix; the root's G is free
    for d in range(D):
        gumbels = noise.gumbel(*batch, len(beams), K, name=f"level{d}")[(row, *where)]
        longer = []
        for (G, log_p, prefix), g in zip(beams, gumbels, strict=True):
            G_c = [log_p + math.log(p[d, c]) + float(g[c]) for c in range(K)]
            Z = max(G_c)
            for c in range(K):
                truncated = -math.log(math.exp(-G) - math.exp(-Z) + math.exp(-G_c[c]))
                longer.append((truncated, log_p + math.log(p[d, c]), [*prefix, c]))
        beams = sorted(longer, reverse=True)[:k]
    eye = torch.eye(K, dtype=torch.float64)
    return [[float(c) for c in x] if two else eye[x].tolist() for _, _, x in beams]


@pytest.mark.parametrize("node", [COINS, CHOICES, ONE_OF_FOUR], ids=["coins", "choices", "one_of_four"])
def test_the_most_probable_are_those_of_the_whole_table(node: Discrete) -> None:
    p = torch.tensor(outcome_probabilities(node), dtype=torch.float64)
    for k in (1, 3, 100):
        assert torch.equal(most_probable(node, k), node.outcomes()[p.argsort(descending=True)][:k])


def test_many_variables_need_no_table() -> None:
    node = Bernoulli(torch.linspace(-3, 3, 300, dtype=torch.float64))
    top, drawn = most_probable(node, 3), gumbel_top_k(node, PhiloxNoise(0, "wide", 0, 2), 5)
    assert torch.equal(top[0], (node.theta > 0).double())
    assert len(drawn[0].unique(dim=0)) == 5


def test_the_mass_outside_keeps_its_digits() -> None:
    node = Bernoulli(tensor(50.0, -60.0))
    outside = float(mass_outside(node.log_prob(most_probable(node, 1)).unsqueeze(0)))
    assert math.isclose(outside, math.exp(-50) + math.exp(-60), rel_tol=1e-12)


# ---------------------------------------------------------------- ratios


@pytest.mark.parametrize("k", [1, 2, 5, 8])
@pytest.mark.parametrize("largest", [0.05, 0.5])
def test_set_probabilities_are_the_papers_integral(k: int, largest: float) -> None:
    """P(S) = int prod_s (1 - F_s) dF_{D\\S} in exponential times: int W e^{-W t} prod (1 - e^{-p t}) dt."""
    p = largest * 0.7 ** torch.arange(k, dtype=torch.float64)
    p = p if p.sum() < 1 else p / p.sum() * 0.999
    W = 1 - p.sum()
    t, w = legendre(torch.cat([tensor(0.0), torch.logspace(-3, 1, 60, dtype=torch.float64) * 40 / W / 10]))
    integrand = w * W * torch.exp(-W * t) * (-torch.expm1(-p.unsqueeze(-1) * t)).prod(0)
    found = log_set_probabilities(p.log().unsqueeze(0))[-1].exp()
    torch.testing.assert_close(found[0], integrand.sum(), rtol=1e-9, atol=0)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_weights_sum_to_one_in_expectation(k: int) -> None:
    """E sum_s p(s) R(S, s) g(s) = E g for any g: here g = 1, by a cost of which only weights remain."""
    rule = RULES["unordered_set"](ONE_OF_FOUR, k)
    assert rule.points is not None
    log_p = ONE_OF_FOUR.log_prob(rule.points)
    log_h = log_set_probabilities(log_p)
    full = 2 ** log_p.shape[1] - 1
    weights = sum((log_p[:, s] + log_h[full & ~(1 << s)] - log_h[full]).exp() for s in range(log_p.shape[1]))
    assert math.isclose(float(rule.weights @ weights), 1, rel_tol=1e-12)


# ---------------------------------------------------------------- exact variances

SHARED = Bernoulli(tensor(0.0, 0.0, 0.0))
TIE = torch.ones(1, 3, dtype=torch.float64)


def shared_cost(b: Tensor) -> Tensor:
    return (b - tensor(0.6, 0.51, 0.48)).square().sum(-1)


def test_unordered_set_on_the_shared_logit_has_the_published_variance() -> None:
    mean, found = moments(load("unordered_set"), SHARED, shared_cost, RULES["unordered_set"](SHARED, 2), 2, tie=TIE)
    assert_printed(float(mean), "-0.045")
    assert_printed(found, "0.0061125")


def test_unordered_set_falls_to_zero_as_the_set_grows_to_the_domain() -> None:
    found = [variance("unordered_set", CHOICES, polynomial(CHOICES, 3), S) for S in (2, 3, 4)]
    assert sorted(found, reverse=True) == found
    assert variance("unordered_set", ONE_OF_FOUR, polynomial(ONE_OF_FOUR, 3), 4) < 1e-26
    assert variance("unordered_set", ONE_OF_FOUR, polynomial(ONE_OF_FOUR, 3), 5) < 1e-26


@pytest.mark.parametrize("S", [2, 3])
def test_unordered_set_is_the_mean_over_orders_of_sums_and_samples(S: int) -> None:
    """Without its baseline: p(c_1), ..., p(c_{S-1}) and what is left to the last draw, averaged over the orders."""
    rule = RULES["unordered_set"](CHOICES, S)
    assert rule.points is not None
    log_p = CHOICES.log_prob(rule.points)
    p = log_p.exp()
    in_order = torch.cat([p[:, :-1], 1 - p[:, :-1].sum(1, keepdim=True)], 1)  # [rows, S]
    number = (rule.points.argmax(-1) * torch.tensor([1, 3])).sum(-1)
    log_h = log_set_probabilities(log_p)
    full = 2**S - 1
    for row in (0, 17, len(p) - 1):
        same = (number.sort(1).values == number[row].sort().values).all(1)
        for s in range(S):
            at = (number[same] == number[row, s]).double()
            mean = (rule.weights[same] * (at * in_order[same]).sum(1)).sum() / rule.weights[same].sum()
            found = (log_p[row, s] + log_h[full & ~(1 << s), row] - log_h[full, row]).exp()
            torch.testing.assert_close(found, mean, rtol=1e-11, atol=0)


@pytest.mark.parametrize("S", [2, 3, 4])
def test_variance_of_rao_blackwell_is_that_of_the_rest(S: int) -> None:
    """(1 - p(C))^2 times the variance of f s given that x is not in C, over a loop of outcomes."""
    node, f = ONE_OF_FOUR, [0.4, -1.0, 2.0, 0.7]
    p = outcome_probabilities(node)
    rest = sorted(range(4), key=lambda i: -p[i])[S - 1 :]
    mass = sum(p[i] for i in rest)
    expected = 0.0
    for j in range(4):
        draws = [(p[i] / mass, f[i] * ((i == j) - p[j])) for i in rest]
        mean = sum(w * g for w, g in draws)
        expected += mass**2 * sum(w * (g - mean) ** 2 for w, g in draws)
    outcomes = [int(x[0].argmax()) for x in node.outcomes()]
    assert outcomes == [0, 1, 2, 3]
    found = variance("rao_blackwell_topk", node, lambda x: x[..., 0, :] @ tensor(*f), S)
    assert math.isclose(found, expected, rel_tol=1e-10, abs_tol=1e-28)


def test_sum_and_sample_on_the_shared_logit() -> None:
    """Eight equal outcomes: the one summed is a constant, so the variance is (7/8)^2 times that of the other seven."""
    outcomes = SHARED.outcomes()
    rule = RULES["rao_blackwell_topk"](SHARED, 2)
    assert rule.points is not None
    left = torch.tensor([not torch.equal(x, rule.points[0, 0]) for x in outcomes])
    g = shared_cost(outcomes[left]) * (outcomes[left] - 0.5).sum(-1)
    expected = (7 / 8) ** 2 * float(g.var(correction=0))
    assert math.isclose(variance("rao_blackwell_topk", SHARED, shared_cost, 2, TIE), expected, rel_tol=1e-11)


@pytest.mark.parametrize("S", [1, 2])
def test_variance_of_indecater_is_its_closed_form(S: int) -> None:
    """f = a x_1 x_2 + b x_1 + c x_2: draws p q (a mean x_2 + b), so (p_1 q_1 a)^2 p_2 q_2 / S and its mirror."""
    node, (a, b, c) = Bernoulli(tensor(2.0, -0.7)), (1.7, -0.4, 2.2)
    p, r = (1 / (1 + math.exp(-phi)) for phi in (2.0, -0.7))
    v, w = p * (1 - p), r * (1 - r)
    expected = ((v * a) ** 2 * w + (w * a) ** 2 * v) / S
    found = variance("indecater", node, lambda x: a * x[..., 0] * x[..., 1] + b * x[..., 0] + c * x[..., 1], S)
    assert math.isclose(found, expected, rel_tol=1e-11)


@pytest.mark.parametrize("node", [COINS, CHOICES], ids=["coins", "choices"])
def test_indecater_is_exact_on_separable_costs(node: Node) -> None:
    weight = torch.linspace(-1, 2, math.prod(node.event_shape), dtype=torch.float64).reshape(node.event_shape)

    def cost(x: Tensor) -> Tensor:
        return (x * weight).exp().flatten(-len(node.event_shape)).sum(-1)

    assert variance("indecater", node, cost, 1) < 1e-27


@pytest.mark.parametrize("node", [COINS, CHOICES], ids=["coins", "choices"])
def test_a_sample_for_each_variable_has_the_trace_of_one_for_all(node: Node) -> None:
    """With x_{-d} drawn anew for each d, covariances between variables vanish and variances stay."""
    estimator, cost = load("local_expectation"), polynomial(node, 3)
    rule, D = RULES["indecater"](node, 1), node.event_shape[0]
    draws = gradient_draws(estimator, node, cost, rule.noise, 1)  # [M, D, ...]: row m from outcome m
    w, M = rule.weights, len(rule.weights)
    rows = torch.cartesian_prod(*[torch.arange(M)] * D)  # an outcome of its own for each variable
    anew = torch.stack([draws[rows[:, d], d] for d in range(D)], 1)
    weights = w[rows].prod(1)

    def covariance(draws: Tensor, weights: Tensor) -> Tensor:
        flat = draws.flatten(1)
        centred = flat - weights @ flat
        return (weights.unsqueeze(-1) * centred).T @ centred

    shared, separate = covariance(draws, w), covariance(anew, weights)
    torch.testing.assert_close(separate.diagonal(), shared.diagonal(), rtol=1e-10, atol=1e-14)
    size = node.theta.numel() // D
    assert separate[:size, size:].abs().max() < 1e-12
    assert (shared[:size, size:].abs().max() > 1e-4) == (D > 2)  # with two, one draw hangs on x_2 and the other on x_1


@pytest.mark.parametrize(
    ("alias", "name"), [("sum_and_sample", "rao_blackwell_topk"), ("local_expectation", "indecater")]
)
def test_aliases_are_what_they_say(alias: str, name: str) -> None:
    first, second = load(alias), load(name)
    assert first.facts.alias_of == name
    assert (first.sample, first.combine) == (second.sample, second.combine)
    found = [measure("polynomial[classes=3,dim=2]", one, num_draws=64, timing=False).variance for one in (alias, name)]
    assert found[0] == found[1]


# ---------------------------------------------------------------- bad input and extremes


def test_too_large_a_set_is_refused() -> None:
    with pytest.raises(InputError, match=r"num_samples=11.*at most 10"):
        measure("bernoulli_quadratic[dim=5]", "unordered_set", num_draws=10, num_samples=11)
    assert unordered_set.MAX_SAMPLES == 10


DISCRETE = [label for label, node in EXTREME.items() if node.family != "normal"]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("S", [2, 3, 8])
@pytest.mark.parametrize("label", DISCRETE)
@pytest.mark.parametrize("name", ["rao_blackwell_topk", "unordered_set", "indecater"])
def test_draws_are_finite_at_extremes(name: str, label: str, S: int, dtype: torch.dtype) -> None:
    node = EXTREME[label].with_theta(EXTREME[label].theta.to(dtype))
    problem = Problem("extreme", node, polynomial(node, 2))
    found = measure(problem, name, num_draws=64, num_samples=S, timing=False)
    assert found.status == "ok"
    assert found.num_nonfinite in (0, None)
    bound = 100 * float(problem.cost(node.outcomes()).abs().max())  # a weight gone wrong would be huge
    assert found.variance is not None
    assert found.variance <= bound**2


@pytest.mark.parametrize("label", DISCRETE)
def test_sets_of_all_outcomes_are_exact_at_extremes(label: str) -> None:
    node = EXTREME[label]
    if node.num_outcomes > 8:
        return
    cost = polynomial(node, 2)
    noise = PhiloxNoise(0, "all", 0, 3)
    x = gumbel_top_k(node, noise, 8)
    rule = Rule(torch.ones(3, dtype=torch.float64) / 3, FixedNoise(3), x)
    mean, trace = moments(load("unordered_set"), node, cost, rule, 8)
    exact = load("enumerate").combine(node, noise, node.outcomes()[None], cost(node.outcomes()[None]), None)[0]
    torch.testing.assert_close(mean, exact, rtol=1e-9, atol=1e-12)
    assert trace < 1e-24
