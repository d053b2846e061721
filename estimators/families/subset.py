"""Subsets of k among n, as vectors of zeros and ones."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import InputError
from ..node import checked_theta, outcome_count
from ..noise import Noise
from ._exponential_family import log_prob_sum, score_sum


@dataclass(frozen=True, eq=False)
class Subset:
    """A random subset of exactly k among n, p(x) proportional to exp(<phi, x>): n coins given that k show 1.

    That is the law of Ahmed et al. 2023 (2210.01941) and an exponential family, whose score is x minus its mean; the
    Gumbel top-k gives another one (a set by drawing without replacement), whose probabilities are sums over k! orders.
    The normaliser e_k, the sum over subsets of prod w, follows from
    e_j(1..i) = e_j(1..i-1) + w_i e_(j-1)(1..i-1), w = exp(phi).

    Args:
        logits: phi, floating tensor [*B, n]; -inf is never chosen; at least k are finite.
        k: the size of the subset, 1 <= k <= n.

    Raises:
        TypeError, InputError: if the logits are no such tensor, or k does not fit.
    """

    logits: Tensor
    k: int
    family: ClassVar[str] = "subset"

    def __post_init__(self) -> None:
        checked_theta("Subset", "logits", self.logits, "[*B, n]", 1)
        if type(self.k) is not int:
            raise TypeError(f"Subset(k): got {type(self.k).__name__}; give a whole number")
        open_ = int((~torch.isneginf(self.logits)).sum(-1).min())
        if not 1 <= self.k <= open_:
            raise InputError(f"Subset(k): got {self.k}; it must be from 1 to the number of finite logits, {open_}")

    @property
    def theta(self) -> Tensor:
        """The logits [*B, n]."""
        return self.logits

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """*B."""
        return tuple(self.logits.shape[:-1])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """[n]."""
        return tuple(self.logits.shape[-1:])

    @property
    def num_outcomes(self) -> int:
        """n over k."""
        return math.comb(self.logits.shape[-1], self.k)

    @cached_property
    def probs(self) -> Tensor:
        """The mean of x [*B, n]: w_i sum_j e_j(1..i-1) e_(k-1-j)(i+1..n) / e_k."""
        before, after = _log_sums(self._phi, self.k), _log_sums(self._phi.flip(-1), self.k).flip(-2)
        pairs = before[..., :-1, :-1] + after[..., 1:, :-1].flip(-1)  # [*B, n, k]: j of those before, k - 1 - j behind
        return (self._phi + pairs.logsumexp(-1) - self._log_norm.unsqueeze(-1)).exp()

    def with_theta(self, theta: Tensor) -> "Subset":
        """Return the node at other logits, of the same k."""
        return Subset(theta, self.k)

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return points [N, S, *B, n], item by item from the last.

        With r places left among 1..i, P(x_i = 1) = w_i e_(r-1)(1..i-1) / e_r(1..i).
        """
        u = noise.uniform(S, *self.logits.shape)
        sums = _log_sums(self._phi, self.k).expand(*u.shape[:-1], -1, -1)  # [N, S, *B, n + 1, k + 1]
        left = torch.full_like(u[..., :1], self.k, dtype=torch.long)
        taken = []
        for i in reversed(range(u.shape[-1])):
            without = sums[..., i, :].gather(-1, left).squeeze(-1)
            rest = self._phi[..., i] + sums[..., i, :].gather(-1, (left - 1).clamp(min=0)).squeeze(-1)
            p = torch.sigmoid(rest - without)
            one = (u[..., i] < p) & (left.squeeze(-1) > 0)
            taken.append(one)
            left = left - one.long().unsqueeze(-1)
        return torch.stack(taken[::-1], -1).to(u.dtype)

    def harden(self, z: Tensor) -> Tensor:
        """Return the k items with the largest z, as zeros and ones."""
        return torch.zeros_like(z).scatter_(-1, z.topk(self.k, -1).indices, 1)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return <phi, x> - log e_k [..., *B], for x of k ones."""
        return log_prob_sum(x, self.logits, event_ndim=1) - self._log_norm

    def score(self, x: Tensor) -> Tensor:
        """Return x minus its mean [..., *B, n]."""
        return x - self.probs

    def score_sum(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return sum_m weights_m score(x_m) [N, *B, n]."""
        return score_sum(weights, x, self.probs, event_ndim=1)

    def outcomes(self) -> Tensor:
        """Return all subsets [n over k, n]."""
        M, n = outcome_count(self), self.logits.shape[-1]
        chosen = torch.tensor(list(combinations(range(n), self.k)), device=self.logits.device)
        return self.logits.new_zeros(M, n).scatter_(1, chosen, 1)

    @property
    def _phi(self) -> Tensor:
        """The logits, masks as a finite number that no sum of others meets."""
        return self.logits.clamp(min=_least(self.logits))

    @property
    def _log_norm(self) -> Tensor:
        """log e_k [*B]."""
        return _log_sums(self._phi, self.k)[..., -1, -1]


def _least(x: Tensor) -> float:
    """Return a number that stands for -inf where -inf - -inf would be NaN; sums of many of it stay finite."""
    return torch.finfo(x.dtype).min / 1e9


def _log_sums(phi: Tensor, k: int) -> Tensor:
    """Return log e_j(1..i) for i = 0..n and j = 0..k [*B, n + 1, k + 1]."""
    nothing = torch.full((*phi.shape[:-1], k), _least(phi), dtype=phi.dtype, device=phi.device)
    row = torch.cat([torch.zeros_like(phi[..., :1]), nothing], -1)
    rows = [row]
    for i in range(phi.shape[-1]):
        taken = torch.cat([nothing[..., :1], row[..., :-1] + phi[..., i : i + 1]], -1)
        row = torch.logaddexp(row, taken)
        rows.append(row)
    return torch.stack(rows, -2)
