"""The sums over a block of several cells, to which kernels add the draws that they make, a tile at a time."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np

from .compiled import kernel
from .moments import LANES, add_strip

_MOST = 1024  # draws of a tile: more gain nothing
_NEAR = 2**18  # numbers of a tile


class Sums(NamedTuple):
    """The sums over a block of each of T cells, as ``add_strip`` knows them.

    Args:
        shift: [T, n].
        offset: [T, n], or [T, 0] without a truth.
        sq: [T, rows].
        error: [T, rows], or [T, 0] without a truth.
        sums: powers, h and h2h of a cell in a row [T, 256 + 2 n], zeros at first.
        batches: [T, n, B].
        largest: max |g| [T], zeros at first.
        finite: whether all draws were [T], ones at first.
    """

    shift: np.ndarray
    offset: np.ndarray
    sq: np.ndarray
    error: np.ndarray
    sums: np.ndarray
    batches: np.ndarray
    largest: np.ndarray
    finite: np.ndarray


class _Kept(threading.local):
    """Memory of a thread."""

    def __init__(self) -> None:
        self.by_dtype: dict[np.dtype, np.ndarray] = {}


_kept = _Kept()


def tile_memory(cells: Sums, dtype: np.dtype) -> np.ndarray:
    """Return memory [T n M] for a tile of M draws that stay in the nearer caches: a multiple of 256 or 64, or all.

    A thread gets the same memory again: pages fresh from the system cost as much as the arithmetic on them.
    """
    (T, n), rows = cells.shift.shape, min(_MOST, _NEAR // cells.shift.shape[1])
    rows = rows // 256 * 256 if rows >= 256 else max(64, rows // 64 * 64)
    size = T * n * min(rows, cells.sq.shape[1])
    kept = _kept.by_dtype
    if dtype not in kept or kept[dtype].size < size:
        kept[dtype] = np.empty(size, dtype)
    return kept[dtype][:size]


@kernel
def add_to(cells, t, g, stride, place, m):  # type: ignore[no-untyped-def]
    """Add m draws to the sums of cell t; see ``add_strip``.

    Args:
        cells: ``Sums``.
        t: of a cell.
        g: entry j of draw i stands at j stride + i.
        stride: of an entry.
        place: of the first draw in its block, a multiple of 64.
        m: draws; a multiple of 64 unless they are the block's last.
    """
    n, rows = cells.shift.shape[1], cells.sq.shape[1]
    most, finite = add_strip(
        g,
        stride,
        place,
        rows,
        cells.shift[t],
        cells.offset[t],
        cells.sq[t, place : place + m],
        cells.error[t, place : place + m],
        cells.sums[t, : 4 * LANES].reshape(4, LANES),
        cells.sums[t, 4 * LANES : 4 * LANES + n],
        cells.sums[t, 4 * LANES + n :],
        cells.batches[t],
    )
    cells.largest[t] = max(cells.largest[t], most)
    cells.finite[t] &= finite
