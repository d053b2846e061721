"""D independent logistic variables."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..noise import Noise
from ._location_scale import LocationScale


@dataclass(frozen=True, eq=False)
class Logistic(LocationScale):
    """Independent logistic variables x_d = mu_d + sigma_d z_d, P(z < t) = sigmoid(t), with gradients in mu and sigma.

    Args:
        loc_scale: floating tensor [*B, 2, D], mu = loc_scale[..., 0, :], sigma = loc_scale[..., 1, :] > 0.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    family: ClassVar[str] = "logistic"

    def standard(self, noise: Noise, S: int) -> Tensor:
        """Return log((1 - u) / u) [N, S, *B, D]."""
        return noise.logistic(S, *self.loc.shape)

    def log_density(self, z: Tensor) -> Tensor:
        """Return log sigmoid(z) + log sigmoid(-z)."""
        return logsigmoid(z) + logsigmoid(-z)

    def slope(self, z: Tensor) -> Tensor:
        """Return -tanh(z / 2)."""
        return -torch.tanh(z / 2)
