"""Partial sums and samples without replacement: oracles, exact rules, wrong twins."""

from collections import Counter
from collections.abc import Callable
from itertools import permutations

import torch
from scipy.stats import chi2
from torch import Tensor
from torch.nn.functional import one_hot

from varbench.estimators import indecater, rao_blackwell_topk
from varbench.estimators.estimator import Estimator, weighted
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise
from varbench.estimators.without_replacement import gumbel_top_k, most_probable

from ..exact_moments import RULES, FixedNoise, Rule, law, product
from ..surrogates import ORACLES, Choices, values
from ..twins import CHOICES, COINS, EXACT_ON_A_COIN, FALSE_FAIL, twin, unbiased

# ---------------------------------------------------------------- rules


def outcome_probabilities(node: Node) -> list[float]:
    return law(node).log_prob(node.outcomes()).exp().tolist()


def sequences(p: list[float], k: int) -> dict[tuple[int, ...], float]:
    """Return the probability of each sequence of k outcomes without replacement, one draw after the other."""
    found = {}
    for order in permutations(range(len(p)), k):
        weight, left = 1.0, 1.0
        for outcome in order:
            weight, left = weight * p[outcome] / left, left - p[outcome]
        found[order] = weight
    return found


def over_sequences(node: Node, S: int) -> Rule:
    """All sequences of S joint outcomes without replacement."""
    outcomes = node.outcomes()
    found = sequences(outcome_probabilities(node), min(S, len(outcomes)))
    weights = torch.tensor(list(found.values()), dtype=torch.float64)
    return Rule(weights, FixedNoise(len(found)), outcomes[torch.tensor(list(found))])


def over_the_rest(node: Node, S: int) -> Rule:
    """The S - 1 most probable joint outcomes, and each of the others in its turn."""
    outcomes = node.outcomes()
    p = torch.tensor(outcome_probabilities(node), dtype=torch.float64)
    order = p.argsort(descending=True, stable=True)
    top, rest = order.split([min(S, len(p)) - 1, len(p) - min(S, len(p)) + 1])
    rows = torch.cat([top.expand(len(rest), -1), rest.unsqueeze(-1)], 1)
    return Rule(p[rest] / p[rest].sum(), FixedNoise(len(rest)), outcomes[rows])


def over_uniforms(node: Node, S: int) -> Rule:
    """All joint outcomes of S independent points, each by a uniform in the middle of what chooses it."""
    outcomes = node.outcomes()
    p = torch.sigmoid(node.theta) if node.family == "bernoulli" else torch.softmax(node.theta, -1)
    if node.family == "bernoulli":
        u = torch.where(outcomes > 0.5, p / 2, (1 + p) / 2)
    else:
        u = (outcomes * (p.cumsum(-1) - p / 2)).sum(-1)
    index = torch.arange(len(outcomes))
    rows, weights = product([(index, torch.tensor(outcome_probabilities(node), dtype=torch.float64))] * S)
    noise = FixedNoise(len(rows), uniform_x=u[rows])
    assert torch.equal(node.draw(noise, S), outcomes[rows])
    return Rule(weights, noise)


RULES.update(rao_blackwell_topk=over_the_rest, unordered_set=over_sequences, indecater=over_uniforms)
EXACT_ON_A_COIN.update(
    {"rao_blackwell_topk", "sum_and_sample", "unordered_set", "indecater", "local_expectation"}
)  # two outcomes of two are all there are


# ---------------------------------------------------------------- oracles


def top_and_rest(v: Choices) -> Tensor:
    """Liu et al. 2019: sum_c q(c) f(c) differentiated as it stands, then (1 - q(C)) times reinforce on the rest."""
    q = v.log_prob().exp()
    summed = (q[:, :-1] * values(v)[:, :-1]).sum(1)
    rest = 1 - q[:, :-1].detach().sum(1)
    return summed + rest * values(v)[:, -1] * v.log_prob()[:, -1]


def set_probability(p: list[Tensor], left: Tensor) -> Tensor:
    """Return the probability to draw these outcomes, in any order, from a domain of this mass."""
    total = torch.zeros_like(left)
    for order in permutations(p):
        weight, mass = torch.ones_like(left), left
        for outcome in order:
            weight, mass = weight * outcome / mass, mass - outcome
        total = total + weight
    return total


