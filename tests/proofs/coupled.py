"""Coupled samples: rules, oracles and wrong twins."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from varbench.estimators import arm, arms, arsm, bitflip1, carms, disarm, rloo, stick_breaking_disarm, ugc

from ..coupled_rules import (
    over_copula_of_choices,
    over_copula_of_coins,
    over_flips,
    over_pairs,
    over_sticks,
    over_swaps,
)
from ..exact_moments import RULES, assert_variance
from ..surrogates import ORACLES, Choices, values
from ..twins import CHOICES, COIN, COINS, Check, follows_oracles, twin, unbiased

RULES |= {
    "arm": over_pairs,
    "arms": over_copula_of_coins,
    "bitflip1": over_flips,
    "ugc": over_flips,
    "carms": over_copula_of_choices,
    "stick_breaking_disarm": over_sticks,
    "ars": partial(over_swaps, "ars"),
    "arsm": partial(over_swaps, "arsm"),
}


# ---------------------------------------------------------------- oracles: coins


def linear(phi: Tensor, gradient: list[Tensor] | Tensor) -> Tensor:
    """Return the loss [N, *B] whose derivative in phi [N, 1, *B, D] is the gradient [N, *B, D], or one a coordinate."""
    g = torch.stack(gradient, -1) if isinstance(gradient, list) else gradient
    return (phi.squeeze(1) * g.detach()).sum(-1)


def coins(v: Choices) -> tuple[Tensor, Tensor, Tensor, Callable[[Tensor], Tensor]]:
    """Return phi, p [N, 1, *B, D], the coins' points [N, P, *B, D], and the cost of coins."""
    phi = v.logits[..., 0] - v.logits[..., 1]
    return phi, torch.sigmoid(phi.detach()), v.x[..., 0], lambda b: v.cost(torch.stack([b, 1 - b], -1))


