"""Sums over draws from which every statistic follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .gathered import Batches, Largest
from .paths import HAS_KERNELS
from .records import NUM_REPLICATES

FULL_COVARIANCE = 256  # gradients of at most this many entries keep sum h h^T
COVARIANCE_DRAWS = 2**14  # of these draws at most: they tell tr Sigma^2 to a percent or two
NUM_BATCHES = 256  # longer ones learn tr Sigma^2 from the sums of this many interleaved batches
SMALL = 512  # below this many draws every draw is a batch of its own
_POWERS = 4 * NUM_REPLICATES  # sums over parts of the draws, of four numbers of each draw
_TRANSPOSED = 256  # draws at a time


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
        return self.sums[:_POWERS].view(4, NUM_REPLICATES)

    @property
    def h(self) -> Tensor:
        """Sum of h [n]."""
        return self.sums[_POWERS : (_POWERS + len(self.sums)) // 2]

    @property
    def h2h(self) -> Tensor:
        """Sum of |h|^2 h [n]."""
        return self.sums[(_POWERS + len(self.sums)) // 2 :]

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


class BlockSums:
    """The sums over one block, which takes its draws in strips: a strip is summed while it is in cache.

    They have the same bits for any strips, ``outer`` apart, which agrees to rounding.

    Args:
        frame: what all blocks share.
        first: number of the block's first draw, which sets its batch.
        rows: draws in the block.

    Attributes:
        count: draws taken so far.
    """

    def __init__(self, frame: Frame, first: int, rows: int) -> None:
        self._frame, self._first, self._rows, self.count = frame, first, rows, 0
        n, B = frame.shift.numel(), frame.num_batches
        self._of_strips: Moments | None = None
        self._by_kernel = HAS_KERNELS and frame.shift.device.type == "cpu" and (rows <= B or B % NUM_REPLICATES == 0)
        if not self._by_kernel:
            return
        self._largest, self._num_nonfinite = 0.0, 0
        self._shift, known = frame.shift.double().numpy(), frame.exact is not None
        self._offset = np.empty(0) if frame.exact is None else self._shift - frame.exact.double().numpy()
        self._sums, self._batches = np.zeros(_POWERS + 2 * n), np.empty((n, min(rows, B)))
        self._sq, self._error = np.empty(rows), np.empty(rows * known)
        self._outer = torch.zeros(n, n, dtype=torch.float64) if _sums_outer(n, first) else None

    def add(self, draws: Tensor) -> None:
        """Take the next draws.

        Args:
            draws: [m, n]; m is a multiple of 64 unless they are the block's last.
        """
        if not self._by_kernel:
            strip = _by_torch(draws, self._frame, self._first + self.count, _sums_outer(draws.shape[1], self._first))
            self._of_strips = strip if self._of_strips is None else self._of_strips + strip
            self.count += len(draws)
        elif draws.stride(0) == 1 or len(draws) == 1:
            self._add_by_kernel(draws.T)
        else:
            for part in draws.split(_TRANSPOSED):
                self._add_by_kernel(part.T.contiguous())

    def _add_by_kernel(self, g: Tensor) -> None:
        """Take draws last [n, m], each entry's in a row of memory."""
        from ..estimators.kernels.moments import add_strip

        (n, m), stride = g.shape, g.stride(0)
        start, stop = self.count, self.count + m
        if start % NUM_REPLICATES or stop > self._rows:
            raise ValueError(f"{m} draws after {start} of {self._rows}: only a block's last are no multiple of 64")
        largest, finite = add_strip(
            g.as_strided(((n - 1) * stride + m,), (1,)).numpy(),
            stride,
            start,
            self._rows,
            self._shift,
            self._offset,
            self._sq[start:stop],
            self._error[start:stop],
            self._sums[:_POWERS].reshape(4, -1),
            self._sums[_POWERS : _POWERS + n],
            self._sums[_POWERS + n :],
            self._batches,
        )
        self._largest = max(self._largest, largest)
        if not finite:
            self._num_nonfinite += int((~torch.isfinite(g)).any(0).sum())
        if self._outer is not None:
            h = g.double() - self._frame.shift[:, None]
            self._outer.addmm_(h, h.T)
        self.count = stop

    def moments(self) -> Moments:
        """Return the sums over the block, all of whose draws must have been added."""
        if self.count != self._rows:
            raise ValueError(f"{self.count} of a block's {self._rows} draws were added")
        if self._of_strips is not None:
            return self._of_strips
        place, frame = self._first % NUM_REPLICATES, self._frame
        if place:
            self._sums[:_POWERS] = np.roll(self._sums[:_POWERS].reshape(4, -1), place, 1).ravel()
        return Moments(
            self.count,
            torch.from_numpy(self._sums),
            self._outer,
            Batches.at(torch.from_numpy(self._batches.T), self._first, frame.num_batches),
            Largest(self._sq[: 0 if self._num_nonfinite else None], frame.num_top),
            self._largest,
            self._num_nonfinite,
        )


def _sums_outer(n: int, first: int) -> bool:
    """Whether a block keeps sum h h^T."""
    return n <= FULL_COVARIANCE and first < COVARIANCE_DRAWS


def block_moments(draws: Tensor, frame: Frame, first: int) -> Moments:
    """Return the sums over one block of draws, in float64.

    Args:
        draws: [N, n].
        frame: what all blocks share.
        first: number of the block's first draw, which sets its batch.
    """
    sums = BlockSums(frame, first, len(draws))
    sums.add(draws)
    return sums.moments()


def _by_torch(draws: Tensor, frame: Frame, first: int, outer: bool) -> Moments:
    rows = draws.contiguous().double()  # torch adds batches up several times slower with the draws last
    h = rows - frame.shift
    sq = h.square().sum(1)  # [N]
    # |g - exact|^2 = |h|^2 + 2 h . (shift - exact) + |shift - exact|^2; the constant is left out
    error = torch.zeros_like(sq) if frame.exact is None else sq + 2 * (h @ (frame.shift - frame.exact))
    both = torch.stack([sq, error])
    powers = torch.zeros(4, NUM_REPLICATES, dtype=h.dtype, device=h.device)
    part = (first + torch.arange(len(h), device=h.device)) % NUM_REPLICATES
    powers.index_add_(1, part, torch.cat([both, both.square()]))
    num_nonfinite = 0 if torch.isfinite(sq).all() else int((~torch.isfinite(draws)).any(1).sum())
    return Moments(
        len(draws),
        torch.cat([powers.flatten(), h.sum(0), sq @ h]),
        h.T @ h if outer else None,
        Batches.of(h, first, frame.num_batches),
        Largest(sq[: 0 if num_nonfinite else None].cpu().numpy(), frame.num_top),
        float(rows.abs().max()),
        num_nonfinite,
    )
