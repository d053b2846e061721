"""CARMS: antithetic categorical samples, each pair weighed back to independence."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ._dirichlet_copula import joint_cdf, uniforms
from .families.categorical import Categorical
from .noise import Noise


def sample(node: Categorical, noise: Noise, S: int) -> Tensor:
    """Return S coupled choices [N, S, *B, D, K]: cumulative probabilities, in a random order of the classes, inverted.

    The order is drawn for each variable from ``orders``, the copula's uniforms are shared out over the S choices.
    """
    K = node.logits.shape[-1]
    table = orders(K, node.logits.device)
    which = (noise.uniform(*node.logits.shape[:-1], name="order") * len(table)).long().clamp(max=len(table) - 1)
    order = table[which].unsqueeze(1)  # [N, 1, *B, D, K]
    upper = node.probs.expand(order.shape).gather(-1, order).cumsum(-1)
    lower = torch.cat([torch.zeros_like(upper[..., :1]), upper[..., :-1]], -1)
    u = uniforms(noise, S, *node.logits.shape[:-1]).unsqueeze(-1) * upper[..., -1:]
    u = u.clamp(min=torch.finfo(u.dtype).tiny)  # the copula's uniforms may round to 0, which no class holds
    place = ((u > lower) & (u <= upper)).to(torch.uint8).argmax(-1, keepdim=True)  # [N, S, *B, D, 1]
    chosen = order.expand(*place.shape[:-1], K).gather(-1, place).squeeze(-1)
    return one_hot(chosen, K).to(node.logits.dtype)


def combine(node: Categorical, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return 1/(S (S-1)) sum_i (D_i - p) sum_{j != i} r_ij (f_i - f_j), r = p(D_i) p(D_j) / P(D_i, D_j): unbiased.

    Departures from the paper: r is not clipped, which would bias it; and the order of the classes is random, P being
    the joint probability averaged over the orders. In one fixed order many pairs have P = 0 (with S = 2 and three
    classes or more, always some), and no weight r would make up for them. Where D_i = D_j the terms of i and j cancel.
    Valid for any cost. Source: Dimitriev & Zhou 2021 (2110.14002).
    """
    S = values.shape[1]
    r = torch.einsum("ns...k,...kl,nt...l->nst...", x, _weights(node, S), x)  # [N, S, S, *B, D]
    difference = values.unsqueeze(2) - values.unsqueeze(1)  # [N, S, S, *B]
    weight = (r * difference.unsqueeze(-1)).sum(2).unsqueeze(-1)  # [N, S, *B, D, 1]
    return (weight * node.score(x)).sum(1) / (S * (S - 1))


def orders(K: int, device: torch.device) -> Tensor:
    """Return K (K-1)/2 orders of K classes in which every pair of them takes the first and last place once.

    Such a pair can be drawn together by the copula, whatever its probabilities. The pairs are those of a round robin,
    and all pairs of its round stand at mirrored places, where antithetic samples are likely to fall.
    """
    odd = K - 1 + K % 2
    table = []
    for start in range(odd):
        pairs = [((start + i) % odd, (start - 1 - i) % odd) for i in range(odd // 2)]
        middle = [(start + odd // 2) % odd]
        if odd < K:
            pairs, middle = [*pairs, (middle[0], odd)], []
        for i in range(len(pairs)):
            nested = pairs[i:] + pairs[:i]
            table.append([first for first, _ in nested] + middle + [last for _, last in reversed(nested)])
    return torch.tensor(table or [[0]], device=device)


def joint(node: Categorical, S: int) -> Tensor:
    """Return P(D_i = k, D_j = l) for two of S choices, averaged over the orders [*B, D, K, K], in float64."""
    K = node.logits.shape[-1]
    table = orders(K, node.logits.device)
    p = torch.softmax(node.logits.double(), -1)
    total = torch.zeros(*p.shape, K, dtype=p.dtype, device=p.device)
    for order in table:
        edge = torch.cat([torch.zeros_like(p[..., :1]), p[..., order].cumsum(-1)], -1).clamp(max=1)
        C = joint_cdf(edge.unsqueeze(-1), edge.unsqueeze(-2), S)
        place = order.argsort()
        total += C.diff(dim=-1).diff(dim=-2)[..., place, :][..., place]
    return total / len(table)


def _weights(node: Categorical, S: int) -> Tensor:
    """Return r [*B, D, K, K], 0 for equal classes, whose terms cancel, and where a pair cannot be drawn."""
    p, P = torch.softmax(node.logits.double(), -1), joint(node, S)
    r = p.unsqueeze(-1) * p.unsqueeze(-2) / P
    different = ~torch.eye(p.shape[-1], dtype=torch.bool, device=p.device)
    return torch.where((P > 0) & different, r, 0).to(node.logits.dtype)
