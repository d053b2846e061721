"""Sums of h and of |h|^2 h over 64 draws, vector by vector: a compiler has no say in the order of the additions."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

CHUNK = 64  # draws
_LANES = 8


def _added(chunks: int) -> Any:
    """Return the intrinsic that adds so many chunks of draws, one behind the other, to the same sums."""

    def add(typingctx: Any, row: Any, start: Any, shift: Any, square: Any, sums: Any, total: Any) -> Any:
        """Add h = row - shift to ``sums`` and return total + sum h square.

        Args:
            row: contiguous floating, of which the draws from ``start`` on are meant.
            start: an integer.
            shift: float64.
            square: contiguous float64, likewise.
            sums: contiguous float64 [64].
            total: float64.
        """
        number = row.dtype

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def data(i: int) -> Any:
                return context.make_array(signature.args[i])(context, builder, value=args[i]).data

            drawn, squares, lanes = data(0), data(3), data(4)
            first = context.cast(builder, args[1], signature.args[1], types.int64)
            double = ir.VectorType(ir.DoubleType(), _LANES)
            kind = ir.VectorType(context.get_value_type(number), _LANES)
            word = ir.IntType(64)

            def at(array: Any, place: Any, vector: Any, size: int) -> Any:
                pointer = builder.bitcast(builder.gep(array, [place]), vector.as_pointer())
                return pointer, builder.load(pointer, align=size)

            fma = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(double, [double] * 3), f"llvm.fma.v{_LANES}f64"
            )
            spread = ir.Constant(double, ir.Undefined)
            for lane in range(_LANES):
                spread = builder.insert_element(spread, args[2], ir.Constant(ir.IntType(32), lane))
            weighed = [ir.Constant(double, [0.0] * _LANES) for _ in range(chunks)]
            for group in range(0, CHUNK, _LANES):
                pointer, held = at(lanes, word(group), double, 8)
                for chunk in range(chunks):
                    place = builder.add(first, word(chunk * CHUNK + group))
                    x = at(drawn, place, kind, number.bitwidth // 8)[1]
                    x = x if number == types.float64 else builder.fpext(x, double)
                    h = builder.fsub(x, spread)
                    held = builder.fadd(held, h)
                    weighed[chunk] = builder.call(fma, [h, at(squares, place, double, 8)[1], weighed[chunk]])
                builder.store(held, pointer, align=8)
            while len(weighed) > 1:
                weighed = [builder.fadd(a, b) for a, b in zip(weighed[::2], weighed[1::2], strict=True)]
            return builder.fadd(args[5], _total(builder, weighed[0]))

        return types.float64(row, start, shift, square, sums, total), generate

    return intrinsic(add)


def _total(builder: Any, vector: Any) -> Any:
    """Return the sum of a vector's numbers, by halves."""

    def part(first: int, count: int) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(first, first + count)))
        return builder.shuffle_vector(vector, vector, mask)

    count = _LANES
    while count > 1:
        count //= 2
        vector = builder.fadd(part(0, count), part(count, count))
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


add_chunk = _added(1)
add_four = _added(4)
