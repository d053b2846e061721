"""The numbers that the kernels draw, as the Noise that a torch form takes: both can be fed the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..noise import PhiloxNoise
from . import laws
from .arrays import empty
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


_LAWS: dict[str, tuple[int, type]] = {
    "uniform": (0, np.float64),
    "exponential": (1, np.float32),
    "normal": (2, np.float32),
}


@kernel
def fill(law, key, block, stride, first, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` [rows, M] with numbers of a law, row j from position j stride + first of a block's stream.

    Args:
        law: 0 for uniforms, 1 for exponentials, 2 for normals.
        key: of the stream, uint32 [2].
        block: number of the block.
        stride: numbers that the block keeps for each row.
        first: a multiple of 64.
        out: floating, M a multiple of 64.
    """
    word = np.empty(out.shape[1], np.uint32)
    for j in range(len(out)):
        if law == 0:
            uniforms(key, block, j * stride + first, word, out[j])
        elif law == 1:
            exponentials(key, block, j * stride + first, word, out[j])
        else:
            normals(key, block, j * stride + first, word, out[j])


@lru_cache(maxsize=256)
def _key(seed: int, problem: str, law: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    text = f"{seed}|{problem}|{law}:{name}:{shape}".encode()
    return np.frombuffer(blake2b(text, digest_size=8).digest(), np.uint32)


class KernelNoise(PhiloxNoise):
    """Noise by Philox4x32-10 under a key that is a hash of (seed, problem, law and name, shape); blocks are counted.

    Number j of the ``shape``, in the order of rows, of draw n stands at position j M + n of its block's stream, M the
    block's rows rounded up to a multiple of 64: kernels read it draws last. Names, generators and memory are those of
    PhiloxNoise.

    Attributes:
        first: the first of the block's draws that it serves, of ``rows``: 0 but for a ``strip``.
        stride: M, the numbers that the block keeps for each entry of the shape.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.first, self.stride = 0, padded(self.rows)
        self._kept: dict[tuple[object, ...], Any] = {}

    def strip(self, first: int, rows: int) -> KernelNoise:
        """Return the noise of some of the draws alone: the same numbers, few enough to stay in cache.

        Args:
            first: the first draw, a multiple of 64.
            rows: how many.
        """
        part = KernelNoise(self.seed, self.problem, self.block, rows, self.dtype, self.device)
        part.first, part.stride = self.first + first, self.stride
        return part

    @property
    def width(self) -> int:
        """Numbers kept here for each entry of the shape: the rows, rounded up to a multiple of 64."""
        return padded(self.rows)

    def key(self, law: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return the key of a stream, uint32 [2]."""
        return _key(self.seed, self.problem, law, name, shape)

    def draws_last(self, law: str, shape: tuple[int, ...], name: str = "x") -> np.ndarray:
        """Return the numbers of a law [prod(shape), width], float32, uniforms float64; the same array at each call."""
        return self.kept((law, name, shape), lambda: self._filled(law, name, shape))

    def kept(self, key: tuple[object, ...], make: Callable[[], Any]) -> Any:
        """Return what was made before under this key, or make it: the halves of kernels share it within a block."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _off_zero(self, E: Tensor) -> Tensor:
        return E  # they are

    def _filled(self, law: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
        number, dtype = _LAWS[law]
        out = empty((prod(shape), self.width), dtype)
        fill(number, self.key(law, name, shape), self.block, self.stride, self.first, out)
        return out

    def _numbers(self, law: str, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return the numbers of a law [N, *shape], draws last in memory."""
        return torch.from_numpy(self.draws_last(law, shape, name)[:, : self.rows]).T.reshape(self.rows, *shape)
