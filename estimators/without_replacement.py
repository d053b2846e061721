"""Joint outcomes of a discrete node: the most probable ones, and samples without replacement, without a table of all.

Both walk the tree of prefixes x_1, x_1 x_2, ... and keep the best k at each level: with independent variables no
outcome is among the best k whose prefix is not. Nothing grows with the number of joint outcomes.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, one_hot

from .families.bernoulli import Bernoulli
from .families.categorical import Categorical
from .node import Discrete
from .noise import Noise


def most_probable(node: Discrete, k: int) -> Tensor:
    """Return the k most probable joint outcomes, in falling order [min(k, M), *B, *event]."""
    table = _log_table(node)
    empty = torch.zeros((*node.batch_shape, 1), dtype=table.dtype, device=table.device)
    path = _Path(empty)  # log p of each prefix [*B, beams]
    for log_p in table.unbind(-2):
        path = path.best(path.score.unsqueeze(-1) + log_p.unsqueeze(-2), k, largest=True)
    return _points(node, path.classes().movedim(-2, 0))


def gumbel_top_k(node: Discrete, noise: Noise, k: int) -> Tensor:
    """Return k joint outcomes without replacement, in the order in which they were drawn [N, min(k, M), *B, *event].

    Their law is that of the k largest of log p(x) + G_x, a Gumbel G_x for every joint outcome x. It is drawn from the
    root down, in times T = exp(-(log p + G)): x arrives at T_x ~ Exp(rate p(x)), so a prefix, at the first arrival
    below it, at a rate that is its mass. Given a prefix's T, with times t_c = E_c / (mass p_c) for its classes, class
    c arrives at T + t_c - min t: the first is due at T, and by the exponential's lack of memory the others wait
    Exp(mass p_c) more. The root's own T has no part in the order and is set to 0.

    Source: Kool et al. 2019 (1903.06059), who write this in Gumbels.
    """
    table = _log_table(node)
    batch = node.batch_shape
    first = torch.full((noise.rows, *batch, 1), -torch.inf, dtype=table.dtype, device=table.device)
    path = _Path(first, mass=torch.zeros_like(first))  # log T and log mass of each prefix [N, *B, beams]
    for d in range(table.shape[-2]):
        log_p = table[..., d : d + 1, :]  # [*B, 1, K]
        beams, K = path.score.shape[-1], log_p.shape[-1]
        log_t = noise.exponential(*batch, beams, K, name=f"level{d}").log() - log_p  # times the prefix's mass
        soonest = log_t.amin(-1, keepdim=True)
        wait = log_t + torch.log1p(-torch.exp(soonest - log_t)) - path.mass.unsqueeze(-1)
        T = path.score.unsqueeze(-1)
        T = torch.where(log_t == soonest, T, torch.logaddexp(T, wait))
        path = path.best(T, k, largest=False, mass=path.mass.unsqueeze(-1) + log_p)
    return _points(node, path.classes().movedim(-2, 1))


def mass_outside(log_p: Tensor) -> Tensor:
    """Return 1 - sum_s p_s [N, 1, *B] for distinct outcomes of log p [N, k, *B], without cancellation at p near 1."""
    largest = log_p.argmax(1, keepdim=True)
    first = -torch.expm1(log_p.gather(1, largest))
    return (first - log_p.exp().scatter(1, largest, 0).sum(1, keepdim=True)).clamp(min=0)


class _Path:
    """Prefixes [..., beams] with their score, and the classes that led to them, as links to the prefix before."""

    def __init__(self, score: Tensor, mass: Tensor | None = None, links: tuple[tuple[Tensor, Tensor], ...] = ()):
        self.score, self._mass, self.links = score, mass, links

    @property
    def mass(self) -> Tensor:
        return cast(Tensor, self._mass)

    def best(self, scores: Tensor, k: int, largest: bool, mass: Tensor | None = None) -> _Path:
        """Return the best k of the prefixes that are one class longer, of scores and masses [..., beams, K]."""
        K = scores.shape[-1]
        flat = scores.flatten(-2)
        score, index = flat.topk(min(k, flat.shape[-1]), largest=largest)  # sorted
        mass = None if mass is None else mass.flatten(-2).gather(-1, index)
        return _Path(score, mass, (*self.links, (index // K, index % K)))

    def classes(self) -> Tensor:
        """Return the class numbers of the outcomes [..., beams, D], following the links back."""
        last = self.links[-1][0]
        beam = torch.arange(last.shape[-1], device=last.device).expand(last.shape)
        found = []
        for parent, chosen in reversed(self.links):
            found.append(chosen.gather(-1, beam))
            beam = parent.gather(-1, beam)
        return torch.stack(found[::-1], -1)


def _log_table(node: Any) -> Tensor:
    """Return log p of each class of each variable [*B, D, K]; a coin's classes are 0 and 1."""
    if node.family == "bernoulli":
        phi = cast(Bernoulli, node).logits
        return torch.stack([logsigmoid(-phi), logsigmoid(phi)], -1)
    return cast(Categorical, node).log_probs


def _points(node: Discrete, classes: Tensor) -> Tensor:
    """Return the points [..., *B, *event] of class numbers [..., *B, D]."""
    if node.family == "bernoulli":
        return classes.to(node.theta.dtype)
    return one_hot(classes, node.event_shape[-1]).to(node.theta.dtype)
