"""Location-scale families of D independent variables: x_d = mu_d + sigma_d z_d, z of a fixed law."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..noise import Noise
from ._rows import Rows, checked_positive, checked_rows


@dataclass(frozen=True, eq=False)
class LocationScale(Rows):
    """A location-scale family; a subclass gives the law of z: its noise, its log-density and the slope of that.

    Args:
        loc_scale: floating tensor [*B, 2, D], mu = loc_scale[..., 0, :], sigma = loc_scale[..., 1, :] > 0.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    loc_scale: Tensor
    family: ClassVar[str]

    def __post_init__(self) -> None:
        name = type(self).__name__
        checked_rows(name, "loc_scale", self.loc_scale, ("loc", "scale"))
        checked_positive(name, "loc_scale", "a scale", self.scale)

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

    def standard(self, noise: Noise, S: int) -> Tensor:
        """Return z [N, S, *B, D]."""
        raise NotImplementedError

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z) of the standard law."""
        raise NotImplementedError

    def slope(self, z: Tensor) -> Tensor:
        """Return d log p(z) / dz of the standard law."""
        raise NotImplementedError

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return mu + sigma z [N, S, *B, D]."""
        return self.loc + self.scale * self.standard(noise, S)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d log p(z_d) - log sigma_d [..., *B]."""
        return (self.log_density((x - self.loc) / self.scale) - self.scale.log()).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """Return -l'(z) / sigma and -(1 + z l'(z)) / sigma, l = log p [..., *B, 2, D]."""
        z = (x - self.loc) / self.scale
        slope = self.slope(z)
        return torch.stack([-slope, -1 - z * slope], -2) / self.scale.unsqueeze(-2)

    def pathwise(self, x: Tensor, v: Tensor) -> Tensor:
        """Return (dx/dtheta)^T v = (v, v z) [..., *B, 2, D]."""
        return torch.stack([v, v * (x - self.loc) / self.scale], -2)
