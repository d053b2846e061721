"""A separable cost as data: its summands at every outcome of every variable, or their coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class CostTable:
    """f(x) = sum_v values[v, x_v], a cost without a batch; J outcomes and w entries of x a variable.

    Args:
        values: of the summands [V, J].
        slopes: df/dx at them [V, J, w]; None for a cost without slopes.
    """

    values: Tensor
    slopes: Tensor | None

    def slopes_at_every_outcome(self, theta: Tensor) -> Tensor:
        """Return the slopes [J, *param], all variables showing outcome j in the j-th."""
        assert self.slopes is not None
        return self.slopes.transpose(0, 1).reshape(-1, *theta.shape)


@dataclass(frozen=True, eq=False)
class Polynomial:
    """f(x) = sum_d sum_m coefficients[d, m] x_d^m.

    Args:
        coefficients: [D, M], lowest power first.
    """

    coefficients: Tensor

    @property
    def slope(self) -> Tensor:
        """The coefficients of df/dx_d [D, M - 1], or a column of zeros for a constant."""
        c = self.coefficients
        return c[:, 1:] * torch.arange(1, c.shape[1], dtype=c.dtype) if c.shape[1] > 1 else torch.zeros_like(c)

    def at(self, x: Tensor) -> Tensor:
        """Return f(x) [...] for x [..., D]."""
        powers = x.unsqueeze(-1) ** torch.arange(self.coefficients.shape[1])
        return (powers * self.coefficients.to(x)).sum((-2, -1))

    def largest(self, x: Tensor) -> tuple[float, float]:
        """Return bounds of |f| and of |df/dx_d| where the x_d are at most these in size [..., D]."""
        value, slope = Polynomial(self.coefficients.abs()), self.slope.abs().double()
        powers = x.double().unsqueeze(-1) ** torch.arange(slope.shape[1])
        return float(value.at(x.double()).max()), float((powers * slope).sum(-1).max())
