"""Sums over draws from which every statistic follows, added up in a fixed tree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .paths import HAS_KERNELS
from .records import NUM_REPLICATES

FULL_COVARIANCE = 256  # gradients of at most this many entries keep sum h h^T
COVARIANCE_DRAWS = 2**14  # of these draws at most: they tell tr Sigma^2 to a percent or two
NUM_BATCHES = 256  # longer ones learn tr Sigma^2 from the sums of this many interleaved batches
SMALL = 512  # below this many draws every draw is a batch of its own


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
        if len(self.shift) <= FULL_COVARIANCE:
            return NUM_REPLICATES
        return self.num_draws if self.num_draws < SMALL else NUM_BATCHES


@dataclass(frozen=True)
class Batches:
    """Sums of h over interleaved batches, draw i in batch i mod B: those alone that hold a draw.

    A short block of a long gradient meets few of its 256 batches; the others would be zeros to write and to add.

    Args:
        sums: of the batches first, first + 1, ... [m, n], m <= B; all of them begin with batch 0.
        first: of them.
        total: B.
    """

    sums: Tensor
    first: int
    total: int

    @classmethod
    def of(cls, h: Tensor, first: int, total: int) -> Batches:
        """Return the sums of consecutive draws [N, n], ``first`` being the number of the first."""
        if len(h) < total:
            return cls(h, first % total, total)._in_order()
        sums = torch.zeros(total, h.shape[1], dtype=h.dtype, device=h.device)
        number = first + torch.arange(len(h), device=h.device)
        return cls(sums.index_add_(0, number % total, h), 0, total)

    def __add__(self, other: Batches) -> Batches:
        """Return the sums over both sets of draws."""
        together = len(self.sums) + len(other.sums)
        if together <= self.total and (self.first + len(self.sums) - other.first) % self.total == 0:
            return Batches(torch.cat([self.sums, other.sums]), self.first, self.total)._in_order()
        return Batches(self.whole().index_add(0, other._places(), other.sums), 0, self.total)

    def whole(self) -> Tensor:
        """Return the sums of all batches [B, n]."""
        if len(self.sums) == self.total:
            return self.sums
        return self.sums.new_zeros(self.total, self.sums.shape[1]).index_copy_(0, self._places(), self.sums)

    def _places(self) -> Tensor:
        return (self.first + torch.arange(len(self.sums), device=self.sums.device)) % self.total

    def _in_order(self) -> Batches:
        if self.first == 0 or len(self.sums) < self.total:
            return self
        return Batches(self.sums.roll(self.first, 0), 0, self.total)


@dataclass(frozen=True)
class Moments:
    """Sums over draws g [n], with h = g - shift; ``a + b`` are the sums over both.

    Args:
        count: number of draws.
        h: sum of h [n].
        h2: sum of |h|^2.
        h4: sum of |h|^4.
        h2h: sum of |h|^2 h [n].
        outer: sum of h h^T [n, n] for n <= 256, else None; None too where some draws lie beyond the first 2^14.
        head: the sums over those first draws, where others were added to them.
        batches: sums of h in interleaved batches.
        error: sum of |g - exact|^2 - |shift - exact|^2, 0 without a truth.
        error2: sum of its squares.
        top: the num_top largest |h|^2, descending.
        num_top: how many are kept.
        largest: max of the entries |g|.
        parts: sums of |h|^2 and of the errors over draws i with equal i mod 64 [2, 64].
        num_nonfinite: draws with an entry that is NaN or infinite.
    """

    count: int
    h: Tensor
    h2: Tensor
    h4: Tensor
    h2h: Tensor
    outer: Tensor | None
    batches: Batches
    error: Tensor
    error2: Tensor
    top: Tensor
    num_top: int
    largest: Tensor
    parts: Tensor
    num_nonfinite: int
    head: Moments | None = None

    def __add__(self, other: Moments) -> Moments:
        """Return the sums over both sets of draws."""
        top = torch.cat([self.top, other.top])
        return Moments(
            self.count + other.count,
            self.h + other.h,
            self.h2 + other.h2,
            self.h4 + other.h4,
            self.h2h + other.h2h,
            None if self.outer is None or other.outer is None else self.outer + other.outer,
            self.batches + other.batches,
            self.error + other.error,
            self.error2 + other.error2,
            top.topk(min(len(top), self.num_top)).values,
            self.num_top,
            torch.maximum(self.largest, other.largest),
            self.parts + other.parts,
            self.num_nonfinite + other.num_nonfinite,
            self.head or (self if self.outer is not None and other.outer is None else None),
        )


def block_moments(draws: Tensor, frame: Frame, first: int) -> Moments:
    """Return the sums over one block of draws, in float64.

    Args:
        draws: [N, n].
        frame: what all blocks share.
        first: number of the block's first draw, which sets its batch.
    """
    n = draws.shape[1]
    by_kernel = HAS_KERNELS and draws.device.type == "cpu" and first % frame.num_batches == 0
    found = (_by_kernel if by_kernel else _by_torch)(draws, frame, first)
    num_nonfinite = 0 if found.finite else int((~torch.isfinite(draws)).any(1).sum())
    h2, h4, error, error2 = found.powers
    outer = None
    if n <= FULL_COVARIANCE and first < COVARIANCE_DRAWS:
        h = draws.double() - frame.shift
        outer = h.T @ h
    return Moments(
        len(draws),
        found.h,
        h2,
        h4,
        found.h2h,
        outer,
        found.batches,
        error,
        error2,
        found.sq.topk(min(frame.num_top, len(draws))).values if num_nonfinite == 0 else found.sq[:0],
        frame.num_top,
        found.largest,
        found.parts,
        num_nonfinite,
    )


@dataclass(frozen=True)
class _Sums:
    """What is summed over the entries of draws, and over draws; see ``Moments``."""

    sq: Tensor  # |h|^2 [N]
    h: Tensor
    h2h: Tensor
    batches: Batches
    powers: Tensor  # sums of |h|^2, |h|^4, error and error^2 [4]
    parts: Tensor
    largest: Tensor
    finite: bool


def _by_torch(draws: Tensor, frame: Frame, first: int) -> _Sums:
    rows = draws.contiguous().double()  # torch adds batches up several times slower with the draws last
    h = rows - frame.shift
    sq = h.square().sum(1)  # [N]
    # |g - exact|^2 = |h|^2 + 2 h . (shift - exact) + |shift - exact|^2; the constant is left out
    error = torch.zeros_like(sq) if frame.exact is None else sq + 2 * (h @ (frame.shift - frame.exact))
    both = torch.stack([sq, error])
    parts = torch.zeros(2, NUM_REPLICATES, dtype=h.dtype, device=h.device)
    return _Sums(
        sq,
        h.sum(0),
        sq @ h,
        Batches.of(h, first, frame.num_batches),
        torch.stack([both, both.square()], 1).sum(2).flatten(),
        parts.index_add_(1, (first + torch.arange(len(h), device=h.device)) % NUM_REPLICATES, both),
        rows.abs().max(),
        bool(torch.isfinite(sq).all()),
    )


def _by_kernel(draws: Tensor, frame: Frame, first: int) -> _Sums:
    from ..estimators.kernels import moments as kernels

    g = draws.T.contiguous().numpy()  # draws last, as fused kernels leave them
    (n, N), shift = g.shape, frame.shift.numpy()
    offset = np.zeros(n) if frame.exact is None else (frame.shift - frame.exact).numpy()
    sq, cross, h2h = np.zeros(N), np.zeros(N), np.empty(n)
    batches, parts = np.zeros((n, min(N, frame.num_batches))), np.zeros((2, NUM_REPLICATES))
    largest = kernels.squares(g, shift, offset, sq, cross)
    kernels.sums(g, shift, sq, h2h, batches)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite fails later, with a reason
        error = np.zeros(N) if frame.exact is None else sq + 2 * cross
    *powers, finite = kernels.powers(sq, error, parts)
    by_batch = torch.from_numpy(batches)
    return _Sums(
        torch.from_numpy(sq),
        by_batch.sum(1),
        torch.from_numpy(h2h),
        Batches(by_batch.T.contiguous(), 0, frame.num_batches),
        torch.tensor(powers, dtype=torch.float64),
        torch.from_numpy(parts),
        torch.tensor(largest, dtype=torch.float64),
        finite,
    )


class Tree:
    """Adds up block moments in one fixed binary tree, whatever the order in which blocks arrive.

    Args:
        num_blocks: how many blocks will arrive.
    """

    def __init__(self, num_blocks: int) -> None:
        self._width = [num_blocks]
        while self._width[-1] > 1:
            self._width.append((self._width[-1] + 1) // 2)
        self._waiting: dict[tuple[int, int], Moments] = {}

    def add(self, block: int, moments: Moments) -> None:
        """Take the moments of one block and merge what can be merged."""
        level = 0
        while level < len(self._width) - 1:
            sibling = block ^ 1
            if sibling < self._width[level]:
                other = self._waiting.pop((level, sibling), None)
                if other is None:
                    break
                moments = moments + other if block < sibling else other + moments
            level, block = level + 1, block // 2
        self._waiting[level, block] = moments

    def total(self) -> Moments:
        """Return the sums over all blocks."""
        (moments,) = self._waiting.values()
        return moments
