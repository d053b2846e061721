"""D independent Student t variables."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.special import stdtrit
from torch import Tensor

from ..noise import Noise
from ._quadrature import ray_rule, split, unit_rule
from ._rows import RARE, Rows, checked_positive, checked_rows


@dataclass(frozen=True, eq=False)
class StudentT(Rows):
    """Independent Student t variables x_d = mu_d + sigma_d t_d, with gradients in mu, sigma and the degrees of freedom.

    Args:
        loc_scale_df: floating tensor [*B, 3, D], mu = loc_scale_df[..., 0, :], sigma = loc_scale_df[..., 1, :] > 0,
            nu = loc_scale_df[..., 2, :] > 0. Below nu = 0.039 (float64) or 0.312 (float32) more than 1e-6 of the mass
            has a square that overflows: refused.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    loc_scale_df: Tensor
    family: ClassVar[str] = "student_t"

    def __post_init__(self) -> None:
        given = self.loc_scale_df
        checked_rows("StudentT", "loc_scale_df", given, ("loc", "scale", "df"))
        checked_positive("StudentT", "loc_scale_df", "a scale", self.scale)
        least = -2 * math.log(RARE) / math.log(torch.finfo(given.dtype).max)
        checked_positive("StudentT", "loc_scale_df", "a number of degrees of freedom", self.df, least)

    @property
    def theta(self) -> Tensor:
        """Locations, scales and degrees of freedom [*B, 3, D]."""
        return self.loc_scale_df

    @property
    def loc(self) -> Tensor:
        """mu [*B, D]."""
        return self.loc_scale_df[..., 0, :]

    @property
    def scale(self) -> Tensor:
        """sigma [*B, D]."""
        return self.loc_scale_df[..., 1, :]

    @property
    def df(self) -> Tensor:
        """nu [*B, D]."""
        return self.loc_scale_df[..., 2, :]

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return mu + sigma F^-1(u) [N, S, *B, D], the upper half as the mirror image of the lower one."""
        u = noise.uniform(S, *self.loc.shape)
        side = torch.where(u < 0.5, 1.0, -1.0).to(u)
        tail = torch.minimum(u, 1 - u).double().cpu().numpy()
        t = torch.as_tensor(stdtrit(self.df.detach().double().cpu().numpy(), tail)).to(u.device)
        most = math.sqrt(torch.finfo(u.dtype).max) / 4
        return self.loc + self.scale * side * t.clamp(-most, most).to(u.dtype)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d log of the density [..., *B]."""
        nu = self.df
        t = (x - self.loc) / self.scale
        constant = torch.lgamma((nu + 1) / 2) - torch.lgamma(nu / 2) - (math.pi * nu).log() / 2 - self.scale.log()
        return (constant - (nu + 1) / 2 * torch.log1p(t.square() / nu)).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """Return w / sigma, (w t - 1) / sigma, w = (nu + 1) t / (nu + t^2), and that in nu [..., *B, 3, D].

        The last is (digamma((nu + 1) / 2) - digamma(nu / 2) - log(1 + t^2 / nu) + (w t - 1) / nu) / 2.
        """
        t = (x - self.loc) / self.scale
        w = (self.df + 1) * t / (self.df + t.square())
        return torch.stack(
            [w / self.scale, (w * t - 1) / self.scale, score_of_df(self.df, (t.square() / self.df).log())], -2
        )

    def pathwise(self, x: Tensor, v: Tensor) -> Tensor:
        """Return (dx/dtheta)^T v = (v, v t, v sigma dt/dnu), dt/dnu by the implicit rule [..., *B, 3, D]."""
        t = (x - self.loc) / self.scale
        return torch.stack([v, v * t, v * self.scale * df_derivative(self.df, t)], -2)


def score_of_df(nu: Tensor, log_y: Tensor) -> Tensor:
    """Return d log p(t) / dnu of the standard law at y = t^2 / nu, in terms of which nothing overflows."""
    exact = torch.digamma((nu + 1) / 2) - torch.digamma(nu / 2) - 1 / nu
    series = (1 - (1 - 2 / nu.square()) / (2 * nu.square())) / (2 * nu.square())
    share = torch.sigmoid(log_y)  # y / (1 + y)
    return (torch.where(nu > 100, series, exact) + share / nu + (share - softplus(log_y))) / 2


def df_derivative(nu: Tensor, t: Tensor) -> Tensor:
    """Return dt/dnu of a standard t variable at a fixed uniform, to 1e-10 for nu up to 1e5."""
    nu, size = torch.broadcast_tensors(nu.double(), t.double().abs())
    inner = size < nu.sqrt().clamp(max=1.0)
    return (t.sign() * split(inner, _from_zero, _to_infinity, nu, size)).to(t.dtype)


def _from_zero(nu: Tensor, t: Tensor) -> Tensor:
    """Return minus the integral over (0, t) of p / p(t) times the score, which is 0 over (0, infinity)."""
    total, log_y = torch.zeros_like(t), (t.square() / nu).log()
    for s, w in unit_rule():
        ratio = -(nu + 1) / 2 * torch.log1p(-(1 - s) * (1 + s) * t.square() / (nu + t.square()))
        total -= w * ratio.exp_() * score_of_df(nu, log_y + 2 * math.log(s))
    return total * t


def _to_infinity(nu: Tensor, t: Tensor) -> Tensor:
    """Return the integral over (t, infinity) of p / p(t) times the score, along t exp(l), l in (0, infinity)."""
    q, log_y = t.square(), (t.square() / nu).log()
    length = 1 / (nu * (q - 1).abs() / (nu + q) + (2 * nu * (nu + 1) * q).sqrt() / (nu + q))
    total, at_t = torch.zeros_like(t), softplus(log_y)
    for r, w in ray_rule():
        rise = length * r
        there = log_y + 2 * rise
        total += w * (rise - (nu + 1) / 2 * (softplus(there) - at_t)).exp_() * score_of_df(nu, there)
    return total * length * t


def softplus(z: Tensor) -> Tensor:
    """Return log(1 + exp(z)) to its last digits, which torch's does not keep from 20 on."""
    return torch.logaddexp(z, torch.zeros_like(z))
