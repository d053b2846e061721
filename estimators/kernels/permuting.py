"""A short list of numbers looked up at many indices: one instruction takes a vector of them from two registers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

_VECTOR = 512  # bits
_FEATURES = config.CPU_FEATURES if config.CPU_FEATURES is not None else get_host_cpu_features()  # type: ignore[attr-defined]
PERMUTES = "+avx512f" in _FEATURES.split(",")  # elsewhere it is a loop
_INSTRUCTION = {32: "llvm.x86.avx512.vpermi2var.ps.512", 64: "llvm.x86.avx512.vpermi2var.pd.512"}


def _permute(typingctx: Any, numbers: Any, which: Any, first: Any, out: Any) -> Any:
    """Set out[first + i] to numbers[which[first + i]], for i from 0 to L - 1, L the numbers of 64 bytes.

    Args:
        numbers: contiguous [2 L].
        which: contiguous int32 [M], from 0 to 2 L - 1.
        first: an integer, at most M - L.
        out: contiguous [M].
    """
    bits = numbers.dtype.bitwidth
    L = _VECTOR // bits

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, indices, target = (
            context.make_array(signature.args[i])(context, builder, value=args[i]) for i in (0, 1, 3)
        )
        start = context.cast(builder, args[2], signature.args[2], types.int64)
        number, word = context.get_value_type(numbers.dtype), ir.IntType(bits)
        vector, short, places = ir.VectorType(number, L), ir.VectorType(ir.IntType(32), L), ir.VectorType(word, L)

        def at(data: Any, place: Any, kind: Any) -> Any:
            return builder.bitcast(builder.gep(data, [place]), kind.as_pointer())

        if not PERMUTES:
            for i in range(L):
                place = builder.add(start, ir.Constant(ir.IntType(64), i))
                index = builder.zext(builder.load(builder.gep(indices.data, [place])), ir.IntType(64))
                builder.store(builder.load(builder.gep(source.data, [index])), builder.gep(target.data, [place]))
            return context.get_dummy_value()
        low, high = (
            builder.load(at(source.data, ir.Constant(ir.IntType(64), i), vector), align=bits // 8) for i in (0, L)
        )
        index = builder.load(at(indices.data, start, short), align=4)
        if bits == 64:
            index = builder.zext(index, places)
        kind = ir.FunctionType(vector, [vector, places, vector])
        found = builder.call(
            cgutils.get_or_insert_function(builder.module, kind, _INSTRUCTION[bits]), [low, index, high]
        )
        builder.store(found, at(target.data, start, vector), align=bits // 8)
        return context.get_dummy_value()

    return types.void(numbers, which, first, out), generate


permute: Any = intrinsic(_permute)