def unordered(v: Choices) -> Tensor:
    """Kool et al. 2020, with the sum over all orders, in double precision; grad p(s) = p(s) grad log p(s)."""
    q, f = v.log_prob().double().exp(), values(v)
    p = list(q.detach().unbind(1))
    k, one = len(p), torch.ones_like(p[0])
    whole, total = set_probability(p, one), torch.zeros_like(f[:, 0])
    for s in range(k):
        others = [i for i in range(k) if i != s]
        without_s = set_probability([p[i] for i in others], one - p[s])
        baseline = p[s] * f[:, s]
        for i in others:
            rest = [p[j] for j in others if j != i]
            ratio = set_probability(rest, one - p[s] - p[i]) / without_s
            baseline = baseline + p[i] * ratio * f[:, i]
        total = total + q[:, s] * without_s / whole * (f[:, s] - baseline)
    return total


def sums_over_classes(v: Choices) -> Tensor:
    """De Smet et al. 2023: sum_dk p_dk mean_n f(x_{-d}^n, k), the probabilities alone differentiated."""
    D, K = v.x.shape[-2:]
    own = v.x[:, :: 1 + D * (K - 1)]
    p, total = torch.softmax(v.logits, -1), torch.zeros(())
    for d in range(D):
        for k in range(K):
            x = own.clone()
            x[..., d, :] = one_hot(torch.tensor(k), K).to(x)
            total = total + p[..., d, k].squeeze(1) * v.cost(x).detach().mean(1)
    return total


def local_expectations(v: Choices) -> Tensor:
    """Titsias & Lazaro-Gredilla 2015: E[f grad log q(x_d)] under q(x_d | x_{-d}), from the joint law."""
    D, K = v.x.shape[-2:]
    own = v.x[:, :: 1 + D * (K - 1)]
    log_q, total = torch.log_softmax(v.logits, -1), torch.zeros(())
    for d in range(D):
        changed = []
        for k in range(K):
            x = own.clone()
            x[..., d, :] = one_hot(torch.tensor(k), K).to(x)
            changed.append(x)
        joint = torch.stack([(x * log_q).sum((-1, -2)) for x in changed], -1).detach()
        given_the_others = torch.softmax(joint, -1)  # [N, S, *B, K]
        for k, x in enumerate(changed):
            total = total + (given_the_others[..., k] * v.cost(x).detach() * log_q[..., d, k]).mean(1)
    return total


ORACLES.update(
    rao_blackwell_topk=(top_and_rest,),
    unordered_set=(unordered,),
    indecater=(sums_over_classes, local_expectations),
)


# ---------------------------------------------------------------- the laws of what is sampled


def assert_frequencies(drawn: Tensor, expected: dict[tuple[int, ...], float], outcomes: Tensor) -> None:
    """Assert by Pearson's chi^2 that rows of outcomes [N, k, *event] have these probabilities.

    A right sample fails with probability 1e-6. With 40,000 rows a change of 1 % in probability, from the likeliest
    to the others, is caught with probability above 0.99 for up to 100 sequences.
    """
    equal = (drawn.unsqueeze(2) == outcomes).flatten(3).all(-1)  # [N, k, M]
    seen = Counter(map(tuple, equal.to(torch.uint8).argmax(-1).tolist()))
    N = len(drawn)
    assert set(seen) <= set(expected), "a sequence that cannot be is not absent"
    statistic = sum((seen[key] - N * p) ** 2 / (N * p) for key, p in expected.items())
    limit = chi2.isf(FALSE_FAIL, len(expected) - 1)
    assert statistic < limit, f"chi^2 {statistic} is not below {limit}"


def draws_the_rest(S: int) -> Callable[[Estimator], None]:
    """The last point is one of those that are not summed, by its share of their mass."""

    def check(estimator: Estimator) -> None:
        rule = over_the_rest(CHOICES, S)
        assert rule.points is not None
        drawn = estimator.sample(CHOICES, PhiloxNoise(0, "rest", 0, 40_000), S)
        top = rule.points[0, :-1]
        assert torch.equal(drawn[:, :-1], top.expand(len(drawn), *top.shape)), "what is summed is not the top"
        expected = {(i,): float(w) for i, w in enumerate(rule.weights)}
        assert_frequencies(drawn[:, -1:], expected, rule.points[:, -1])

    return check


def draws_without_replacement(estimator: Estimator) -> None:
    for node in (CHOICES, COINS):
        outcomes = node.outcomes()
        drawn = estimator.sample(node, PhiloxNoise(0, "sequences", 0, 40_000), 2)
        assert_frequencies(drawn, sequences(outcome_probabilities(node), 2), outcomes)


# ---------------------------------------------------------------- twins


@twin("rao_blackwell_topk", unbiased(CHOICES, 3))
def rest_without_its_mass(node, noise, x, values, slopes):
    weights = torch.cat([node.log_prob(x[:, :-1]).exp(), torch.ones_like(values[:, -1:])], 1)
    return weighted(weights * values, node.score(x)).sum(1)


