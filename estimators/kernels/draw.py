"""Kernels of independent draws from discrete variables: one uniform a variable, held against its outcomes' levels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import int32
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from . import laws
from .arrays import choices, empty, event, zeros
from .compiled import kernel
from .noise import KernelNoise
from .philox import words

_TOP, _NEVER = np.uint32(2**31), np.int32(2**31 - 1)


def sample(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> Tensor:
    """Return the points of ``node.draw(noise, S)`` [N, S, *B, *event]."""
    theta, which = choices(node), outcomes(node, noise, S)
    out = zeros((noise.rows, S, theta.V, theta.width), theta.dtype)
    if isinstance(node, Bernoulli):
        _as_coins(which, out)
    else:
        as_one_hot(which, out)
    return event(out, theta)


def outcomes(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> np.ndarray:
    """Return the outcome of each variable, int32, draws last [S, V, M]; the same array at each call within a block.

    A coin shows 1 where u < p; of K classes it is the first whose cumulative probability is at least u times their sum.
    The levels are float64: those of a float32 would miss outcomes of probability 1e-7 by half of it.
    """
    return noise.kept(("outcomes", S), lambda: _drawn(node, noise, S))


def _drawn(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> np.ndarray:
    least, bounds = levels(node)
    which = empty((S, len(least), noise.width), np.int32)
    place = uniforms_of(node, noise, S), noise.block, noise.stride, noise.first
    tell(*place, least, bounds, isinstance(node, Bernoulli), which)
    return which


def uniforms_of(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> np.ndarray:
    """Return the key of the stream of the uniforms that tell the outcomes."""
    theta = choices(node).shape
    return noise.key("uniform", "x", (S, *theta) if isinstance(node, Bernoulli) else (S, *theta[:-1]))


@lru_cache(maxsize=16)
def levels(node: Bernoulli | Categorical) -> tuple[np.ndarray, np.ndarray]:
    """Return how many levels lie below all uniforms [V], and the others' bounds on words [V, levels].

    u exceeds a level where w - 2^31 exceeds its bound, an int32: eight words are compared at once, two float64.
    """
    if isinstance(node, Bernoulli):
        p = node.probs.detach().double().reshape(-1, 1).numpy()
        levels, last = np.nextafter(p, -1), np.ones(len(p))  # u >= p where it exceeds the number before p
    else:
        sums = node.probs.detach().double().cumsum(-1).reshape(-1, node.theta.shape[-1]).numpy()
        levels, last = sums[:, :-1], sums[:, -1]
    least, bounds = np.zeros(len(levels), np.int32), np.empty(levels.shape, np.int32)
    _first_words(levels, last, least, bounds)
    return least, bounds


@kernel
def _first_words(levels, last, least, bounds):  # type: ignore[no-untyped-def]
    """Bisect for the first word whose u times the last level exceeds a level: the product never falls."""
    for v in range(levels.shape[0]):
        for k in range(levels.shape[1]):
            low, high = 0, 2**32
            while low < high:
                middle = (low + high) // 2
                if laws.uniform(middle) * last[v] > levels[v, k]:
                    high = middle
                else:
                    low = middle + 1
            if low == 0:
                least[v] += 1
                bounds[v, k] = _NEVER
            else:
                bounds[v, k] = low - 1 - 2**31


@kernel
def tell(key, block, stride, first, least, bounds, coins, which):  # type: ignore[no-untyped-def]
    """Set the outcomes ``which`` [S, V, M] of draws from ``first`` of a block's stream on, M a multiple of 64."""
    S, V, M = which.shape
    levels, word = bounds.shape[1], np.empty(M, np.uint32)
    whole = levels - levels % 4
    for s in range(S):
        for v in range(V):
            words(key, block, (s * V + v) * stride + first, word)
            here, bound = which[s, v], bounds[v]
            here[:] = least[v]
            for k in range(0, whole, 4):
                a, b, c, d = bound[k], bound[k + 1], bound[k + 2], bound[k + 3]
                for n in range(M):
                    w = int32(word[n] ^ _TOP)
                    here[n] += int32(w > a) + int32(w > b) + int32(w > c) + int32(w > d)
            for k in range(whole, levels):
                a = bound[k]
                for n in range(M):
                    here[n] += int32(word[n] ^ _TOP) > a
            if coins:
                for n in range(M):
                    here[n] = 1 - here[n]


@kernel
def _as_coins(which, out):  # type: ignore[no-untyped-def]
    N, S, V, _ = out.shape
    for s in range(S):
        for v in range(V):
            for n in range(N):
                out[n, s, v, 0] = which[s, v, n]


@kernel
def as_one_hot(which, out):  # type: ignore[no-untyped-def]
    """Mark the outcomes [S, V, N or more] in ``out``, zeros [N, S, V, K]."""
    N, S, V, _ = out.shape
    for s in range(S):
        for v in range(V):
            for n in range(N):
                out[n, s, v, which[s, v, n]] = 1
