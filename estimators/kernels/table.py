"""A separable cost as data: its summands and their slopes at every outcome of every variable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor


@dataclass(frozen=True, eq=False)
class CostTable:
    """f(x) = sum_v values[v, x_v] of a cost without a batch.

    Args:
        values: of the summands [V, J], J outcomes a variable.
        slopes: df/dx at them [V, J, width], width the entries of x of a variable.
    """

    values: Tensor
    slopes: Tensor

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """The same as arrays."""
        return self.values.numpy(), self.slopes.numpy()