@twin("rao_blackwell_topk", unbiased(CHOICES, 3))
def rest_weighted_by_its_own_probability(node, noise, x, values, slopes):
    return weighted(node.log_prob(x).exp() * values, node.score(x)).sum(1)


@twin("rao_blackwell_topk", draws_the_rest(3), half="sample")
def rest_drawn_from_all(node, noise, S):
    return torch.cat([rao_blackwell_topk.sample(node, noise, S)[:, :-1], node.draw(noise, 1)], 1)


@twin("rao_blackwell_topk", draws_the_rest(3), half="sample")
def rest_is_the_last_drawn(node, noise, S):
    return torch.cat([rao_blackwell_topk.sample(node, noise, S)[:, :-1], gumbel_top_k(node, noise, S)[:, -1:]], 1)


@twin("rao_blackwell_topk", draws_the_rest(3), half="sample")
def rest_is_uniform(node, noise, S):
    M = node.num_outcomes
    rest = most_probable(node, M)[S - 1 :]
    index = (noise.uniform()[:, None] * (M - S + 1)).long()
    return torch.cat([rao_blackwell_topk.sample(node, noise, S)[:, :-1], rest[index]], 1)


def _unordered(node, x, values, ratio_of_pairs, ratio):
    """The estimator in loops, from two ratios that a twin gets wrong."""
    p = node.log_prob(x).exp()
    k = p.shape[1]
    terms = []
    for s in range(k):
        baseline = sum(ratio_of_pairs(p, s, i) * p[:, i] * values[:, i] for i in range(k))
        terms.append(p[:, s] * ratio(p, s) * (values[:, s] - baseline))
    return weighted(torch.stack(terms, 1), node.score(x)).sum(1)


def _of_two(p, s):
    """R(S, s) for two outcomes: P(S) = p_1 p_2 (1 / (1 - p_1) + 1 / (1 - p_2))."""
    a, b = p[:, 0], p[:, 1]
    return p[:, 1 - s] / (1 - p[:, s]) / (a * b / (1 - a) + a * b / (1 - b))


def _pair(p, s, i):
    return torch.ones_like(p[:, s]) if i == s else (1 - p[:, s]) / p[:, i]


@twin("unordered_set", unbiased(CHOICES, 3))
def unordered_with_a_baseline_of_the_others_alone(node, noise, x, values, slopes):
    return _unordered(node, x, values, lambda p, s, i: _pair(p, s, i) * (i != s), _of_two)


@twin("unordered_set", unbiased(CHOICES, 3))
def unordered_with_ratios_of_the_whole_domain_in_the_baseline(node, noise, x, values, slopes):
    return _unordered(node, x, values, lambda p, s, i: _of_two(p, i), _of_two)


@twin("unordered_set", unbiased(CHOICES, 3))
def unordered_with_normalised_probabilities(node, noise, x, values, slopes):
    return _unordered(node, x, values, _pair, lambda p, s: 1 / p.sum(1))


@twin("unordered_set", draws_without_replacement, half="sample")
def draws_with_replacement(node, noise, S):
    return node.draw(noise, S)


@twin("unordered_set", draws_without_replacement, half="sample")
def one_noise_for_all_prefixes(node, noise, S):
    """Every prefix of the tree gets the noise of the first."""

    class Repeating:
        rows = noise.rows

        def exponential(self, beams, K, name):
            return noise.exponential(1, K, name=name).expand(-1, beams, K)

    return gumbel_top_k(node, Repeating(), S)


@twin("indecater", unbiased(CHOICES, 3))
def indecater_summed_over_classes_without_the_centre(node, noise, points, values, slopes):
    """grad p_dk is p_k (1[j = k] - p_j), not p_k alone."""
    D, K = node.event_shape
    f = values.unflatten(1, (-1, 1 + D * (K - 1)))
    x = points.unflatten(1, (-1, 1 + D * (K - 1)))
    F = sum(
        (x[:, :, 1 + d * (K - 1) + j] * f[:, :, 1 + d * (K - 1) + j, None, None])
        * (torch.arange(D) == d).double().unsqueeze(-1)
        for d in range(D)
        for j in range(K - 1)
    )
    return node.probs * (F + x[:, :, 0] * f[:, :, 0, None, None]).mean(1)


@twin("indecater", unbiased(COINS, 3))
def indecater_with_the_sign_of_the_sample_forgotten(node, noise, points, values, slopes):
    f = values.unflatten(1, (-1, 1 + node.event_shape[0]))
    return node.pullback(node.probs, (f[:, :, 1:] - f[:, :, :1]).mean(1))


@twin("indecater", unbiased(COINS, 3))
def indecater_weighted_by_its_own_probability(node, noise, points, values, slopes):
    right = indecater.combine(node, noise, points, values, slopes)
    return right / (1 - node.probs)
