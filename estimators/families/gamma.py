"""D independent Gamma variables."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.special import gammaincinv
from torch import Tensor

from ..noise import Noise
from ._gamma_halves import halves, peak
from ._quadrature import shape_derivative
from ._rows import RARE, Rows, checked_positive, checked_rows


@dataclass(frozen=True, eq=False)
class Gamma(Rows):
    """Independent Gamma variables, p(x) = r^a x^(a - 1) exp(-r x) / Gamma(a), with gradients in a and r.

    Args:
        concentration_rate: floating tensor [*B, 2, D], a = concentration_rate[..., 0, :] > 0,
            r = concentration_rate[..., 1, :] > 0. Below a = 0.0196 (float64) or 0.159 (float32) more than 1e-6 of
            the mass is smaller than the smallest number: refused.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    concentration_rate: Tensor
    family: ClassVar[str] = "gamma"

    def __post_init__(self) -> None:
        given = self.concentration_rate
        checked_rows("Gamma", "concentration_rate", given, ("concentration", "rate"))
        checked_positive("Gamma", "concentration_rate", "a concentration", self.concentration, least_shape(given.dtype))
        checked_positive("Gamma", "concentration_rate", "a rate", self.rate)

    @property
    def theta(self) -> Tensor:
        """Concentrations and rates [*B, 2, D]."""
        return self.concentration_rate

    @property
    def concentration(self) -> Tensor:
        """a [*B, D]."""
        return self.concentration_rate[..., 0, :]

    @property
    def rate(self) -> Tensor:
        """r [*B, D]."""
        return self.concentration_rate[..., 1, :]

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return P^-1(a, u) / r [N, S, *B, D], P the regularised incomplete Gamma function."""
        return standard_gamma(self.concentration, noise.uniform(S, *self.rate.shape)) / self.rate

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d a log r + (a - 1) log x - r x - log Gamma(a) [..., *B]."""
        a, r = self.concentration, self.rate
        return (a * r.log() + (a - 1) * x.log() - r * x - torch.lgamma(a)).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """Return log r x - digamma(a) and a / r - x [..., *B, 2, D]."""
        a, r = self.concentration, self.rate
        return torch.stack([(r * x).log() - torch.digamma(a), a / r - x], -2)

    def pathwise(self, x: Tensor, v: Tensor) -> Tensor:
        """Return (dx/dtheta)^T v = (v da, -v x / r), da by the implicit rule [..., *B, 2, D]."""
        da = shape_derivative(self.concentration, self.rate * x) / self.rate
        return torch.stack([v * da, -v * x / self.rate], -2)

    @property
    def weak_spacing(self) -> Tensor:
        """1 / g(y_0) in the concentration, g(y_0) the mass of a half of dp/da, and r / a in the rate [2, *B, D]."""
        a, r = self.concentration, self.rate
        return torch.stack([(1 / peak(a)).to(a), r / a])

    def weak_derivative(self, noise: Noise, S: int) -> tuple[Tensor, Tensor]:
        """Return x+ and x- [N, S, 2, *B, D].

        In the concentration they are the halves of dp/da, from one uniform. In the rate dp/dr = (a / r) (p - q), q
        the density at a + 1: x+ is the draw x, and x- = x + E / r with E exponential.
        """
        a, r = self.concentration, self.rate
        x = self.draw(noise, S)
        more, less = halves(a, noise.uniform(S, *a.shape, name="concentration"))
        E = noise.exponential(S, *r.shape, name="rate")
        return torch.stack([more / r, x], 2), torch.stack([less / r, x + E / r], 2)


def least_shape(dtype: torch.dtype, at_one: bool = False) -> float:
    """Return the a at which x^(a - 1) puts RARE of the mass below the smallest number, or below its rounding at 1."""
    kind = torch.finfo(dtype)
    return math.log(RARE) / math.log(kind.eps / 2 if at_one else kind.tiny)


def standard_gamma(a: Tensor, u: Tensor) -> Tensor:
    """Return the Gamma(a, 1) variable of uniform u, never 0."""
    a, u = torch.broadcast_tensors(a.detach(), u)
    y = torch.as_tensor(gammaincinv(a.double().cpu().numpy(), u.double().cpu().numpy()))
    return y.to(u.device, u.dtype).clamp(min=torch.finfo(u.dtype).tiny)
