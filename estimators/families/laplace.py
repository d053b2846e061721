"""D independent Laplace variables."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..noise import Noise
from ._location_scale import LocationScale


@dataclass(frozen=True, eq=False)
class Laplace(LocationScale):
    """Independent Laplace variables x_d = mu_d + sigma_d z_d, p(z) = exp(-|z|) / 2, with gradients in mu and sigma.

    Args:
        loc_scale: floating tensor [*B, 2, D], mu = loc_scale[..., 0, :], sigma = loc_scale[..., 1, :] > 0.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    family: ClassVar[str] = "laplace"

    def standard(self, noise: Noise, S: int) -> Tensor:
        """Return log 2u below the median, -log 2(1 - u) above it [N, S, *B, D]."""
        u = noise.uniform(S, *self.loc.shape)
        return torch.where(u < 0.5, (2 * u).log(), -torch.log(2 * (1 - u)))

    def log_density(self, z: Tensor) -> Tensor:
        """Return -|z| - log 2."""
        return -z.abs() - math.log(2)

    def slope(self, z: Tensor) -> Tensor:
        """Return -sign z, 0 at the kink."""
        return -z.sign()
