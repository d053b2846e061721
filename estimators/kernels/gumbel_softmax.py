"""Kernels of Gumbel-Softmax; its points are relaxed, so that there is no table of the cost."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from .. import gumbel_softmax as form
from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import choices, draws_last, empty, logits, points
from .compiled import kernel
from .gumbel import powers, pull_back_weights, tile, weigh
from .logistic import flatten, perturbed
from .noise import KernelNoise


def sample(node: Bernoulli | Categorical, noise: KernelNoise, S: int, *, temperature: float) -> Tensor:
    """Return y = softmax((phi + G) / tau) [N, S, *B, *event]."""
    theta = choices(node)
    out = empty((S, theta.V, theta.width, noise.rows), theta.dtype)
    if isinstance(node, Bernoulli):
        _relax_coins(perturbed(node, noise, S), logits(node), theta.dtype.type(1 / temperature), out)
    else:
        _relax_choices(*powers(node, noise, S, temperature), theta.log_probs, out)
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
    out = empty((theta.V * theta.J, noise.rows), theta.dtype)
    scale = theta.dtype.type(1 / (y.shape[1] * temperature))
    _combine(draws_last(y, theta), draws_last(slopes, theta), scale, out)
    return theta.draws(out)


@kernel
def _relax_choices(r, level, whole, rate, log_probs, out):  # type: ignore[no-untyped-def]
    S, V, K, N = out.shape
    T = tile(K)
    total, one = np.empty(T, out.dtype), out.dtype.type(1)
    for first in range(0, N, T):
        m = min(T, N - first)
        for s in range(S):
            for v in range(V):
                total[:m] = 0
                for k in range(K):
                    here, y = r[s, v, k, first : first + m], out[s, v, k, first : first + m]
                    weigh(here, level[s, v, first : first + m], log_probs[v, k], whole, rate, y)
                    for i in range(m):
                        total[i] += y[i]
                for i in range(m):
                    total[i] = one / total[i]
                for k in range(K):
                    y = out[s, v, k, first : first + m]
                    for i in range(m):
                        y[i] *= total[i]


@kernel
def _relax_coins(z, logits, rate, out):  # type: ignore[no-untyped-def]
    S, V, _, N = out.shape
    one = logits.dtype.type(1)
    for s in range(S):
        for v in range(V):
            here, y = z[s, v, :N], out[s, v, 0]
            if logits[v] == -np.inf:
                y[:] = 0
                continue
            flatten(here, rate, y)
            for i in range(N):
                t = y[i]
                y[i] = (one if here[i] > 0 else t) / (one + t)


@kernel
def _combine(points, slopes, scale, out):  # type: ignore[no-untyped-def]
    (S, V, K, _), N = slopes.shape, out.shape[1]
    T = tile(K)
    dot, total = np.empty(T, out.dtype), np.empty(T, out.dtype)
    for first in range(0, N, T):
        m = min(T, N - first)
        for v in range(V):
            for s in range(S):
                y, slope = points[s, v], slopes[s, v]
                pull_back_weights(y, first, slope, first, m, scale, s > 0, dot, total, out, v * K, first)
