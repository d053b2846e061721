"""Sums over draws from which every statistic follows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .gathered import Batches, Largest
from .records import NUM_REPLICATES

FULL_COVARIANCE = 256  # gradients of at most this many entries keep sum h h^T
NUM_BATCHES = 256  # longer ones learn tr Sigma^2 from the sums of this many interleaved batches
SMALL = 512  # below this many draws every draw is a batch of its own
POWERS = 4 * NUM_REPLICATES  # sums over parts of the draws, of four numbers of each draw


@dataclass(frozen=True)
class Frame:
    """What all blocks of one cell share: pilot-shifted sums are exact where raw ones cancel.

    Args:
        shift: the mean of block 0 [n]; h = g - shift.
        exact: the exact gradient [n], or None.
        error_trace: tr C, C the covariance of the error of ``exact``, 0 unless it was estimated.
        error_square: tr C^2.
        num_draws: N.
        num_top: how many of the largest |h|^2 are kept, for the tail index.
    """

    shift: Tensor
    exact: Tensor | None
    num_draws: int
    num_top: int
    error_trace: float = 0.0
    error_square: float = 0.0

    @cached_property
    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shift and shift - exact, or nothing in its place, in float64 on the CPU."""
        shift = self.shift.double().numpy()
        return shift, np.empty(0) if self.exact is None else shift - self.exact.double().numpy()

    @property
    def num_batches(self) -> int:
        """How many interleaved batches are summed: draw i belongs to batch i mod this."""
        if self.shift.numel() <= FULL_COVARIANCE:
            return NUM_REPLICATES
        return self.num_draws if self.num_draws < SMALL else NUM_BATCHES


@dataclass(frozen=True)
class Moments:
    """Sums over draws g [n], with h = g - shift; ``a + b`` are the sums over both.

    Args:
        count: number of draws.
        sums: ``powers``, ``h`` and ``h2h`` in a row.
        outer: sum of h h^T [n, n] for n <= 256, else None; None too where some draws lie beyond the first 2^14.
        batches: sums of h in interleaved batches.
        squares: the largest |h|^2.
        largest: max of the entries |g|.
        num_nonfinite: draws with an entry that is NaN or infinite.
        head: the sums over those first draws, where others were added to them.
    """

    count: int
    sums: Tensor
    outer: Tensor | None
    batches: Batches
    squares: Largest
    largest: float
    num_nonfinite: int
    head: Moments | None = None

    @property
    def powers(self) -> Tensor:
        """Sums of |h|^2, the errors and the squares of both over draws i with equal i mod 64 [4, 64]."""
        return self.sums[:POWERS].view(4, NUM_REPLICATES)

    @property
    def h(self) -> Tensor:
        """Sum of h [n]."""
        return self.sums[POWERS : (POWERS + len(self.sums)) // 2]

    @property
    def h2h(self) -> Tensor:
        """Sum of |h|^2 h [n]."""
        return self.sums[(POWERS + len(self.sums)) // 2 :]

    @property
    def parts(self) -> Tensor:
        """Sums of |h|^2 and of the errors over draws i with equal i mod 64 [2, 64]."""
        return self.powers[:2]

    @property
    def h2(self) -> Tensor:
        """Sum of |h|^2."""
        return self.powers[0].sum()

    @property
    def error(self) -> Tensor:
        """Sum of the errors |g - exact|^2 - |shift - exact|^2, 0 without a truth."""
        return self.powers[1].sum()

    @property
    def h4(self) -> Tensor:
        """Sum of |h|^4."""
        return self.powers[2].sum()

    @property
    def error2(self) -> Tensor:
        """Sum of the squares of the errors."""
        return self.powers[3].sum()

    @property
    def top(self) -> Tensor:
        """The num_top largest |h|^2, descending."""
        return torch.from_numpy(self.squares.descending())

    def __add__(self, other: Moments) -> Moments:
        """Return the sums over both sets of draws."""
        both = self.outer is not None and other.outer is not None
        return Moments(
            self.count + other.count,
            self.sums + other.sums,
            self.outer + other.outer if both else None,  # type: ignore[operator]
            self.batches + other.batches,
            self.squares + other.squares,
            max(self.largest, other.largest),
            self.num_nonfinite + other.num_nonfinite,
            self.head or (self if self.outer is not None and not both else None),
        )
