"""Block moments added up in a fixed tree, so that no order of arrival shows in the bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .gathered import Largest
from .moments import Moments


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
        self._squares: Largest | None = None  # apart: which are the largest depends on no order

    def add(self, block: int, moments: Moments) -> None:
        """Take the moments of one block and merge what can be merged."""
        self._squares = moments.squares if self._squares is None else self._squares + moments.squares
        moments = replace(moments, squares=Largest(np.empty(0), moments.squares.most))
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
        assert self._squares is not None
        return replace(moments, squares=self._squares)