def augment_reinforce_merge(v: Choices) -> Tensor:
    """Yin & Zhou 2019: (f(1[u > sigmoid(-phi)]) - f(1[u < sigmoid(phi)])) (u - 1/2), points and all."""
    phi, _, _, cost = coins(v)
    u = v.noise.uniform(v.S // 2, *phi.shape[2:])
    first, second = (u > torch.sigmoid(-phi)).to(u.dtype), (u < torch.sigmoid(phi)).to(u.dtype)
    return linear(phi, ((cost(first) - cost(second)).unsqueeze(-1) * (u - 0.5)).mean(1))


def debiased_pairs(v: Choices) -> Tensor:
    """Dimitriev & Zhou 2021: all pairs of samples, divided by p minus the probability that both are 1."""
    phi, p, b, _ = coins(v)
    f, n = values(v), v.S
    p = p.double()
    q = 1 - p

    def both(r: Tensor) -> Tensor:
        return (2 * r ** (1 / (n - 1)) - 1).clamp(min=0) ** (n - 1)

    one_and_one = torch.where(p < 0.5, both(p), 1 - 2 * q + both(q))
    total = sum((f[:, i] - f[:, j]).unsqueeze(-1) * (b[:, i] - b[:, j]) for i in range(n) for j in range(n) if i < j)
    return linear(phi, total / (n * (n - 1)) * (p * q / (p - one_and_one)).squeeze(1).to(phi.dtype))


def summed_out(v: Choices, b: Tensor) -> Tensor:
    """Return D p_j q_j (f(b, b_j = 1) - f(b, b_j = 0)) at the coordinate j of the noise, else 0 [N, n, *B, D]."""
    _, p, _, cost = coins(v)
    D = b.shape[-1]
    u = v.noise.uniform(*b.shape[1:-1], name="coordinate")
    columns = []
    for d in range(D):
        one, zero = b.clone(), b.clone()
        one[..., d], zero[..., d] = 1, 0
        here = (u >= d / D) & (u < (d + 1) / D)
        columns.append(here * D * (p * (1 - p))[..., d] * (cost(one) - cost(zero)))
    return torch.stack(columns, -1)


def one_coordinate_summed_out(v: Choices) -> Tensor:
    phi, _, b, _ = coins(v)
    return linear(phi, summed_out(v, b[:, : v.S // 2]).mean(1))


def clipped(v: Choices) -> Tensor:
    """Kunes et al. 2022: each coordinate by itself, after the threshold 1/(2 D)."""
    phi, p, b, cost = coins(v)
    n, D = v.S // 3, b.shape[-1]
    first, second = b[:, :n], b[:, n : 2 * n]
    flips = summed_out(v, first).mean(1)
    gradient = []
    for d in range(D):
        p_d = p[:, 0, ..., d]
        larger = torch.maximum(p_d, 1 - p_d)
        pairs = ((cost(first) - cost(second)) * (first - second)[..., d]).mean(1) / 2 * larger
        gradient.append(torch.where(1 - larger < 1 / (2 * D), flips[..., d], pairs))
    return linear(phi, gradient)


# ---------------------------------------------------------------- oracles: choices


def joint_of(p: list[float], S: int) -> list[list[float]]:
    """Return P(D_i = k, D_j = l) averaged over the orders: areas of rectangles under the copula, one by one."""
    K = len(p)
    table = carms.orders(K, torch.device("cpu")).tolist()
    total = [[0.0] * K for _ in range(K)]

    def cdf(u: float, v: float) -> float:
        return max(u ** (1 / (S - 1)) + v ** (1 / (S - 1)) - 1, 0) ** (S - 1)

    for order in table:
        interval, edge = {}, 0.0
        for k in order:
            interval[k] = (edge, min(edge + p[k], 1.0))
            edge = interval[k][1]
        for k, (a, b) in interval.items():
            for j, (c, d) in interval.items():
                total[k][j] += (cdf(b, d) - cdf(a, d) - cdf(b, c) + cdf(a, c)) / len(table)
    return total


def weighed_pairs(v: Choices) -> Tensor:
    """Dimitriev & Zhou 2021 (CARMS): the double sum over samples, its weights by the classes of each variable."""
    f, n = values(v), v.S
    nodes = v.logits.detach()[0, 0].double().softmax(-1)  # [*B, D, K], equal in all rows
    flat = nodes.flatten(0, -2)
    joints = torch.tensor([joint_of(p.tolist(), n) for p in flat], dtype=torch.float64).reshape(*nodes.shape, -1)
    weights = (nodes.unsqueeze(-1) * nodes.unsqueeze(-2) / joints).masked_fill(torch.eye(joints.shape[-1]) > 0, 0)
    loss = torch.zeros_like(f[:, 0])
    for i in range(n):
        for j in range(n):
            if i != j:
                r = torch.einsum("n...k,...kl,n...l->n...", v.x[:, i].double(), weights, v.x[:, j].double())
                log_p = (v.x[:, i] * torch.log_softmax(v.logits.squeeze(1), -1)).sum(-1)  # [N, *B, D]
                loss = loss + (r.to(f.dtype) * (f[:, i] - f[:, j]).unsqueeze(-1) * log_p).sum(-1)
    return loss / (n * (n - 1))


def sticks_by_cases(v: Choices) -> Tensor:
    """Dong et al. 2021: choices from sticks tossed one after the other, then each stick by its case."""
    logits, half = v.logits, v.S // 2
    K = logits.shape[-1]
    psi = [logits[..., k] - torch.logsumexp(logits[..., k + 1 :], -1) for k in range(K - 1)]  # [N, 1, *B, D] each
    u = v.noise.uniform(half, *logits.shape[2:-1], K - 1)

    def tossed(u: Tensor) -> Tensor:
        z = torch.full(u.shape[:-1], K - 1)
        for k in reversed(range(K - 1)):
            z = torch.where(u[..., k] < torch.sigmoid(psi[k]), k, z)
        return z

    z, z_ = tossed(u), tossed(1 - u)
    f, f_ = (v.cost(torch.nn.functional.one_hot(one, K).to(u.dtype)) for one in (z, z_))
    difference = (f - f_).unsqueeze(-1)
    loss = torch.zeros_like(f)
    for k in range(K - 1):
        log_one, log_zero = torch.nn.functional.logsigmoid(psi[k]), torch.nn.functional.logsigmoid(-psi[k])
        pair = torch.sigmoid(psi[k].detach().abs()) * psi[k] * ((z == k).to(u.dtype) - (z_ == k).to(u.dtype))
        alone = torch.where(z == k, log_one, log_zero)
        alone_ = -torch.where(z_ == k, log_one, log_zero)
        term = torch.where((z >= k) & (z_ >= k), pair, torch.where(z >= k, alone, torch.where(z_ >= k, alone_, 0)))
        loss = loss + (difference / 2 * term).sum(-1)
    return loss.mean(1)


def swapped_costs(v: Choices, E: Tensor, m: int, j: int) -> Tensor:
    """Return f(argmin_k pi_k^(m <-> j) exp(-phi_k)) [N, S, *B], m and j swapped in every variable."""
    swapped = E.clone()
    swapped[..., m], swapped[..., j] = E[..., j], E[..., m]
    z = (swapped.log() - v.logits.detach()).argmin(-1)
    return v.cost(torch.nn.functional.one_hot(z, E.shape[-1]).to(E.dtype))


def against_reference(v: Choices, E: Tensor, j: int) -> Tensor:
    """Yin et al. 2019, ARS with the reference class j: [N, S, *B, D, K]."""
    K = E.shape[-1]
    f = [swapped_costs(v, E, m, j) for m in range(K)]
    pi_j = E[..., j] / E.sum(-1)
    return torch.stack([((f[m] - sum(f) / K).unsqueeze(-1) * (1 - K * pi_j)) for m in range(K)], -1)


def augment_reinforce_swap(v: Choices) -> Tensor:
    K = v.logits.shape[-1]
    E = v.exponentials(v.S // K)
    u = v.noise.uniform(v.S // K, *v.logits.shape[2:-2], name="reference")[..., None, None]
    gradient = sum(((u >= j / K) & (u < (j + 1) / K)) * against_reference(v, E, j) for j in range(K))
    return linear(v.logits.flatten(-2), gradient.flatten(-2).mean(1))


def augment_reinforce_swap_merge(v: Choices) -> Tensor:
    K = v.logits.shape[-1]
    E = v.exponentials(v.S // (K * (K - 1) // 2 + 1))
    gradient = sum(against_reference(v, E, j) for j in range(K)) / K
    return linear(v.logits.flatten(-2), gradient.flatten(-2).mean(1))


ORACLES |= {
    "arm": (augment_reinforce_merge,),
    "arms": (debiased_pairs,),
    "bitflip1": (one_coordinate_summed_out,),
    "ugc": (clipped,),
    "carms": (weighed_pairs,),
    "stick_breaking_disarm": (sticks_by_cases,),
    "ars": (augment_reinforce_swap,),
    "arsm": (augment_reinforce_swap_merge,),
}


# ---------------------------------------------------------------- twins


def has_variance_of_arm() -> Check:
    """On (b - t)^2, Delta = 1 - 2t, m = min(p, q): Delta^2 (2/3 (1/8 - (1/2 - m)^3) - p^2 q^2)."""
    p = float(torch.sigmoid(COIN.theta))
    m = min(p, 1 - p)
    expected = 0.4**2 * (2 / 3 * (1 / 8 - (0.5 - m) ** 3) - (p * (1 - p)) ** 2)
    return lambda estimator: assert_variance(estimator, COIN, lambda b: (b - 0.3).square().sum(-1), 2, expected)


@twin("arm", unbiased(COINS, 3))
def arm_with_its_pair_the_wrong_way_round(node, noise, x, values, slopes):
    return -arm.combine(node, noise, x, values, slopes)


@twin("arm", has_variance_of_arm())
def arm_without_its_one_half(node, noise, x, values, slopes):
    f, f_ = values.chunk(2, 1)
    return ((f_ - f).unsqueeze(-1) * noise.uniform(x.shape[1] // 2, *node.logits.shape)).mean(1)


@twin("arms", unbiased(COINS, 3))
@twin("arms", unbiased(COINS, 3, S=3))
def arms_without_its_debiasing_factor(node, noise, x, values, slopes):
    return rloo.combine(node, noise, x, values, slopes)


@twin("arms", unbiased(COIN, 3, S=3))
def arms_debiased_by_p_where_p_is_large(node, noise, x, values, slopes):
    S, p = values.shape[1], node.probs
    both = (2 * p ** (1 / (S - 1)) - 1).clamp(min=0) ** (S - 1)
    return rloo.combine(node, noise, x, values, slopes) * p * (1 - p) / (p - both)


@twin("arms", unbiased(COIN, 3, S=3), half="sample")
def arms_without_inversion(node, noise, S):
    right = arms.sample(node, noise, S)
    E = noise.exponential(S, *node.logits.shape)
    u = (1 - E / E.sum(1, keepdim=True)) ** (S - 1)
    return torch.where(u < node.probs, torch.ones_like(right), 0)


@twin("bitflip1", unbiased(COINS, 3))
def bitflip1_without_the_number_of_coordinates(node, noise, x, values, slopes):
    return bitflip1.combine(node, noise, x, values, slopes) / x.shape[-1]


@twin("bitflip1", unbiased(COINS, 3))
def bitflip1_weighted_by_p(node, noise, x, values, slopes):
    return bitflip1.combine(node, noise, x, values, slopes) / (1 - node.probs)


@twin("ugc", unbiased(COINS, 3))
def ugc_with_the_flip_thought_to_be_always_of_this_coordinate(node, noise, x, values, slopes):
    certain = torch.minimum(node.probs, 1 - node.probs) < 1 / (2 * x.shape[-1])
    return ugc.combine(node, noise, x, values, slopes) * torch.where(certain, 1 / x.shape[-1], 1)


@twin("ugc", follows_oracles(COINS))
def ugc_with_the_threshold_on_p_alone(node, noise, x, values, slopes):
    S = 2 * (x.shape[1] // 3)
    b, _, flipped = x.chunk(3, 1)
    f, _, g = values.chunk(3, 1)
    pairs = disarm.combine(node, noise, x[:, :S], values[:, :S], slopes)
    single = bitflip1.combine(node, noise, torch.cat([b, flipped], 1), torch.cat([f, g], 1), slopes)
    return torch.where(node.probs < 1 / (2 * x.shape[-1]), single, pairs)


def carms_with(weights: Tensor, node, x, values):
    S = values.shape[1]
    r = torch.einsum("ns...k,...kl,nt...l->nst...", x, weights, x)
    weight = (r * (values.unsqueeze(2) - values.unsqueeze(1)).unsqueeze(-1)).sum(2).unsqueeze(-1)
    return (weight * node.score(x)).sum(1) / (S * (S - 1))


@twin("carms", unbiased(CHOICES, 3))
@twin("carms", unbiased(CHOICES, 3, S=3))
def carms_with_its_weights_clipped(node, noise, x, values, slopes):
    p = node.probs
    r = p.unsqueeze(-1) * p.unsqueeze(-2) / carms.joint(node, values.shape[1])
    return carms_with(torch.where(r > 0, r, 0).clamp(max=1), node, x, values)


@twin("carms", unbiased(CHOICES, 3, S=3))
def carms_without_weights(node, noise, x, values, slopes):
    return rloo.combine(node, noise, x, values, slopes)


@twin("carms", unbiased(CHOICES, 3, S=3))
def carms_with_the_joint_of_two_samples(node, noise, x, values, slopes):
    p = node.probs
    return carms_with(p.unsqueeze(-1) * p.unsqueeze(-2) / carms.joint(node, 2), node, x, values)


@twin("stick_breaking_disarm", unbiased(CHOICES, 3))
def stick_breaking_disarm_without_overhang(node, noise, x, values, slopes):
    z, z_ = x.chunk(2, 1)
    f, f_ = values.chunk(2, 1)
    both = (z.cumsum(-1) - z < 0.5) & (z_.cumsum(-1) - z_ < 0.5)
    s = torch.sigmoid(stick_breaking_disarm._sticks(node).abs())
    g = torch.where(both[..., :-1], (z - z_)[..., :-1] * s, 0) * (f - f_)[..., None, None] / 2
    return stick_breaking_disarm._to_logits(node, g.mean(1))


@twin("stick_breaking_disarm", unbiased(CHOICES, 3))
def stick_breaking_disarm_with_disarm_on_the_overhang_too(node, noise, x, values, slopes):
    z, z_ = x.chunk(2, 1)
    f, f_ = values.chunk(2, 1)
    s = torch.sigmoid(stick_breaking_disarm._sticks(node).abs())
    g = (z - z_)[..., :-1] * s * (f - f_)[..., None, None] / 2
    return stick_breaking_disarm._to_logits(node, g.mean(1))


@twin("stick_breaking_disarm", unbiased(CHOICES, 3))
def stick_breaking_disarm_in_its_sticks(node, noise, x, values, slopes):
    g = stick_breaking_disarm.combine(node, noise, x, values, slopes)
    own = torch.cat([g[..., :-1], torch.zeros_like(g[..., :1])], -1)
    shared_out = own - stick_breaking_disarm._to_logits(node, g[..., :-1])
    return g + shared_out


def has_mean_and_draws_of_ars(estimator) -> None:
    unbiased(CHOICES, 3, S=1)(estimator)
    follows_oracles(CHOICES)(estimator)


@twin("ars", unbiased(CHOICES, 3, S=1))
def ars_with_the_entry_of_the_swapped_class(node, noise, x, values, slopes):
    K = node.logits.shape[-1]
    S = values.shape[1] // K
    E = noise.exponential(S, *node.logits.shape)
    F = values.unflatten(1, (S, K)).movedim(2, -1)
    return ((F - F.mean(-1, keepdim=True)).unsqueeze(-2) * (1 - K * E / E.sum(-1, keepdim=True))).mean(1)


@twin("ars", has_mean_and_draws_of_ars)
def ars_without_its_mean(node, noise, x, values, slopes):
    K = node.logits.shape[-1]
    S = values.shape[1] // K
    E = noise.exponential(S, *node.logits.shape)
    j = (noise.uniform(S, name="reference") * K).long()[..., None, None].expand(*E.shape[:-1], 1)
    F = values.unflatten(1, (S, K)).movedim(2, -1)
    return (F.unsqueeze(-2) * (1 - K * E.gather(-1, j) / E.sum(-1, keepdim=True))).mean(1)


@twin("arsm", unbiased(CHOICES, 3, S=1))
def arsm_summed_over_references(node, noise, x, values, slopes):
    return node.logits.shape[-1] * arsm.combine(node, noise, x, values, slopes)


@twin("arsm", follows_oracles(CHOICES), half="sample")
def arsm_that_swaps_in_the_first_variable_alone(node, noise, S):
    right = arsm.sample(node, noise, S)
    Q = right.shape[1] // S
    unswapped = right.unflatten(1, (S, Q))[:, :, :1].expand(-1, -1, Q, *right.shape[2:]).flatten(1, 2)
    return torch.cat([right[..., :1, :], unswapped[..., 1:, :]], -2)
