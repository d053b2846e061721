"""The vocabulary of nodes: laws, scores, relaxations, and what is refused."""

import math
from decimal import Decimal, localcontext

import pytest
import torch
from scipy import stats
from torch import Tensor

from varbench.estimators.errors import InputError
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.normal import Normal
from varbench.estimators.node import Discrete, Node
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import FixedNoise, law

FALSE_FAIL = 1e-6  # of each statistical test, were its seed not fixed
MANY = 20_000
INF = math.inf


def normals(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def noise(rows: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> PhiloxNoise:
    return PhiloxNoise(seed, "nodes", 0, rows, dtype)


DISCRETE = [
    pytest.param(Bernoulli(2 * normals(3)), id="coins"),
    pytest.param(Bernoulli(2 * normals(2, 3)), id="two_nodes_of_coins"),
    pytest.param(Categorical(2 * normals(2, 4)), id="choices"),
    pytest.param(Categorical(2 * normals(2, 2, 4)), id="two_nodes_of_choices"),
]
NODES = [
    *DISCRETE,
    pytest.param(Normal(torch.stack([normals(3), normals(3).exp()])), id="gaussians"),
    pytest.param(Normal(torch.stack([normals(2, 3), normals(2, 3).exp()], -2)), id="two_nodes_of_gaussians"),
]
EXTREME = [
    pytest.param(Bernoulli(torch.tensor([-50.0, 50.0, -5.0, 5.0, 0.0, -INF], dtype=dtype)), id=f"coins_{dtype}")
    for dtype in (torch.float32, torch.float64)
] + [
    pytest.param(
        Categorical(torch.tensor([[-50.0, 50.0, 0.0], [5.0, -INF, 0.0], [-INF, -INF, 1.0]], dtype=dtype)),
        id=f"choices_{dtype}",
    )
    for dtype in (torch.float32, torch.float64)
]


def row_of_outcomes(node: Discrete) -> Tensor:
    """Return all outcomes as points of one row [1, M, 1 for each of *B, *event]."""
    x = node.outcomes()
    return x.reshape(1, len(x), *(1,) * len(node.batch_shape), *node.event_shape)


# ---------------------------------------------------------------- the law


@pytest.mark.parametrize("node", NODES)
def test_log_prob_is_torchs(node: Node) -> None:
    x = node.draw(noise(5), 4)
    torch.testing.assert_close(node.log_prob(x), law(node).log_prob(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("node", NODES)
def test_score_is_the_derivative_of_log_prob(node: Node) -> None:
    x = node.draw(noise(5), 4)
    leaf = node.theta.expand(5, 4, *node.theta.shape).clone().requires_grad_()
    law(node, leaf).log_prob(x).sum().backward()
    torch.testing.assert_close(node.score(x), leaf.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("node", DISCRETE)
def test_outcomes_are_all_there_are(node: Discrete) -> None:
    x = row_of_outcomes(node)
    assert x.shape[1] == node.num_outcomes == len(node.outcomes().unique(dim=0))
    assert torch.allclose(node.log_prob(x).exp().sum((0, 1)), torch.ones(node.batch_shape).double(), rtol=1e-13)


@pytest.mark.parametrize("node", DISCRETE)
def test_probs_are_the_mean_of_the_outcomes(node: Discrete) -> None:
    x = row_of_outcomes(node)
    p = node.log_prob(x).exp().reshape(*x.shape[:2], *node.batch_shape, *(1,) * len(node.event_shape))
    torch.testing.assert_close((p * x).sum((0, 1)), node.probs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("sampler", ["draw", "perturbed"])
@pytest.mark.parametrize("node", DISCRETE)
def test_outcomes_are_drawn_with_their_probabilities(node: Discrete, sampler: str) -> None:
    """Chi-square over the joint outcomes of the first node of the batch; 20,000 draws see a shift of 0.03 in a p."""
    first = type(node)(node.theta.reshape(-1, *node.event_shape)[0])
    x = first.draw(noise(MANY), 1) if sampler == "draw" else first.harden(first.perturbed(noise(MANY), 1))
    seen = (x == first.outcomes()).flatten(2).all(-1).sum(0)
    expected = MANY * law(first).log_prob(first.outcomes()).exp()
    rare = expected < 5
    seen = torch.cat([seen[~rare], seen[rare].sum()[None]])
    expected = torch.cat([expected[~rare], expected[rare].sum()[None]]).clamp(min=1e-9)
    assert stats.chisquare(seen, expected).pvalue > FALSE_FAIL


def test_gaussians_are_drawn_from_their_law() -> None:
    node = Normal(torch.tensor([[1.5, -2.0], [0.3, 4.0]], dtype=torch.float64))
    x = node.draw(noise(MANY), 1)[:, 0]
    for d in range(2):
        assert stats.kstest(x[:, d], "norm", (float(node.loc[d]), float(node.scale[d]))).pvalue > FALSE_FAIL


@pytest.mark.parametrize("phi", [-4.0, 0.0, 1.5])
def test_a_coin_turns_over_exactly_at_its_probability(phi: float) -> None:
    node = Bernoulli(torch.tensor([phi], dtype=torch.float64))
    u = float(node.probs) + torch.tensor([-1e-12, 1e-12], dtype=torch.float64)
    assert node.draw(FixedNoise(2, uniform_x=u.reshape(2, 1, 1)), 1).flatten().tolist() == [1, 0]


def test_a_choice_moves_on_exactly_at_its_cumulated_probabilities() -> None:
    node = Categorical(normals(1, 5))
    steps = torch.softmax(node.theta, -1).cumsum(-1)[0]
    u = torch.stack([steps - 1e-12, steps + 1e-12], -1).flatten()[:-1].reshape(-1, 1, 1)
    x = node.draw(FixedNoise(len(u), uniform_x=u), 1)
    assert x.argmax(-1).flatten().tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4]


# ---------------------------------------------------------------- sums of scores, other parameters


@pytest.mark.parametrize("own", [False, True], ids=["one_table_of_points", "points_of_their_own"])
@pytest.mark.parametrize("node", DISCRETE)
def test_score_sum_is_the_weighted_sum_of_scores(node: Discrete, own: bool) -> None:
    batch = node.batch_shape if own else (1,) * len(node.batch_shape)
    w, x = normals(3, 5, *node.batch_shape), normals(3, 5, *batch, *node.event_shape, seed=1)
    expected = (w.reshape(*w.shape, *(1,) * len(node.event_shape)) * node.score(x)).sum(1)
    torch.testing.assert_close(node.score_sum(w, x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("node", NODES)
def test_with_theta_is_the_same_family_elsewhere(node: Node) -> None:
    other = node.with_theta(node.theta + 1)
    assert type(other) is type(node)
    assert torch.equal(other.theta, node.theta + 1)


def test_pathwise_is_the_derivative_of_the_sample() -> None:
    node, e, v = Normal(torch.stack([normals(3), normals(3).exp()])), normals(4, 2, 3), normals(4, 2, 3, seed=1)
    leaf = node.theta.expand(4, 2, 2, 3).clone().requires_grad_()
    x = leaf[..., 0, :] + leaf[..., 1, :] * e
    (x * v).sum().backward()
    torch.testing.assert_close(node.pathwise(x.detach(), v), leaf.grad, rtol=1e-12, atol=1e-12)


# ---------------------------------------------------------------- relaxations


@pytest.mark.parametrize("node", DISCRETE)
def test_pullback_is_the_jacobian_of_the_mean(node: Discrete) -> None:
    leaf, v = node.theta.clone().requires_grad_(), normals(*node.theta.shape, seed=1)
    (law(node, leaf).mean * v).sum().backward()
    torch.testing.assert_close(node.pullback(node.probs, v), leaf.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("node", DISCRETE)
def test_tempered_is_the_mean_at_divided_logits(node: Discrete) -> None:
    torch.testing.assert_close(node.tempered(0.3), law(node, node.theta / 0.3).mean, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("node", DISCRETE)
def test_soft_points_harden_as_the_temperature_falls(node: Discrete) -> None:
    z = node.perturbed(noise(200), 2)
    distance = [float((node.soften(z, tau) - node.harden(z)).abs().mean()) for tau in (10.0, 1.0, 0.1, 1e-6)]
    assert distance == sorted(distance, reverse=True)
    assert distance[-1] < 1e-9


def test_coins_are_drawn_as_their_perturbation_hardens() -> None:
    node = Bernoulli(torch.tensor([-50.0, -5.0, 0.0, 1.0, 50.0], dtype=torch.float64))
    assert torch.equal(node.draw(noise(MANY), 2), node.harden(node.perturbed(noise(MANY), 2)))


@pytest.mark.parametrize("node", DISCRETE)
def test_conditional_noise_gives_the_outcome_back(node: Discrete) -> None:
    x = node.draw(noise(5000), 2)
    assert torch.equal(node.harden(node.conditional(x, noise(5000), "conditional")), x)


@pytest.mark.parametrize("how", ["perturbed", "conditional"])
@pytest.mark.parametrize("node", DISCRETE)
def test_perturbed_logits_have_one_law_be_they_drawn_at_once_or_given_a_draw(node: Discrete, how: str) -> None:
    """Kolmogorov-Smirnov on each coordinate; 20,000 draws see a shift of 0.03 in the distribution function."""
    source = noise(MANY)
    z = node.perturbed(source, 1) if how == "perturbed" else node.conditional(node.draw(source, 1), source, how)
    if node.family == "bernoulli":
        centred, null = z - node.theta, "logistic"
    else:
        centred, null = z - torch.log_softmax(node.theta, -1), "gumbel_r"
    assert all(stats.kstest(column, null).pvalue > FALSE_FAIL for column in centred.flatten(1).T)


@pytest.mark.parametrize("node", DISCRETE)
def test_conditional_pullback_is_the_derivative_of_the_conditional_noise(node: Discrete) -> None:
    source = noise(50)
    x, v = node.draw(source, 2), normals(50, 2, *node.theta.shape)
    leaf = node.theta.expand(x.shape).clone().requires_grad_()
    (node.with_theta(leaf).conditional(x, FixedNoise(50, **laid(node, x, source)), "c") * v).sum().backward()
    torch.testing.assert_close(node.conditional_pullback(x, source, v, "c"), leaf.grad, rtol=1e-12, atol=1e-14)
    z = node.conditional(x, source, "c")
    torch.testing.assert_close(node.pullback_given(x, z, v), leaf.grad, rtol=1e-11, atol=1e-13)


def laid(node: Discrete, x: Tensor, source: PhiloxNoise) -> dict[str, Tensor]:
    draw = source.uniform if node.family == "bernoulli" else source.exponential
    return {("uniform_c" if node.family == "bernoulli" else "exponential_c"): draw(*x.shape[1:], name="c")}


def test_conditional_gumbels_over_draws_are_independent() -> None:
    """Differences of independent Gumbels are logistic; Kolmogorov-Smirnov as above."""
    node = Categorical(normals(1, 4))
    x = node.draw(noise(MANY), 1)
    G = (node.conditional(x, noise(MANY), "conditional") - torch.log_softmax(node.theta, -1))[:, 0, 0]
    for j, k in torch.combinations(torch.arange(4)).tolist():
        assert stats.kstest(G[:, j] - G[:, k], "logistic").pvalue > FALSE_FAIL


# ---------------------------------------------------------------- extremes


@pytest.mark.parametrize("temperature", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("node", EXTREME)
def test_relaxations_stay_finite(node: Discrete, temperature: float) -> None:
    source = noise(1000, node.theta.dtype)
    x = node.draw(source, 1)
    soft = [
        node.probs,
        node.tempered(temperature),
        node.soften(node.perturbed(source, 1), temperature),
        node.soften(node.conditional(x, source, "conditional"), temperature),
    ]
    for y in soft:
        assert ((y >= 0) & (y <= 1)).all()
        v = node.pullback(y, torch.ones_like(y) * 1e3)
        assert torch.isfinite(v).all()
        assert torch.isfinite(node.conditional_pullback(x, source, v.expand(x.shape), "conditional")).all()
        z = node.perturbed(source, 1)
        assert torch.isfinite(node.pullback_given(node.harden(z), z, v.expand(x.shape))).all()


@pytest.mark.parametrize("node", EXTREME)
def test_scores_of_draws_stay_finite_and_masked_outcomes_are_never_drawn(node: Discrete) -> None:
    x = node.draw(noise(MANY, node.theta.dtype), 1)
    assert torch.isfinite(node.score(x)).all()
    assert torch.isfinite(node.log_prob(x)).all()


@pytest.mark.parametrize("node", EXTREME)
def test_only_outcomes_with_a_masked_class_are_impossible(node: Discrete) -> None:
    x = node.outcomes()
    masked = (x * torch.isneginf(node.theta)).flatten(1).any(-1)
    assert torch.equal(node.log_prob(x) == -INF, masked)


@pytest.mark.parametrize("node", EXTREME)
def test_conditional_noise_is_infinite_only_where_a_class_is_masked(node: Discrete) -> None:
    source = noise(1000, node.theta.dtype)
    z = node.conditional(node.draw(source, 1), source, "conditional")
    assert torch.equal(torch.isinf(z), torch.isinf(node.theta).expand(z.shape))
    assert not torch.isnan(z).any()


def conditional_of_a_coin(phi: float, v: float) -> float:
    """Return log((1 - p v) / (q v)), z given 1, in sixty digits."""
    with localcontext(prec=60):
        p = 1 / (1 + Decimal(-phi).exp())
        return float(((1 - p * Decimal(v)) / ((1 - p) * Decimal(v))).ln())


@pytest.mark.parametrize("short_of_one", [0.5, 1e-3, 1e-6, 0.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_conditional_noise_of_a_coin_is_exact_as_its_uniform_nears_one(dtype: torch.dtype, short_of_one: float) -> None:
    eps = torch.finfo(dtype).eps
    phi = torch.tensor([-50.0, -10.0, -5.0, 0.0, 5.0, 10.0, 50.0], dtype=dtype)
    v = torch.full((1, 1, len(phi)), 1 - short_of_one, dtype=dtype).clamp(max=1 - eps / 2)
    source, one = FixedNoise(1, uniform_c=v), torch.ones_like(v)
    expected = torch.tensor([conditional_of_a_coin(t, float(v[0, 0, 0])) for t in phi.tolist()], dtype=dtype)
    above = Bernoulli(phi).conditional(one, source, "c").flatten()
    below = Bernoulli(-phi).conditional(0 * one, source, "c").flatten()
    torch.testing.assert_close(above, expected, rtol=100 * eps, atol=0)
    torch.testing.assert_close(below, -expected, rtol=100 * eps, atol=0)


def slope_of_a_coin(phi: float, v: float) -> float:
    """Return d/dphi log((1 - p v) / (q v)) = p (1 - v) / (1 - p v), z given 1, in sixty digits."""
    with localcontext(prec=60):
        p = 1 / (1 + Decimal(-phi).exp())
        return float(p * (1 - Decimal(v)) / (1 - p * Decimal(v)))


@pytest.mark.parametrize("v", [1e-9, 0.5, 1 - 1e-3, 1 - 1e-6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_derivative_of_a_coins_conditional_noise_keeps_its_digits(dtype: torch.dtype, v: float) -> None:
    eps = torch.finfo(dtype).eps
    phi = torch.tensor([-50.0, -10.0, -5.0, 0.0, 5.0, 10.0, 50.0], dtype=dtype)
    u = torch.full((1, 1, len(phi)), v, dtype=dtype)
    source, one = FixedNoise(1, uniform_c=u), torch.ones_like(u)
    expected = torch.tensor([slope_of_a_coin(t, float(u[0, 0, 0])) for t in phi.tolist()], dtype=dtype)
    above = Bernoulli(phi).conditional_pullback(one, source, one, "c").flatten()
    below = Bernoulli(-phi).conditional_pullback(0 * one, source, one, "c").flatten()
    torch.testing.assert_close(above, expected, rtol=100 * eps, atol=0)
    torch.testing.assert_close(below, expected, rtol=100 * eps, atol=0)


@pytest.mark.parametrize("phi", [-50.0, 0.0, 50.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_derivative_of_a_choices_conditional_noise_keeps_its_digits(dtype: torch.dtype, phi: float) -> None:
    """z_1 of two classes given class 0, and E_0 / E_1 from 2^-50 to 2^50: dz_1 / dphi_1 = p_0 / (1 + p_1 E_0 / E_1)."""
    node = Categorical(torch.tensor([[0.0, phi]], dtype=dtype))
    power = torch.arange(-50.0, 51.0, 10.0, dtype=dtype).exp2()
    E = torch.stack([power, torch.ones_like(power)], -1).reshape(-1, 1, 1, 2)
    x, v = torch.zeros_like(E), torch.zeros_like(E)
    x[..., 0] = v[..., 1] = 1
    found = node.conditional_pullback(x, FixedNoise(len(E), exponential_c=E), v, "c")[..., 1].flatten()
    with localcontext(prec=60):
        p = 1 / (1 + Decimal(-phi).exp())
        expected = [float((1 - p) / (1 + p * Decimal(e))) for e in power.tolist()]
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(found, torch.tensor(expected, dtype=dtype), rtol=100 * eps, atol=eps)


# ---------------------------------------------------------------- what is refused

REFUSED = [
    pytest.param(Bernoulli, [0.0], TypeError, "logits.*list", id="no_tensor"),
    pytest.param(Bernoulli, torch.tensor([1, 0]), InputError, "logits.*int64", id="integers"),
    pytest.param(Bernoulli, torch.tensor(0.0), InputError, "logits.*shape", id="coin_without_axis"),
    pytest.param(Bernoulli, torch.zeros(2, 0), InputError, "logits.*empty", id="no_coins"),
    pytest.param(Bernoulli, torch.tensor([math.nan]), InputError, "logits.*NaN", id="nan_coin"),
    pytest.param(Bernoulli, torch.tensor([INF]), InputError, "logits.*inf", id="infinite_coin"),
    pytest.param(Categorical, [[0.0]], TypeError, "logits.*list", id="choice_no_tensor"),
    pytest.param(Categorical, torch.zeros(3), InputError, "logits.*shape", id="choice_without_classes"),
    pytest.param(Categorical, torch.zeros(2, 3, dtype=torch.int32), InputError, "logits.*int32", id="integer_choice"),
    pytest.param(Categorical, torch.tensor([[0.0, math.nan]]), InputError, "logits.*NaN", id="nan_choice"),
    pytest.param(Categorical, torch.tensor([[0.0, INF]]), InputError, "logits.*inf", id="infinite_choice"),
    pytest.param(Categorical, torch.tensor([[0.0, 1.0], [-INF, -INF]]), InputError, "logits.*masked", id="all_masked"),
    pytest.param(Normal, 1.0, TypeError, "loc_scale.*float", id="gaussian_no_tensor"),
    pytest.param(Normal, torch.ones(2), InputError, "loc_scale.*shape", id="gaussian_without_axis"),
    pytest.param(Normal, torch.ones(3, 1), InputError, "loc_scale.*shape", id="three_rows"),
    pytest.param(Normal, torch.tensor([[0.0], [0.0]]), InputError, "loc_scale.*positive", id="scale_zero"),
    pytest.param(Normal, torch.tensor([[0.0], [-1.0]]), InputError, "loc_scale.*positive", id="scale_negative"),
    pytest.param(Normal, torch.tensor([[-INF], [1.0]]), InputError, "loc_scale.*finite", id="infinite_location"),
    pytest.param(Normal, torch.tensor([[math.nan], [1.0]]), InputError, "loc_scale.*NaN", id="nan_location"),
]


@pytest.mark.parametrize(("family", "theta", "error", "message"), REFUSED)
def test_bad_parameters_are_refused_by_name(
    family: type[Node], theta: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        family(theta)


@pytest.mark.parametrize(
    "node", [Bernoulli(torch.zeros(21)), Categorical(torch.zeros(11, 4)), Categorical(torch.zeros(1, 2**14))]
)
def test_outcomes_too_many_to_list_are_refused(node: Discrete) -> None:
    with pytest.raises(InputError, match="outcomes"):
        node.outcomes()
