"""The numbers that the kernels draw, as the Noise that a torch form takes: both can be fed the same."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..noise import PhiloxNoise
from . import laws
from .arrays import zeros
from .compiled import kernel
from .philox import padded, words


@kernel
def uniforms(key, block, first, word, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` [m] with the uniforms at positions first, first + 1, ... of a block's stream.

    Args:
        key: of the stream, uint32 [2].
        block: number of the block.
        first: a multiple of 64.
        word: uint32 [m], overwritten.
        out: floating [m], m a multiple of 64.
    """
    words(key, block, first, word)
    for i in range(out.size):
        out[i] = laws.uniform(word[i])


@kernel
def exponentials(key, block, first, word, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` [m] with exponentials; see ``uniforms``."""
    words(key, block, first, word)
    for i in range(out.size):
        out[i] = laws.exponential(word[i])


@kernel
def every_odds(key, block, first, word, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` [m] with (1 - u) / u of the uniforms u; see ``uniforms``."""
    words(key, block, first, word)
    for i in range(out.size):
        out[i] = laws.odds(word[i], out.dtype.type(0.5))


@kernel
def normals(key, block, first, word, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` [m] with normals; see ``uniforms``."""
    words(key, block, first, word)
    for i in range(out.size):
        out[i] = laws.normal(word[i])


_LAWS: dict[str, tuple[Any, type]] = {
    "uniform": (uniforms, np.float64),
    "exponential": (exponentials, np.float32),
    "normal": (normals, np.float32),
}
_AT_ONCE = 16384  # words of scratch, which stay in cache


class KernelNoise(PhiloxNoise):
    """Noise by Philox4x32-10 under a key that is a hash of (seed, problem, law and name, shape); blocks are counted.

    Number j of the ``shape``, in the order of rows, of draw n stands at position j M + n of its block's stream, M the
    block's rows rounded up to a multiple of 64: kernels read it draws last. Names, generators and memory are those of
    PhiloxNoise.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._kept: dict[tuple[object, ...], Any] = {}

    @property
    def stride(self) -> int:
        """M, the numbers kept for each entry of the shape."""
        return padded(self.rows)

    def key(self, law: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return the key of a stream, uint32 [2]."""
        text = f"{self.seed}|{self.problem}|{law}:{name}:{shape}".encode()
        return np.frombuffer(blake2b(text, digest_size=8).digest(), np.uint32)

    def draws_last(self, law: str, shape: tuple[int, ...], name: str = "x") -> np.ndarray:
        """Return the numbers of a law [prod(shape), M], float32, uniforms float64; the same array at each call."""
        return self.kept((law, name, shape), lambda: self._filled(law, name, shape))

    def kept(self, key: tuple[object, ...], make: Callable[[], Any]) -> Any:
        """Return what was made before under this key, or make it: the halves of kernels share it within a block."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _filled(self, law: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
        fill, dtype = _LAWS[law]
        out = zeros((prod(shape) * self.stride,), dtype)
        key, word = self.key(law, name, shape), np.empty(_AT_ONCE, np.uint32)
        for first in range(0, out.size, _AT_ONCE):
            part = out[first : first + _AT_ONCE]
            fill(key, self.block, first, word[: part.size], part)
        return out.reshape(-1, self.stride)

    def _numbers(self, law: str, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return the numbers of a law [N, *shape], draws last in memory."""
        return torch.from_numpy(self.draws_last(law, shape, name)[:, : self.rows]).T.reshape(self.rows, *shape)
