"""D independent Beta variables."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.special import betaincinv
from torch import Tensor

from ..noise import Noise
from ._quadrature import ray_rule
from ._rows import Rows, checked_positive, checked_rows
from .gamma import least_shape


@dataclass(frozen=True, eq=False)
class Beta(Rows):
    """Independent Beta variables, p(x) = x^(a - 1) (1 - x)^(b - 1) / B(a, b), with gradients in a and b.

    Near 1 a number tells x from 1 only to its rounding: draws are kept off 0 and 1.

    Args:
        concentrations: floating tensor [*B, 2, D], a = concentrations[..., 0, :], b = concentrations[..., 1, :].
            Below a = 0.0196 or b = 0.376 (float64; 0.159 and 0.831 in float32) more than 1e-6 of the mass cannot be
            told from 0 or 1: refused.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    concentrations: Tensor
    family: ClassVar[str] = "beta"

    def __post_init__(self) -> None:
        given = self.concentrations
        checked_rows("Beta", "concentrations", given, ("a", "b"))
        checked_positive("Beta", "concentrations", "a concentration at 0", self.a, least_shape(given.dtype))
        checked_positive(
            "Beta", "concentrations", "a concentration at 1", self.b, least_shape(given.dtype, at_one=True)
        )

    @property
    def theta(self) -> Tensor:
        """Both concentrations [*B, 2, D]."""
        return self.concentrations

    @property
    def a(self) -> Tensor:
        """The concentration at 0, the exponent of x [*B, D]."""
        return self.concentrations[..., 0, :]

    @property
    def b(self) -> Tensor:
        """The concentration at 1, the exponent of 1 - x [*B, D]."""
        return self.concentrations[..., 1, :]

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return I^-1(a, b, u) [N, S, *B, D], I the regularised incomplete Beta function."""
        u = noise.uniform(S, *self.a.shape)
        a, b = (c.detach().double().cpu().numpy() for c in (self.a, self.b))
        x = torch.as_tensor(betaincinv(a, b, u.double().cpu().numpy())).to(u.device, u.dtype)
        kind = torch.finfo(u.dtype)
        return x.clamp(kind.tiny, 1 - kind.eps / 2)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d (a - 1) log x + (b - 1) log(1 - x) - log B(a, b) [..., *B]."""
        a, b = self.a, self.b
        log_beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
        return ((a - 1) * x.log() + (b - 1) * torch.log1p(-x) - log_beta).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """Return log x - digamma(a) + digamma(a + b), and the same of 1 - x and b [..., *B, 2, D]."""
        both = torch.stack([x.log(), torch.log1p(-x)], -2)
        return both - torch.digamma(self.concentrations) + torch.digamma(self.a + self.b).unsqueeze(-2)

    def pathwise(self, x: Tensor, v: Tensor) -> Tensor:
        """Return (dx/dtheta)^T v, by the implicit rule [..., *B, 2, D]; 1 - x is a Beta(b, a) variable."""
        da = first_derivative(self.a, self.b, x, 1 - x)
        db = -first_derivative(self.b, self.a, 1 - x, x)
        return torch.stack([v * da, v * db], -2)


def first_derivative(a: Tensor, b: Tensor, x: Tensor, rest: Tensor) -> Tensor:
    """Return dx/da of a Beta(a, b) variable x = 1 - rest at a fixed uniform, to 1e-10.

    It is minus the integral over t in (0, x) of p(t) / p(x) s_a(t), or the integral over (x, 1). In the first
    t = x exp(-l), in the second 1 - t = (1 - x) exp(-l), l in (0, infinity). With y the one of x and 1 - x that
    shrinks and c, d the concentrations at its 0 and at its 1, p(t) dt / p(x) is
    y exp(-c l) ((1 - y exp(-l)) / (1 - y))^(d - 1) dl.
    """
    dtype = x.dtype
    a, b, x, rest = torch.broadcast_tensors(a.double(), b.double(), x.double(), rest.double())
    low = x * b < rest * a
    y, other = torch.where(low, x, rest), torch.where(low, rest, x)
    c, d = torch.where(low, a, b), torch.where(low, b, a)
    length = 1 / ((c - d * y / other).abs() + (c * (c + d) / d).sqrt())  # over which the integrand falls by about e
    total, mean = torch.zeros_like(x), torch.digamma(a) - torch.digamma(a + b)
    for r, w in ray_rule():
        fall = length * r
        gone = y * torch.expm1(-fall)  # of y, negative
        log_t = torch.where(low, x.log() - fall, torch.log1p(-(y + gone)))
        total += w * ((d - 1) * torch.log1p(-gone / other) - c * fall).exp_() * (log_t - mean)
    return (torch.where(low, -1.0, 1.0).to(total) * total * length * y).to(dtype)
