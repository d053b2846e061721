"""Kernels of Gumbel-Softmax; its points are relaxed, so that there is no table of the cost."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from .. import gumbel_softmax as form
from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import choices, draws_last, logits, points, zeros
from .compiled import kernel
from .gumbel import TILE, add_pullback, soften
from .logistic import flatten, perturb
from .noise import KernelNoise, exponentials


def sample(node: Bernoulli | Categorical, noise: KernelNoise, S: int, *, temperature: float) -> Tensor:
    """Return y = softmax((phi + G) / tau) [N, S, *B, *event]."""
    theta, shape = choices(node), (S, *node.theta.shape)
    tau, out = theta.dtype.type(temperature), zeros((S, theta.V, theta.width, noise.rows), theta.dtype)
    if isinstance(node, Bernoulli):
        _relax_coins(noise.key("uniform", "x", shape), noise.block, noise.stride, logits(node), tau, out)
    else:
        key = noise.key("exponential", "x", shape)
        _relax_choices(key, noise.block, noise.stride, theta.probs, theta.log_probs, tau, out)
    return points(out, theta)


def combine(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    y: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    temperature: float,
) -> Tensor:
    """Return mean_i J(y_i) f'(y_i) / tau; for coins, y (1 - y) f', the torch form is as fast."""
    if isinstance(node, Bernoulli):
        return form.combine(node, noise, y, values, slopes, temperature=temperature)
    theta = choices(node)
    out = zeros((theta.V * theta.J, noise.rows), theta.dtype)
    _combine(draws_last(y, theta), draws_last(slopes, theta), theta.dtype.type(temperature), out)
    return theta.draws(out)


@kernel
def _relax_choices(key, block, stride, probs, log_probs, temperature, out):  # type: ignore[no-untyped-def]
    S, V, K, N = out.shape
    word, E, which = np.empty(TILE, np.uint32), np.empty((K, TILE), np.float32), np.empty(TILE, np.int32)
    most, total, y = np.empty(TILE, probs.dtype), np.empty(TILE, probs.dtype), np.empty((K, TILE), probs.dtype)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for s in range(S):
            for v in range(V):
                for k in range(K):
                    exponentials(key, block, ((s * V + v) * K + k) * stride + first, word[:filled], E[k, :filled])
                soften(E, 0, 0, m, probs[v], log_probs[v], temperature, most, which, total, y)
                for k in range(K):
                    out[s, v, k, first : first + m] = y[k, :m]


@kernel
def _relax_coins(key, block, stride, logits, temperature, out):  # type: ignore[no-untyped-def]
    S, V, _, N = out.shape
    one = logits.dtype.type(1)
    word, odds, z = np.empty(TILE, np.uint32), np.empty(TILE, logits.dtype), np.empty(TILE, logits.dtype)
    up = np.empty(TILE, np.bool_)
    for first in range(0, N, TILE):
        m, filled = min(TILE, N - first), min(TILE, stride - first)
        for s in range(S):
            for v in range(V):
                if logits[v] > -np.inf:
                    perturb(key, block, (s * V + v) * stride + first, word[:filled], odds[:filled], logits[v], z[:m])
                    up[:m] = z[:m] > 0
                    flatten(z[:m], temperature)
                    y = out[s, v, 0, first : first + m]
                    for i in range(m):
                        t = z[i]
                        y[i] = (one if up[i] else t) / (one + t)


@kernel
def _combine(points, slopes, temperature, out):  # type: ignore[no-untyped-def]
    S, V, K, N = slopes.shape
    scale = 1 / (S * temperature)
    dot, y, slope = np.empty(TILE, out.dtype), np.empty((K, TILE), out.dtype), np.empty((K, TILE), out.dtype)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        for s in range(S):
            for v in range(V):
                for k in range(K):
                    y[k, :m] = points[s, v, k, first : first + m]
                    slope[k, :m] = slopes[s, v, k, first : first + m]
                add_pullback(y, slope, scale, m, dot, first, v * K, out)
