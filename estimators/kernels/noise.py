"""The numbers that the kernels draw, as the Noise that a torch form takes: both can be fed the same."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import torch
from numba import njit
from torch import Tensor

from ..noise import PhiloxNoise
from . import laws
from .philox import GROUP, padded, words


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
def exponentials(key, block, first, word, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` [m] with exponentials; see ``uniforms``."""
    words(key, block, first, word)
    for i in range(out.size):
        out[i] = laws.exponential(word[i])


@njit(cache=True, nogil=True, error_model="numpy")
def normals(key, block, first, word, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` [m] with normals; see ``uniforms``."""
    words(key, block, first, word)
    for i in range(out.size):
        out[i] = laws.normal(word[i])


_FILL = {"uniform": uniforms, "exponential": exponentials, "normal": normals}
_AT_ONCE = 64 * GROUP  # words of scratch, which stay in cache


class KernelNoise(PhiloxNoise):
    """Noise by Philox4x32-10 under a key that is a hash of (seed, problem, law and name, shape); the block is counted.

    Numbers are float32, see laws.py, in the working dtype. A block's numbers [N, *shape] of a law with a last axis of
    K are those at positions k R + r of its stream, r of the R = N prod(shape) / K rows, R rounded up to a multiple of
    64: kernels read them class by class. What it shares with PhiloxNoise are its names, its generators and its memory.
    """

    def key(self, law: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return the key of a stream, uint32 [2]."""
        text = f"{self.seed}|{self.problem}|{law}:{name}:{shape}".encode()
        return np.frombuffer(blake2b(text, digest_size=8).digest(), np.uint32)

    def by_class(self, law: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return the numbers of a law as the kernels keep them, float32 [K, R rounded up to a multiple of 64]."""
        K = shape[-1] if shape else 1
        stride = padded(self.rows * int(np.prod(shape, dtype=np.int64)) // max(1, K))
        out = np.empty(K * stride, np.float32)
        key, word = self.key(law, name, shape), np.empty(_AT_ONCE, np.uint32)
        for first in range(0, out.size, _AT_ONCE):
            part = out[first : first + _AT_ONCE]
            _FILL[law](key, self.block, first, word[: part.size], part)
        return out.reshape(K, stride)

    def _numbers(self, law: str, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return the numbers of a law [N, *shape], row by row."""
        by_class = self.by_class(law, name, shape)
        rows = self.rows * int(np.prod(shape, dtype=np.int64)) // max(1, len(by_class))
        return torch.from_numpy(np.ascontiguousarray(by_class[:, :rows].T)).reshape(self.rows, *shape)
