"""A node's parameter as the kernels take it: V variables in a row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import torch
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .compiled import kernel
from .turning import turn

_APART = 16  # numbers


@dataclass(frozen=True, eq=False)
class Choices:
    """Discrete variables as arrays.

    Args:
        probs: of the outcomes of each variable [V, J]; of a coin those of 0 and 1.
        log_probs: their logarithms.
        width: entries of theta of a variable: K classes, or the one logit of a coin.
        shape: of theta, [*B, *param].
    """

    probs: np.ndarray
    log_probs: np.ndarray
    width: int
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype:
        """Theta's."""
        return self.probs.dtype

    @property
    def V(self) -> int:  # noqa: N802
        """How many variables."""
        return len(self.probs)

    @property
    def J(self) -> int:  # noqa: N802
        """How many outcomes each has."""
        return self.probs.shape[1]

    def draws(self, last: np.ndarray) -> Tensor:
        """Return gradients [entries of theta, N] as draws [N, *B, *param], of which they stay the memory."""
        axes = len(self.shape)
        return torch.from_numpy(last.reshape(*self.shape, -1).transpose(axes, *range(axes)))


@lru_cache(maxsize=16)
def choices(node: Bernoulli | Categorical) -> Choices:
    """Return a node as arrays, made once for each node."""
    theta = node.theta.detach()
    if isinstance(node, Bernoulli):
        both = torch.stack([-theta, theta], -1).reshape(-1, 2)
        log_probs, width = torch.nn.functional.logsigmoid(both), 1
    else:
        log_probs, width = torch.log_softmax(theta, -1).reshape(-1, theta.shape[-1]), theta.shape[-1]
    return Choices(log_probs.exp().numpy(), log_probs.numpy(), width, tuple(theta.shape))


def draws_last(x: Tensor, one: Choices) -> np.ndarray:
    """Return points or slopes [N, S, *B, *event] as an array [S, V, width, N + 16], whose last numbers mean nothing.

    Without them rows of a power of two would all lie in the same few sets of a cache.
    """
    N, S = x.shape[:2]
    rows = np.ascontiguousarray(x.detach().reshape(N, -1).numpy())
    out = empty((rows.shape[1], N + _APART), rows.dtype)
    _transpose(rows, out)
    return out.reshape(S, one.V, one.width, -1)


def points(array: np.ndarray, one: Choices) -> Tensor:
    """Return an array [S, V, width, N] as points [N, S, *B, *event]."""
    S, N = len(array), array.shape[-1]
    return torch.from_numpy(transposed(array.reshape(-1, N))).reshape(N, S, *one.shape)


def transposed(rows: np.ndarray) -> np.ndarray:
    """Return the transpose of a contiguous matrix as another."""
    out = empty(rows.shape[::-1], rows.dtype)
    _transpose(rows, out)
    return out


def logits(node: Bernoulli) -> np.ndarray:
    """Return the logits of coins [V]."""
    return node.theta.detach().reshape(-1).contiguous().numpy()


def event(array: np.ndarray, one: Choices) -> Tensor:
    """Return an array [N, S, V, width] as points [N, S, *B, *event]."""
    return torch.from_numpy(array).reshape(*array.shape[:2], *one.shape)


def zeros(shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """Return zeros whose memory is torch's, where the harness counts it."""
    return torch.zeros(shape, dtype=_of_torch(dtype)).numpy()


def empty(shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """Return an array to be filled, whose memory is torch's."""
    return torch.empty(shape, dtype=_of_torch(dtype)).numpy()


@cache
def _of_torch(dtype: np.dtype | type) -> torch.dtype:
    return torch.from_numpy(np.empty(0, dtype)).dtype


@kernel
def _transpose(rows, out):  # type: ignore[no-untyped-def]
    """Set ``out`` [R, N or more] to the transpose of ``rows`` [N, R], 32 draws at a time: whole lines of cache."""
    (N, R), L = rows.shape, 32 // rows.itemsize
    whole, even, draw = N - N % 32, R - R % L, np.arange(N)
    for start in range(0, whole, 32):
        for r in range(0, even, L):
            for first in range(start, start + 32, L):
                turn(rows, r, draw, first, out[r : r + L])
        for r in range(even, R):
            here = out[r, start : start + 32]
            for i in range(32):
                here[i] = rows[start + i, r]
    for r in range(R):
        for n in range(whole, N):
            out[r, n] = rows[n, r]
