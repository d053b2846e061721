"""Exact rules for coupled samples: cells of noise in which the points do not change, with their probabilities."""

from collections.abc import Sequence
from functools import cache
from itertools import combinations, product

import torch
from torch import Tensor

from varbench.estimators import carms
from varbench.estimators.estimator import load
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.node import Node

from .exact_moments import Axis, FixedNoise, Rule, legendre
from .exact_moments import product as grid

NEGLIGIBLE = 1e-15  # probability of a cell that is left out


def joined(axes: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return the product of rules whose numbers are rows [Q, ...]: rows [Q1 Q2 ..., len(axes), ...] and weights."""
    index, weights = grid([(torch.arange(len(w)), w) for _, w in axes])
    return torch.stack([rows[i] for (rows, _), i in zip(axes, index.T, strict=True)], 1), weights


def antithetic(p: Tensor, order: int | None = None) -> list[Axis]:
    """Return for each probability the cells of u in which neither u < p nor 1 - u < p changes: midpoints, or rules."""
    axes = []
    for low, high in zip(torch.minimum(p, 1 - p), torch.maximum(p, 1 - p), strict=True):
        edges = torch.stack([torch.zeros_like(low), low, high, torch.ones_like(low)])
        axes.append(legendre(edges, order or 1))
    return axes


# ---------------------------------------------------------------- antithetic coins


def over_pairs(node: Node, S: int) -> Rule:
    """Two Gauss-Legendre nodes in each cell, S/2 D uniforms: exact where a draw is linear in each of them."""
    p = torch.sigmoid(node.theta)
    u, weights = grid(antithetic(p, order=2) * (S // 2))
    return Rule(weights, FixedNoise(len(u), uniform_x=u.reshape(-1, S // 2, len(p))))


def over_flips(node: Node, S: int) -> Rule:
    """The cells of the coins, and the coordinate that is flipped."""
    p = torch.sigmoid(node.theta)
    D = len(p)
    coordinate = ((torch.arange(D) + 0.5).double() / D, torch.full((D,), 1 / D, dtype=torch.float64))
    numbers, weights = grid([*antithetic(p), coordinate] * (S // 2))
    numbers = numbers.reshape(-1, S // 2, D + 1)
    noise = FixedNoise(len(numbers), uniform_x=numbers[..., :D], uniform_coordinate=numbers[..., D])
    return Rule(weights, noise)


def over_sticks(node: Node, S: int) -> Rule:
    """The cells of every stick of every variable."""
    p = torch.softmax(node.theta, -1)
    s = (p / p.flip(-1).cumsum(-1).flip(-1))[:, :-1]
    u, weights = grid(antithetic(s.flatten()) * (S // 2))
    return Rule(weights, FixedNoise(len(u), uniform_x=u.reshape(-1, S // 2, *s.shape)))


# ---------------------------------------------------------------- the Dirichlet copula


def copula_cells(edges: Tensor, S: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return where S uniforms of the copula fall between edges [K + 1].

    With g = u^(1/(S-1)), P(all u_i < v_i) = P(all d_i > 1 - g_i) = max(sum_i g_i - (S-1), 0)^(S-1), and a cell's
    probability follows by inclusion and exclusion over its corners.

    Returns:
        The cells' intervals [M, S], Dirichlet vectors d inside them [M, S], and their probabilities [M].
    """
    g = edges ** (1 / (S - 1))
    cells = torch.tensor(list(product(range(len(edges) - 1), repeat=S)))
    low, high = g[cells], g[cells + 1]
    probability = torch.zeros(len(cells), dtype=edges.dtype)
    for corner in product((False, True), repeat=S):
        reach = torch.where(torch.tensor(corner), low, high).sum(-1) - (S - 1)
        probability += (-1) ** sum(corner) * reach.clamp(min=0) ** (S - 1)
    inside = (S - 1 - low.sum(-1, keepdim=True)) / (high - low).sum(-1, keepdim=True)
    kept = probability > NEGLIGIBLE
    return cells[kept], (1 - low - inside * (high - low))[kept], probability[kept]


def over_copula_of_coins(node: Node, S: int) -> Rule:
    """The sets of samples that show the rarer side, for every coin."""
    axes = []
    for phi in node.theta:
        m = torch.sigmoid(-phi.abs())
        _, d, weights = copula_cells(torch.stack([torch.zeros_like(m), m, torch.ones_like(m)]), S)
        axes.append((d, weights))
    d, weights = joined(axes)  # [N, D, S]
    return Rule(weights, FixedNoise(len(d), exponential_x=d.mT.contiguous()))


def over_copula_of_choices(node: Node, S: int) -> Rule:
    """The order of the classes, and the classes of all samples in it, for every variable."""
    K = node.theta.shape[-1]
    table = carms.orders(K, node.theta.device)
    axes = []
    for p in torch.softmax(node.theta, -1):
        rows, weights = [], []
        for number, order in enumerate(table):
            edges = torch.cat([torch.zeros(1, dtype=p.dtype), p[order].cumsum(0)]).clamp(max=1)
            _, d, probability = copula_cells(edges, S)
            which = torch.full((len(d), 1), (number + 0.5) / len(table), dtype=p.dtype)
            rows.append(torch.cat([d, which], 1))
            weights.append(probability / len(table))
        axes.append((torch.cat(rows), torch.cat(weights)))
    numbers, weights = joined(axes)  # [N, D, S + 1]
    noise = FixedNoise(len(numbers), exponential_x=numbers[..., :S].mT.contiguous(), uniform_order=numbers[..., S])
    return Rule(weights, noise)


# ---------------------------------------------------------------- swapped Dirichlet vectors


def cut(simplices: Tensor, plane: Tensor) -> Tensor:
    """Return simplices [M, K, K], rows their vertices, cut until none of them has vertices on both sides of a plane."""
    whole = [simplices[:0]]
    while len(simplices):
        side = simplices @ plane
        side = torch.where(side.abs() < 1e-13, 0, side)
        crossed = (side.amax(1) > 0) & (side.amin(1) < 0)
        whole.append(simplices[~crossed])
        simplices, side = simplices[crossed], side[crossed]
        row, a, b = torch.arange(len(side)), side.argmax(1), side.argmin(1)
        at_a, at_b = side[row, a, None], side[row, b, None]
        between = (at_a * simplices[row, b] - at_b * simplices[row, a]) / (at_a - at_b)
        one, other = simplices.clone(), simplices.clone()
        one[row, a], other[row, b] = between, between
        simplices = torch.cat([one, other])
    return torch.cat(whole)


@cache
def swap_cells(weights: tuple[float, ...]) -> Tensor:
    """Return simplices of Dirichlet vectors pi on which argmin_i pi_swap(i) weights_i changes under no swap."""
    K = len(weights)
    simplices = torch.eye(K, dtype=torch.float64).unsqueeze(0)
    for m, j in [(0, 0), *combinations(range(K), 2)]:
        swap = list(range(K))
        swap[m], swap[j] = j, m
        heights = torch.zeros(K, K, dtype=torch.float64)
        heights[swap, range(K)] = torch.tensor(weights, dtype=torch.float64)  # pi @ heights are those compared
        whole = []
        for i, k in [(0, 0), *combinations(range(K), 2)]:
            simplices = cut(simplices, heights[:, i] - heights[:, k])
            at = simplices @ heights  # [M, K vertices, K]
            settled = (at <= at.amin(-1, keepdim=True) + 1e-13).all(1).any(1)  # one i is least at all vertices
            whole.append(simplices[settled])
            simplices = simplices[~settled]
        simplices = torch.cat([*whole, simplices])
    return simplices


@cache
def over_patterns(
    name: str, logits: tuple[float, ...], reference: float, spread: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the patterns of swapped actions of one variable [M, Q, K], vectors pi [M, K] and weights [M].

    A draw is linear in pi where the actions do not change. So the mean of pi on each pattern gives the exact mean of
    draws; spread out to 2 (K-1) vectors that have its covariance there too, the exact variance.
    """
    K, phi = len(logits), torch.tensor(logits, dtype=torch.float64)
    simplices = swap_cells(tuple(torch.exp(-phi).tolist()))
    volume = torch.linalg.det(simplices).abs()
    centre = simplices.mean(1)
    chosen = torch.full((len(centre), 1), reference, dtype=torch.float64)
    noise = FixedNoise(len(centre), exponential_x=centre.reshape(-1, 1, 1, K), uniform_reference=chosen)
    found = load(name).sample(Categorical(phi.unsqueeze(0)), noise, 1).squeeze(2)  # [M, Q, K]
    patterns, which = found.flatten(1).unique(dim=0, return_inverse=True)
    total = simplices.sum(1)
    second = (simplices.mT @ simplices + total.unsqueeze(-1) * total.unsqueeze(-2)) / (K * (K + 1))

    def summed(x: Tensor) -> Tensor:
        return torch.zeros(len(patterns), *x.shape[1:], dtype=x.dtype).index_add_(0, which, x)

    weights = summed(volume)
    mean = summed(volume[:, None] * centre) / weights[:, None]
    patterns = patterns.reshape(-1, *found.shape[1:])
    if not spread:
        return patterns, mean, weights
    covariance = summed(volume[:, None, None] * second) / weights[:, None, None] - mean.unsqueeze(-1) * mean.unsqueeze(
        -2
    )
    value, vector = torch.linalg.eigh(covariance)
    step = (vector * ((K - 1) * value.clamp(min=0)).sqrt().unsqueeze(-2)).mT[
        :, 1:
    ]  # without (1, ..., 1), which is fixed
    pi = torch.cat([mean.unsqueeze(1) + step, mean.unsqueeze(1) - step], 1)  # [M, 2 (K-1), K]
    each = 2 * (K - 1)
    return patterns.repeat_interleave(each, 0), pi.flatten(0, 1), (weights / each).repeat_interleave(each)


def over_swaps(name: str, node: Node, S: int, spread: bool = False) -> Rule:
    """The patterns of swapped actions of every variable and sample, and the reference class of every sample of ars."""
    K = node.theta.shape[-1]
    references = [(j + 0.5) / K for j in range(K)] if name == "ars" else [0.5]
    rows, weights = [], []
    for reference in references:
        axes = []
        for phi in node.theta:
            patterns, pi, probability = over_patterns(name, tuple(phi.tolist()), reference, spread)
            axes.append((torch.cat([patterns, pi.unsqueeze(1)], 1), probability))
        numbers, probability = joined(axes)  # [M, D, Q + 1, K]
        rows.append(torch.cat([numbers, torch.full_like(numbers[:, :, :1], reference)], 2))
        weights.append(probability / len(references))
    numbers, probability = joined([(torch.cat(rows), torch.cat(weights))] * S)  # [N, S, D, Q + 2, K]
    points = numbers[..., :-2, :].movedim(3, 2).flatten(1, 2)  # [N, S Q, D, K]
    noise = FixedNoise(len(points), exponential_x=numbers[..., -2, :], uniform_reference=numbers[:, :, 0, -1, 0])
    return Rule(probability, noise, points)
