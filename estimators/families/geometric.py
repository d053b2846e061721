"""D independent geometric counts."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..errors import InputError
from ..node import checked_theta
from ..noise import Noise
from ._rows import checked_finite


@dataclass(frozen=True, eq=False)
class Geometric:
    """Independent counts x of failures before the first success, p(x) = p (1 - p)^x, p = sigmoid(phi).

    Args:
        logits: phi, floating tensor [*B, D], finite and not so low that the dtype's whole numbers cannot hold counts.

    Raises:
        TypeError, InputError: if the logits are no such tensor.
    """

    logits: Tensor
    family: ClassVar[str] = "geometric"

    def __post_init__(self) -> None:
        checked_theta("Geometric", "logits", self.logits, "[*B, D]", 1)
        checked_finite("Geometric", "logits", self.logits)
        smallest, least = float(self.logits.detach().min()), math.log(100 * torch.finfo(self.logits.dtype).eps)
        if smallest < least:
            raise InputError(f"Geometric(logits): got {smallest:g}; below {least:.1f} its counts are no whole numbers")

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

    def with_theta(self, theta: Tensor) -> "Geometric":
        """Return the node at other logits."""
        return Geometric(theta)

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return floor(E / -log(1 - p)) [N, S, *B, D], E exponential: P(x >= n) = (1 - p)^n."""
        return (noise.exponential(S, *self.logits.shape) / -logsigmoid(-self.logits)).floor()

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d log p + x log(1 - p) [..., *B]."""
        return (logsigmoid(self.logits) + x * logsigmoid(-self.logits)).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """Return 1 - p - x p [..., *B, D]."""
        return torch.sigmoid(-self.logits) - x * torch.sigmoid(self.logits)

    def successor(self, x: Tensor) -> Tensor:
        """Return the next outcome of each variable, x + 1."""
        return x + 1

    def step_weight(self, x: Tensor) -> Tensor:
        """Return -(dQ(x)/dphi) / q(x) = -(x + 1) (1 - p), the weight of f(x + 1) - f(x) [..., *B, D]."""
        return -(x + 1) * torch.sigmoid(-self.logits)

    def truncated(self, size: int) -> tuple[Tensor, Tensor]:
        """Return log q(k) and its derivative in phi for k = 0 ... size - 1 [*B, D, size]; the last stands for its tail.

        P(X >= n) = (1 - p)^n, the derivative of its logarithm -n p.
        """
        k = torch.arange(size, dtype=self.logits.dtype, device=self.logits.device)
        phi, last = self.logits.unsqueeze(-1), k == size - 1
        log_q = k * logsigmoid(-phi) + torch.where(last, 0, logsigmoid(phi))
        return log_q, torch.where(last, 0, torch.sigmoid(-phi)) - k * torch.sigmoid(phi)
