"""Rows of a table, one for each draw, turned so that draws come last: whole vectors are read, turned and written.

Entry by entry, a lookup reads one number at a time. A row is contiguous; L rows of L numbers are a square of vectors,
whose transpose takes log2(L) shuffles of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiled import kernel
from .permuting import PERMUTES, permute

_VECTOR, _LANE = 32, 16  # bytes of a vector, and of its parts, between which few shuffles move numbers


def lanes(dtype: np.dtype) -> int:
    """Return L, the numbers of a vector."""
    return _VECTOR // dtype.itemsize


def _square(vectors: list[Any], shuffle: Any, part: int) -> list[Any]:
    """Return the transpose of L vectors of L numbers.

    Step d takes d numbers of each of two vectors by turns, from the lower and from the upper halves of their parts.

    Args:
        vectors: the rows.
        shuffle: (a, b, which of the 2 L numbers of both) -> a vector.
        part: numbers in 16 bytes.
    """
    L, d = len(vectors), 1
    while d < L:
        span = max(2 * d, part)
        halves = []
        for start in (0, span // 2):
            mask = [
                base + start + chunk + number + other
                for base in range(0, L, span)
                for chunk in range(0, span // 2, d)
                for other in (0, L)
                for number in range(d)
            ]
            halves.append([shuffle(a, b, mask) for a, b in zip(vectors[::2], vectors[1::2], strict=True)])
        vectors, d = halves[0] + halves[1], 2 * d
    return vectors


def _turn(typingctx: Any, table: Any, column: Any, which: Any, first: Any, tile: Any) -> Any:
    """Set tile[c, first + i] to table[which[first + i], column + c], for i and c from 0 to L - 1.

    Args:
        table: contiguous [J, W].
        column: an integer, at most W - L.
        which: contiguous integers [M], from 0 to J - 1.
        first: an integer, at most M - L.
        tile: contiguous [L, M].
    """
    number = table.dtype
    L, part = _VECTOR * 8 // number.bitwidth, _LANE * 8 // number.bitwidth

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, indices, target = (
            context.make_array(signature.args[i])(context, builder, value=args[i]) for i in (0, 2, 4)
        )
        vector = ir.VectorType(context.get_value_type(number), L)
        word = ir.IntType(64)
        width, stride = (builder.extract_value(each.shape, 1) for each in (source, target))
        columns, start = (context.cast(builder, args[i], signature.args[i], types.int64) for i in (1, 3))

        def place(array: Any, row: Any, entry: Any, length: Any) -> Any:
            at = builder.gep(array.data, [builder.add(builder.mul(row, length), entry)])
            return builder.bitcast(at, vector.as_pointer())

        def shuffle(a: Any, b: Any, mask: list[int]) -> Any:
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), L), mask))

        rows = []
        for i in range(L):
            at = builder.gep(indices.data, [builder.add(start, word(i))])
            row = context.cast(builder, builder.load(at), signature.args[2].dtype, types.int64)
            rows.append(builder.load(place(source, row, columns, width), align=number.bitwidth // 8))
        turned = _square(rows, shuffle, part)
        order = [
            each[0][1]
            for each in _square(
                [[(i, c) for c in range(L)] for i in range(L)], lambda a, b, mask: [(a + b)[m] for m in mask], part
            )
        ]
        for each, c in zip(turned, order, strict=True):
            builder.store(each, place(target, word(c), start, stride), align=number.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(table, column, which, first, tile), generate


turn: Any = intrinsic(_turn)


@kernel
def columns(table, which, width, out):  # type: ignore[no-untyped-def]
    """Set out[c, n] to table[which[n], c], for c < width.

    Args:
        table: [J, W], W a multiple of L, padded beyond ``width``.
        which: integers [M], M a multiple of 64.
        width: of the columns that are wanted.
        out: [W, M or more].
    """
    J, M, L, size = len(table), which.size, 32 // table.itemsize, 64 // table.itemsize
    if J == 2:
        for c in range(width):
            row, low, high = out[c], table[0, c], table[1, c]
            for n in range(M):
                row[n] = high if which[n] else low
    elif PERMUTES and 2 * size >= J:
        column = np.zeros(2 * size, table.dtype)
        for c in range(width):
            row = out[c]
            for j in range(J):
                column[j] = table[j, c]
            for first in range(0, M, size):
                permute(column, which, first, row)
    else:
        for c in range(0, width, L):
            tile = out[c : c + L]
            for first in range(0, M, L):
                turn(table, c, which, first, tile)
