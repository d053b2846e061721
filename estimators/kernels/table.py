"""A separable cost as data: its summands and their slopes at every outcome of every variable."""

from __future__ import annotations

from dataclasses import dataclass

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
