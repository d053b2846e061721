"""D independent Poisson counts."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.special import pdtr, pdtrik
from torch import Tensor

from ..errors import InputError
from ..node import checked_theta
from ..noise import Noise
from ._rows import checked_finite, checked_positive

MOST = 1e6  # beyond, scipy's inverse loses the last millionth of the mass, and float32 whole numbers


@dataclass(frozen=True, eq=False)
class Poisson:
    """Independent Poisson counts, p(x) = r^x exp(-r) / x!, with gradients in the rate r.

    The rate, and not its logarithm, is the parameter of the papers on these estimators (Mohamed et al. 2020; Cong et
    al. 2019). d/dr p(x) = p(x - 1) - p(x), so that d/dr E f(x) = E f(x + 1) - f(x).

    Args:
        rate: r, floating tensor [*B, D], positive and at most 1e6 (8.4e5 in float32).

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    rate: Tensor
    family: ClassVar[str] = "poisson"

    def __post_init__(self) -> None:
        checked_theta("Poisson", "rate", self.rate, "[*B, D]", 1)
        checked_finite("Poisson", "rate", self.rate)
        checked_positive("Poisson", "rate", "a rate", self.rate)
        largest, most = float(self.rate.detach().max()), min(0.1 / torch.finfo(self.rate.dtype).eps, MOST)
        if largest > most:
            raise InputError(f"Poisson(rate): got a rate of {largest:g}; give at most {most:.2g}, or take a Normal")

    @property
    def theta(self) -> Tensor:
        """The rate [*B, D]."""
        return self.rate

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """*B."""
        return tuple(self.rate.shape[:-1])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """[D]."""
        return tuple(self.rate.shape[-1:])

    def with_theta(self, theta: Tensor) -> "Poisson":
        """Return the node at another rate."""
        return Poisson(theta)

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return the smallest x with Q(x) >= u [N, S, *B, D], Q the distribution function."""
        u = noise.uniform(S, *self.rate.shape)
        rate, level = self.rate.detach().double().cpu().numpy(), u.double().cpu().numpy()
        x = torch.as_tensor(pdtrik(level, rate)).ceil().clamp(min=0).nan_to_num(0).numpy()
        x = x - ((x > 0) & (pdtr((x - 1).clip(0), rate) >= level))  # where the continuous inverse rounded up
        return torch.as_tensor(x).to(u.device, u.dtype)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d x log r - r - log x! [..., *B]."""
        return (torch.xlogy(x, self.rate) - self.rate - torch.lgamma(x + 1)).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """Return x / r - 1 [..., *B, D]."""
        return x / self.rate - 1

    def successor(self, x: Tensor) -> Tensor:
        """Return the next outcome of each variable, x + 1."""
        return x + 1

    def step_weight(self, x: Tensor) -> Tensor:
        """Return -(dQ(x)/dr) / q(x) = 1, the weight of f(x + 1) - f(x) [..., *B, D]."""
        return torch.ones_like(x)

    @property
    def weak_spacing(self) -> Tensor:
        """1, for dp/dr = p(x - 1) - p(x) [1, *B, D]."""
        return torch.ones_like(self.rate).unsqueeze(0)

    def weak_derivative(self, noise: Noise, S: int) -> tuple[Tensor, Tensor]:
        """Return x + 1 and x [N, S, 1, *B, D], x the draw."""
        x = self.draw(noise, S).unsqueeze(2)
        return x + 1, x

    def truncated(self, size: int) -> tuple[Tensor, Tensor]:
        """Return log q(k) and its derivative in r for k = 0 ... size - 1 [*B, D, size]; the last stands for its tail.

        P(X >= n) is the regularised incomplete Gamma function of (n, r), and its derivative q(n - 1).
        """
        k = torch.arange(size, dtype=self.rate.dtype, device=self.rate.device)
        rate = self.rate.unsqueeze(-1)
        log_q = torch.xlogy(k, rate) - rate - torch.lgamma(k + 1)
        score = k / rate - 1
        n = torch.full_like(rate, size - 1)
        tail = torch.special.gammainc(n, rate).clamp(min=torch.finfo(rate.dtype).tiny)
        slope = (log_q[..., -2:-1] - tail.log()).exp()
        return torch.cat([log_q[..., :-1], tail.log()], -1), torch.cat([score[..., :-1], slope], -1)
