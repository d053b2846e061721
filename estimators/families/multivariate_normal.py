"""One Gaussian vector with a full covariance."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor
from torch.linalg import solve_triangular

from ..errors import InputError
from ..node import checked_theta
from ..noise import Noise
from ._rows import checked_finite, checked_positive


@dataclass(frozen=True, eq=False)
class MultivariateNormal:
    """A Normal vector x = mu + L e with L lower triangular, its diagonal positive; gradients in mu and L.

    Args:
        loc_tril: floating tensor [*B, D (D + 3) / 2]: mu, then the lower triangle of L row by row,
            (mu_1, ..., mu_D, L_11, L_21, L_22, L_31, ...). ``MultivariateNormal.of(loc, scale_tril)`` packs it.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    loc_tril: Tensor
    family: ClassVar[str] = "multivariate_normal"

    def __post_init__(self) -> None:
        checked_theta("MultivariateNormal", "loc_tril", self.loc_tril, "[*B, D (D + 3) / 2]", 1)
        checked_finite("MultivariateNormal", "loc_tril", self.loc_tril)
        D, length = self.event_shape[0], self.loc_tril.shape[-1]
        if length != D * (D + 3) // 2:
            raise InputError(
                f"MultivariateNormal(loc_tril): got {length} numbers a node; a vector of D has D (D + 3) / 2 of them, "
                "2, 5, 9, ...; pack them by MultivariateNormal.of(loc, scale_tril)"
            )
        checked_positive("MultivariateNormal", "loc_tril", "the diagonal of L", self.scale_tril.diagonal(0, -2, -1))

    @classmethod
    def of(cls, loc: Tensor, scale_tril: Tensor) -> "MultivariateNormal":
        """Return the node of mu [*B, D] and L [*B, D, D], of which only the lower triangle is taken."""
        return cls(cls.packed(loc, scale_tril))

    @staticmethod
    def packed(loc: Tensor, matrix: Tensor) -> Tensor:
        """Return [*B, D] and the lower triangle of [*B, D, D] in the order of theta."""
        D = loc.shape[-1]
        row, column = torch.tril_indices(D, D, device=loc.device)
        return torch.cat([loc, matrix[..., row, column]], -1)

    @property
    def theta(self) -> Tensor:
        """mu and the lower triangle of L [*B, D (D + 3) / 2]."""
        return self.loc_tril

    @property
    def loc(self) -> Tensor:
        """mu [*B, D]."""
        return self.loc_tril[..., : self.event_shape[0]]

    @cached_property
    def scale_tril(self) -> Tensor:
        """L [*B, D, D]."""
        D = self.event_shape[0]
        row, column = torch.tril_indices(D, D, device=self.loc_tril.device)
        L = self.loc_tril.new_zeros(*self.batch_shape, D, D)
        L[..., row, column] = self.loc_tril[..., D:]
        return L

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """*B."""
        return tuple(self.loc_tril.shape[:-1])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """[D]."""
        return (math.isqrt(9 + 8 * self.loc_tril.shape[-1]) // 2 - 1,)

    def with_theta(self, theta: Tensor) -> "MultivariateNormal":
        """Return the node at another parameter."""
        return MultivariateNormal(theta)

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return mu + L e [N, S, *B, D]."""
        e = noise.normal(S, *self.loc.shape)
        return self.loc + (self.scale_tril @ e.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return -|e|^2 / 2 - sum_d log L_dd - D / 2 log 2 pi, e = L^-1 (x - mu) [..., *B]."""
        log_det = self.scale_tril.diagonal(0, -2, -1).log().sum(-1)
        return -self._standard(x).square().sum(-1) / 2 - log_det - self.event_shape[0] / 2 * math.log(2 * math.pi)

    def score(self, x: Tensor) -> Tensor:
        """Return w = L^-T e in mu and the lower triangle of w e^T - diag(1 / L_dd) in L [..., *B, D (D + 3) / 2]."""
        e = self._standard(x)
        w = solve_triangular(self.scale_tril.mT, e.unsqueeze(-1), upper=True).squeeze(-1)
        inverse = torch.diag_embed(1 / self.scale_tril.diagonal(0, -2, -1))
        return self.packed(w, w.unsqueeze(-1) * e.unsqueeze(-2) - inverse)

    def pathwise(self, x: Tensor, v: Tensor) -> Tensor:
        """Return (dx/dtheta)^T v = (v, lower triangle of v e^T) [..., *B, D (D + 3) / 2]."""
        return self.packed(v, v.unsqueeze(-1) * self._standard(x).unsqueeze(-2))

    def _standard(self, x: Tensor) -> Tensor:
        """Return e = L^-1 (x - mu) [..., *B, D]."""
        return solve_triangular(self.scale_tril, (x - self.loc).unsqueeze(-1), upper=False).squeeze(-1)
