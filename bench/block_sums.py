"""The sums over one block, which takes its draws in strips: a strip is summed while it is in cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .gathered import Batches, Largest
from .moments import FULL_COVARIANCE, POWERS, Frame, Moments
from .paths import HAS_KERNELS
from .records import NUM_REPLICATES

if TYPE_CHECKING:
    from ..estimators.kernels.cells import Sums

COVARIANCE_DRAWS = 2**14  # of these draws at most: they tell tr Sigma^2 to a percent or two
_TRANSPOSED = 256  # draws at a time
_PANEL = 64  # columns of h h^T at a time


class BlockSums:
    """The sums over one block. They have the same bits for any strips of multiples of 256 draws.

    ``outer`` agrees to rounding, with strips of other multiples of 64 ``h2h`` too.

    Args:
        frame: what all blocks share.
        first: number of the block's first draw, which sets its batch.
        rows: draws in the block.
        cells: arrays of it and others; its own where they are left out.
        place: of it in the arrays.
        count: draws taken so far.
    """

    def __init__(
        self, frame: Frame, first: int, rows: int, cells: Sums | None = None, place: int = 0, count: int = 0
    ) -> None:
        self._frame, self._first, self._rows, self.count = frame, first, rows, count
        self._place, self._num_nonfinite = place, 0
        self._of_strips: Moments | None = None
        self._outer: Tensor | None = None
        self._cells = _cells([frame], rows) if cells is None and _by_kernel(frame, rows) else cells
        n = frame.shift.numel()
        if self._cells is not None and _sums_outer(n, first):
            self._outer = torch.zeros(n, n, dtype=torch.float64)

    @classmethod
    def together(cls, frames: Sequence[Frame], first: int, rows: int) -> tuple[Sums, list[BlockSums]] | None:
        """Return the arrays of several blocks of the same draws for a kernel to fill, and what reads them then.

        None where no kernel can: on another device, and where the block keeps sum h h^T.
        """
        if not _by_kernel(frames[0], rows) or _sums_outer(frames[0].shift.numel(), first):
            return None
        cells = _cells(frames, rows)
        return cells, [cls(frame, first, rows, cells, place, rows) for place, frame in enumerate(frames)]

    def add(self, draws: Tensor) -> None:
        """Take the next draws.

        Args:
            draws: [m, n]; m is a multiple of 64 unless they are the block's last.
        """
        if self._cells is None:
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
        from ..estimators.kernels.cells import add_to

        assert self._cells is not None
        (n, m), stride = g.shape, g.stride(0)
        start, stop = self.count, self.count + m
        if start % NUM_REPLICATES or stop > self._rows:
            raise ValueError(f"{m} draws after {start} of {self._rows}: only a block's last are no multiple of 64")
        add_to(self._cells, self._place, g.as_strided(((n - 1) * stride + m,), (1,)).numpy(), stride, start, m)
        if not self._cells.finite[self._place]:
            self._num_nonfinite += int((~torch.isfinite(g)).any(0).sum())
            self._cells.finite[self._place] = True
        if self._outer is not None:
            h = g.double() - self._frame.shift[:, None]
            for j in range(0, n, _PANEL):  # the other half mirrors it
                self._outer[j:, j : j + _PANEL].addmm_(h[j:], h[j : j + _PANEL].T)
        self.count = stop

    def moments(self) -> Moments:
        """Return the sums over the block, all of whose draws must have been added."""
        if self.count != self._rows:
            raise ValueError(f"{self.count} of a block's {self._rows} draws were added")
        if self._of_strips is not None:
            return self._of_strips
        assert self._cells is not None
        turn, frame, place = self._first % NUM_REPLICATES, self._frame, self._place
        sums = self._cells.sums[place]
        if turn:
            sums = np.concatenate([np.roll(sums[:POWERS].reshape(4, -1), turn, 1).ravel(), sums[POWERS:]])
        return Moments(
            self.count,
            torch.from_numpy(sums),
            None if self._outer is None else self._outer.tril() + self._outer.tril(-1).T,
            Batches.at(torch.from_numpy(self._cells.batches[place].T), self._first, frame.num_batches),
            Largest(self._cells.sq[place, : 0 if self._num_nonfinite else None], frame.num_top),
            float(self._cells.largest[place]),
            self._num_nonfinite,
        )


def _by_kernel(frame: Frame, rows: int) -> bool:
    B = frame.num_batches
    return HAS_KERNELS and frame.shift.device.type == "cpu" and (rows <= B or B % NUM_REPLICATES == 0)


def _cells(frames: Sequence[Frame], rows: int) -> Sums:
    from ..estimators.kernels.cells import Sums

    T, n, known = len(frames), frames[0].shift.numel(), frames[0].exact is not None
    shift, offset = np.empty((T, n)), np.empty((T, n * known))
    for t, frame in enumerate(frames):
        shift[t], offset[t] = frame.arrays
    return Sums(
        shift,
        offset,
        np.empty((T, rows)),
        np.empty((T, rows * known)),
        np.zeros((T, POWERS + 2 * n)),
        np.empty((T, n, min(rows, frames[0].num_batches))),
        np.zeros(T),
        np.ones(T, bool),
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
