"""D independent coins."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..node import checked_theta, outcome_count
from ..noise import Noise
from ._exponential_family import log_prob_sum, score_sum


@dataclass(frozen=True, eq=False)
class Bernoulli:
    """Independent Bernoulli variables: x_d = 1 with p_d = sigmoid(phi_d), else 0.

    Relaxed, x is sigmoid(z / tau) with z = phi + L, L = log((1 - u) / u) logistic: the two-class case of
    the Gumbel forms, since the difference of two Gumbels is logistic.

    Args:
        logits: phi, floating tensor [*B, D]; -inf is a coin that never shows 1.

    Raises:
        TypeError, InputError: if the logits are no such tensor.
    """

    logits: Tensor
    family: ClassVar[str] = "bernoulli"

    def __post_init__(self) -> None:
        checked_theta("Bernoulli", "logits", self.logits, "[*B, D]", 1)

    @property
    def theta(self) -> Tensor:
        """The logits [*B, D]."""
        return self.logits

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """*B."""
        return tuple(self.logits.shape[:-1])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """[D]."""
        return tuple(self.logits.shape[-1:])

    @property
    def num_outcomes(self) -> int:
        """2^D."""
        return 2 ** self.logits.shape[-1]

    @cached_property
    def probs(self) -> Tensor:
        """p = sigmoid(phi) [*B, D]."""
        return torch.sigmoid(self.logits)

    def with_theta(self, theta: Tensor) -> "Bernoulli":
        """Return the node at other logits."""
        return Bernoulli(theta)

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return 1[u < p] [N, S, *B, D], which is harden(perturbed) for the same noise."""
        return (noise.uniform(S, *self.logits.shape) < self.probs).to(self.logits.dtype)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d log p where x = 1, log q where x = 0 [..., *B]."""
        log_p, log_q = logsigmoid(self.logits), logsigmoid(-self.logits)
        return log_prob_sum(x, log_p, event_ndim=1) + log_prob_sum(1 - x, log_q, event_ndim=1)

    def score(self, x: Tensor) -> Tensor:
        """Return x - p [..., *B, D]."""
        return x - self.probs

    def score_sum(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return sum_m weights_m (x_m - p) [N, *B, D]."""
        return score_sum(weights, x, self.probs, event_ndim=1)

    def outcomes(self) -> Tensor:
        """Return all corners of the cube [2^D, D]."""
        index = torch.arange(outcome_count(self), device=self.logits.device)
        bit = torch.arange(self.logits.shape[-1], device=self.logits.device)
        return (index[:, None] >> bit & 1).to(self.logits.dtype)

    def tempered(self, temperature: float) -> Tensor:
        """Return sigmoid(phi / tau) [*B, D]."""
        return torch.sigmoid(self.logits / temperature)

    def perturbed(self, noise: Noise, S: int) -> Tensor:
        """Return z = phi + log((1 - u) / u) [N, S, *B, D]."""
        return self.logits + noise.logistic(S, *self.logits.shape)

    def harden(self, z: Tensor) -> Tensor:
        """Return 1[z > 0]."""
        return (z > 0).to(z.dtype)

    def soften(self, z: Tensor, temperature: float) -> Tensor:
        """Return sigmoid(z / tau)."""
        return torch.sigmoid(z / temperature)

    def conditional(self, x: Tensor, noise: Noise, name: str) -> Tensor:
        """Return z given 1[z > 0] = x.

        With u = p v given x = 1, and 1 - u = q v given x = 0, v uniform and L = log((1 - v) / v),
        z = log(1 + exp(L - log q)) given x = 1, z = -log(1 + exp(L - log p)) given x = 0
        (Tucker et al. 2017, 1703.07370, in a form that loses no digits as v or p near 0 or 1).
        """
        L = noise.logistic(*x.shape[1:], name=name)
        log_p, log_q = logsigmoid(self.logits), logsigmoid(-self.logits)
        return torch.where(x > 0.5, -logsigmoid(log_q - L), logsigmoid(log_p - L))

    def conditional_pullback(self, x: Tensor, noise: Noise, v: Tensor, name: str) -> Tensor:
        """Return (dz/dphi)^T v for z = conditional(x, noise, name), with its L held fixed.

        dz/dphi = p sigmoid(L - log q) given x = 1, q sigmoid(L - log p) given x = 0: products of positive factors
        below 1, that lose no digits and do not overflow.
        """
        L = noise.logistic(*x.shape[1:], name=name)
        log_p, log_q = logsigmoid(self.logits), logsigmoid(-self.logits)
        up, down = torch.sigmoid(L - log_q) * self.probs, torch.sigmoid(L - log_p) * torch.sigmoid(-self.logits)
        return torch.where(x > 0.5, up, down) * v

    def pullback_given(self, x: Tensor, z: Tensor, v: Tensor) -> Tensor:
        """Return (dz/dphi)^T v for z given x, at the noise that gives this z: 1 - exp(-|z|) times p or q, times v.

        The factor is p given x = 1 and q given x = 0: conditional_pullback, with sigmoid(L - log q) = 1 - exp(-z).
        """
        other = torch.where(x > 0.5, self.probs, torch.sigmoid(-self.logits))
        return -torch.expm1(-z.abs()) * other * v

    def midway(self, x: Tensor) -> "Bernoulli":
        """Return the coins with probabilities (p + x) / 2, in a form that loses no digits."""
        up = torch.log1p(self.probs) - logsigmoid(-self.logits)
        down = logsigmoid(self.logits) - torch.log1p(torch.sigmoid(-self.logits))
        return Bernoulli(torch.where(x > 0.5, up, down))

    def successor(self, x: Tensor) -> Tensor:
        """Return 1, the next outcome of each variable or its last; 0 for a coin that never shows 1."""
        return torch.ones_like(x) * (self.probs > 0)

    def step_weight(self, x: Tensor) -> Tensor:
        """Return -(dQ(x)/dphi) / q(x), the weight of f(1) - f(x): p where x = 0, else 0 [..., *B, D]."""
        return (1 - x) * self.probs

    def pullback(self, y: Tensor, v: Tensor) -> Tensor:
        """Return y (1 - y) v."""
        return y * (1 - y) * v
