"""Two kinds of sums over draws that are more than an array: interleaved batches, and the largest of many numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_NARROW = 16  # batches: fewer of them in a row of memory are slow to copy


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
            return cls.at(h, first, total)
        sums = torch.zeros(total, h.shape[1], dtype=h.dtype, device=h.device)
        number = first + torch.arange(len(h), device=h.device)
        return cls(sums.index_add_(0, number % total, h), 0, total)

    @classmethod
    def at(cls, sums: Tensor, first: int, total: int) -> Batches:
        """Return what consecutive batches [m, n] hold, the first of them that of draw ``first``."""
        narrow = len(sums) < min(total, _NARROW)
        return cls(sums.contiguous() if narrow else sums, first % total, total)._in_order()

    def __add__(self, other: Batches) -> Batches:
        """Return the sums over both sets of draws."""
        together = len(self.sums) + len(other.sums)
        if together == 2 * self.total:
            return Batches(self.sums + other.sums, 0, self.total)
        if together <= self.total and (self.first + len(self.sums) - other.first) % self.total == 0:
            return Batches(_stacked(self.sums, other.sums), self.first, self.total)._in_order()
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


def _stacked(above: Tensor, below: Tensor) -> Tensor:
    """Return the rows of both, in the layout of the first."""
    if above.stride(0) == 1:
        return torch.cat([above.T, below.T], 1).T
    return torch.cat([above, below])


@dataclass(frozen=True)
class Largest:
    """The largest of many numbers, gathered in no order and chosen from now and then.

    What is read in the end is the same in whatever order they came: only what is surely not among them is left out.

    Args:
        values: the numbers, or those that may be among the largest.
        most: how many are wanted.
        bound: as many as that are at least this large; -inf while they are too few to choose from.
    """

    values: NDArray[np.float64]
    most: int
    bound: float = -math.inf

    def __add__(self, other: Largest) -> Largest:
        """Return the largest of both."""
        if self.bound < other.bound:
            return other + self
        new = other.values if self.bound == -math.inf else other.values[other.values > self.bound]
        if len(new) == 0:
            return self
        values = np.concatenate([self.values, new])
        if len(values) <= 2 * self.most:
            return Largest(values, self.most, self.bound)
        chosen = np.partition(values, -self.most)[-self.most :]
        return Largest(chosen, self.most, float(chosen[0]))

    def descending(self) -> NDArray[np.float64]:
        """Return them in falling order."""
        return np.sort(self.values)[::-1][: self.most].copy()
