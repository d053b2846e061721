"""D independent Gaussians."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import InputError
from ..node import checked_theta
from ..noise import Noise


@dataclass(frozen=True, eq=False)
class Normal:
    """Independent Normal variables x_d = mu_d + sigma_d e_d, with gradients in mu and sigma.

    Args:
        loc_scale: floating tensor [*B, 2, D], mu = loc_scale[..., 0, :], sigma = loc_scale[..., 1, :] > 0.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    loc_scale: Tensor
    family: ClassVar[str] = "normal"

    def __post_init__(self) -> None:
        checked_theta("Normal", "loc_scale", self.loc_scale, "[*B, 2, D]", 2)
        if self.loc_scale.shape[-2] != 2:
            raise InputError(
                f"Normal(loc_scale): got shape {list(self.loc_scale.shape)}; it must be [*B, 2, D], "
                "e.g. torch.stack([loc, scale], -2)"
            )
        if not torch.isfinite(self.loc_scale).all() or not (self.scale > 0).all():
            raise InputError("Normal(loc_scale): locations must be finite and scales positive")

    @property
    def theta(self) -> Tensor:
        """Locations and scales [*B, 2, D]."""
        return self.loc_scale

    @property
    def loc(self) -> Tensor:
        """mu [*B, D]."""
        return self.loc_scale[..., 0, :]

    @property
    def scale(self) -> Tensor:
        """sigma [*B, D]."""
        return self.loc_scale[..., 1, :]

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """*B."""
        return tuple(self.loc_scale.shape[:-2])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """[D]."""
        return tuple(self.loc_scale.shape[-1:])

    def with_theta(self, theta: Tensor) -> "Normal":
        """Return the node at other locations and scales."""
        return Normal(theta)

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return mu + sigma e [N, S, *B, D]."""
        return self.loc + self.scale * noise.normal(S, *self.loc.shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d log N(x_d; mu_d, sigma_d) [..., *B]."""
        e = (x - self.loc) / self.scale
        return (-0.5 * e.square() - self.scale.log() - 0.5 * math.log(2 * math.pi)).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """Return e / sigma and (e^2 - 1) / sigma with e = (x - mu) / sigma [..., *B, 2, D]."""
        e = (x - self.loc) / self.scale
        return torch.stack([e, e.square() - 1], -2) / self.scale.unsqueeze(-2)

    def pathwise(self, x: Tensor, v: Tensor) -> Tensor:
        """Return (dx/dtheta)^T v = (v, v (x - mu) / sigma) [..., *B, 2, D]."""
        return torch.stack([v, v * (x - self.loc) / self.scale], -2)

    @property
    def weak_spacing(self) -> Tensor:
        """sigma sqrt(2 pi) in the location, sigma in the scale [2, *B, D]."""
        return torch.stack([self.scale * math.sqrt(2 * math.pi), self.scale])

    def weak_derivative(self, noise: Noise, S: int) -> tuple[Tensor, Tensor]:
        """Return mu + sigma (w, m) and mu + sigma (-w, e) [N, S, 2, *B, D].

        w ~ Weibull(scale sqrt 2, shape 2); m double-sided Maxwell; e = m U ~ N(0, 1), U uniform. With g ~ N(0, I_3),
        m = sign(g_1) |g| and e = g_1 are such a pair: |g| is Maxwell, and g_1 / |g| is uniform in (-1, 1).
        """
        shape = self.loc.shape
        w = (2 * noise.exponential(S, *shape, name="weibull")).sqrt()
        g = noise.normal(S, 3, *shape, name="maxwell")
        e = g[:, :, 0]
        m = torch.copysign(g.square().sum(2).sqrt(), e)
        plus, minus = torch.stack([w, m], 2), torch.stack([-w, e], 2)
        return self.loc + self.scale * plus, self.loc + self.scale * minus
