"""Kernels of independent draws from discrete variables: one uniform a variable, held against its outcomes' levels."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import choices, event, zeros
from .compiled import kernel
from .noise import KernelNoise, uniforms


def sample(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> Tensor:
    """Return the points of ``node.draw(noise, S)`` [N, S, *B, *event]."""
    theta, which = choices(node), outcomes(node, noise, S)
    out = zeros((noise.rows, S, theta.V, theta.width), theta.dtype)
    if isinstance(node, Bernoulli):
        _as_coins(which, out)
    else:
        _as_one_hot(which, out)
    return event(out, theta)


def outcomes(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> np.ndarray:
    """Return the outcome of each variable, draws last [S, V, M]; the same array at each call within a block.

    A coin shows 1 where u < p; of K classes it is the first whose cumulative probability is at least u times their sum.
    The levels are float64: those of a float32 would miss outcomes of probability 1e-7 by half of it.
    """
    shape = (S, *node.theta.shape) if isinstance(node, Bernoulli) else (S, *node.theta.shape[:-1])
    return noise.kept(("outcomes", shape), lambda: _drawn(node, noise, shape))


def _drawn(node: Bernoulli | Categorical, noise: KernelNoise, shape: tuple[int, ...]) -> np.ndarray:
    if isinstance(node, Bernoulli):
        levels = node.probs.detach().double().reshape(-1, 1)
    else:
        levels = node.probs.detach().double().cumsum(-1).reshape(-1, node.theta.shape[-1])
    which = zeros((shape[0], len(levels), noise.width), np.uint8 if levels.shape[1] <= 256 else np.int32)
    key = noise.key("uniform", "x", shape)
    _outcomes(key, noise.block, noise.stride, noise.first, levels.numpy(), isinstance(node, Bernoulli), which)
    return which


@kernel
def _outcomes(key, block, stride, first, levels, coins, which):  # type: ignore[no-untyped-def]
    S, V, M = which.shape
    word, u = np.empty(M, np.uint32), np.empty(M)
    for s in range(S):
        for v in range(V):
            uniforms(key, block, (s * V + v) * stride + first, word, u)
            here = which[s, v]
            if coins:
                p = levels[v, 0]
                for n in range(M):
                    here[n] = u[n] < p
            else:
                last = levels[v, -1]
                for n in range(M):
                    u[n] *= last
                for k in range(levels.shape[1] - 1):
                    level = levels[v, k]
                    for n in range(M):
                        here[n] += u[n] > level


@kernel
def _as_coins(which, out):  # type: ignore[no-untyped-def]
    N, S, V, _ = out.shape
    for s in range(S):
        for v in range(V):
            for n in range(N):
                out[n, s, v, 0] = which[s, v, n]


@kernel
def _as_one_hot(which, out):  # type: ignore[no-untyped-def]
    N, S, V, _ = out.shape
    for s in range(S):
        for v in range(V):
            for n in range(N):
                out[n, s, v, which[s, v, n]] = 1
