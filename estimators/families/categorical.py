"""D independent K-way choices, as one-hot vectors."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from .._draws_last import class_max, class_sum, draws_last, in_rows, like
from ..errors import InputError
from ..node import checked_theta, outcome_count
from ..noise import Noise
from ._exponential_family import log_prob_sum, score_sum


@dataclass(frozen=True, eq=False)
class Categorical:
    """Independent categorical variables: x_d one-hot in K classes with p_d = softmax(phi_d).

    Relaxed, x is softmax(z / tau) with z = log p + G, G Gumbel; argmax z is a draw.

    Args:
        logits: phi, floating tensor [*B, D, K]; -inf masks a class, but not all of a variable.

    Raises:
        TypeError, InputError: if the logits are no such tensor.
    """

    logits: Tensor
    family: ClassVar[str] = "categorical"

    def __post_init__(self) -> None:
        checked_theta("Categorical", "logits", self.logits, "[*B, D, K]", 2)
        if torch.isneginf(self.logits).all(-1).any():
            raise InputError("Categorical(logits): a variable has all its classes masked by -inf; leave it one")

    @property
    def theta(self) -> Tensor:
        """The logits [*B, D, K]."""
        return self.logits

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """*B."""
        return tuple(self.logits.shape[:-2])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """[D, K]."""
        return tuple(self.logits.shape[-2:])

    @property
    def num_outcomes(self) -> int:
        """K^D."""
        D, K = self.logits.shape[-2:]
        return int(K) ** int(D)

    @cached_property
    def probs(self) -> Tensor:
        """p = softmax(phi) [*B, D, K]."""
        return torch.softmax(self.logits, -1)

    @cached_property
    def log_probs(self) -> Tensor:
        """log p = phi - logsumexp(phi) [*B, D, K]."""
        return torch.log_softmax(self.logits, -1)

    def with_theta(self, theta: Tensor) -> "Categorical":
        """Return the node at other logits."""
        return Categorical(theta)

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return one-hot points [N, S, *B, D, K] by inverting the cumulative probabilities."""
        upper = self.probs.cumsum(-1)
        lower = torch.cat([torch.zeros_like(upper[..., :1]), upper[..., :-1]], -1)
        # scaled by the last sum, u never falls behind it, so that a class of probability 0 is never chosen
        u = noise.uniform(S, *self.logits.shape[:-1]).unsqueeze(-1) * upper[..., -1:]
        return ((u > lower) & (u <= upper)).to(self.logits.dtype)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_dk x log p [..., *B], with 0 log 0 = 0."""
        return log_prob_sum(x, self.log_probs, event_ndim=2)

    def score(self, x: Tensor) -> Tensor:
        """Return x - p [..., *B, D, K]."""
        return x - self.probs

    def score_sum(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return sum_m weights_m (x_m - p) [N, *B, D, K]."""
        return score_sum(weights, x, self.probs, event_ndim=2)

    def outcomes(self) -> Tensor:
        """Return all combinations of classes [K^D, D, K]."""
        D, K = self.logits.shape[-2:]
        index = torch.arange(outcome_count(self), device=self.logits.device)
        place = K ** torch.arange(D, device=self.logits.device)
        return one_hot(index[:, None] // place % K, K).to(self.logits.dtype)

    def tempered(self, temperature: float) -> Tensor:
        """Return softmax(phi / tau) [*B, D, K]."""
        return torch.softmax(self.log_probs / temperature, -1)

    def perturbed(self, noise: Noise, S: int) -> Tensor:
        """Return z = log p + G [N, S, *B, D, K]."""
        return self.log_probs + noise.gumbel(S, *self.logits.shape)

    def harden(self, z: Tensor) -> Tensor:
        """Return the one-hot vector of argmax z, of equal ones the first: torch.argmax is slow, and for those only."""
        z = draws_last(z.detach())
        hit = torch.eq(z, class_max(z), out=torch.empty_like(z))  # as numbers, without a pass over truth values
        least, most = torch.aminmax(class_sum(hit))
        if least != 1 or most != 1:
            return one_hot(z.argmax(-1), z.shape[-1]).to(z.dtype)
        return in_rows(hit)

    def soften(self, z: Tensor, temperature: float) -> Tensor:
        """Return softmax(z / tau), written out: torch.softmax is several times slower over a short last axis."""
        z = draws_last(z)
        y = (z - class_max(z)).div_(temperature).exp_()
        return y / class_sum(y)

    def conditional(self, x: Tensor, noise: Noise, name: str) -> Tensor:
        """Return z = log p + G given argmax z = x.

        With E exponential, z_D = -log E_D is the largest and the others are truncated to lie below it,
        z_k = -log(E_k / p_k + E_D) = log p_k - log E_k - log(1 + p_k E_D / E_k), a form that does not overflow
        (Maddison et al. 2014, 1411.0030; Paulus et al. 2021, 2010.04838, equation 9).
        """
        E = noise.exponential(*x.shape[1:], name=name)
        E_D = (E * x).sum(-1, keepdim=True)
        below = self.log_probs - torch.log1p(self.probs * E_D / E)
        return torch.where(x > 0.5, 0, below) - E.log()

    def conditional_pullback(self, x: Tensor, noise: Noise, v: Tensor, name: str) -> Tensor:
        """Return (dz/dphi)^T v for z = conditional(x, noise, name), with its E held fixed.

        z_D does not move; dz_k / dlog p_k = 1 / (1 + p_k E_D / E_k) for the others, a number in (0, 1], and
        dlog p_k / dphi_j = 1[j = k] - p_j.
        """
        E = noise.exponential(*x.shape[1:], name=name)
        E_D = (E * x).sum(-1, keepdim=True)
        w = torch.where(x > 0.5, 0, v / (1 + self.probs * E_D / E))
        return w - self.probs * w.sum(-1, keepdim=True)

    def pullback_given(self, x: Tensor, z: Tensor, v: Tensor) -> Tensor:
        """Return (dz/dphi)^T v for z given x, at the noise that gives this z up to a shift of all its entries.

        dz_k / dlog p_k = 1 - exp(z_k - z_D), which is 0 at k = D.
        """
        z_D = torch.where(x > 0.5, z, 0).sum(-1, keepdim=True)
        w = -torch.expm1(z - z_D) * v
        return w - self.probs * w.sum(-1, keepdim=True)

    def midway(self, x: Tensor) -> "Categorical":
        """Return the choices with probabilities (p + x) / 2, in a form that loses no digits."""
        return Categorical(torch.where(x > 0.5, torch.log1p(self.probs), self.log_probs))

    def pullback(self, y: Tensor, v: Tensor) -> Tensor:
        """Return (diag(y) - y y^T) v."""
        v = like(v, y)
        return (v - class_sum(y * v)).mul_(y)
