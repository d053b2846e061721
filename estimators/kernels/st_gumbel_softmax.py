"""Kernels of straight-through Gumbel-Softmax on choices and coins."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .arrays import Choices, choices, draws_last, empty, event, logits, points, zeros
from .compiled import kernel
from .draw import as_one_hot
from .gumbel import powers, pull_back, race
from .logistic import TILE, flatten, perturbed
from .lookup import slopes_at
from .noise import KernelNoise
from .table import CostTable


def sample(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> Tensor:
    """Return D = argmax(log p + G) as one-hot points, of coins 1[phi + L > 0] [N, S, *B, *event]."""
    theta = choices(node)
    if isinstance(node, Bernoulli):
        last = empty((S, theta.V, 1, noise.rows), theta.dtype)
        _show(perturbed(node, noise, S), last[:, :, 0])
        return points(last, theta)
    out = zeros((noise.rows, S, theta.V, theta.J), theta.dtype)
    as_one_hot(race(node, noise, S)[2], out)
    return event(out, theta)


def combine(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    x: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    temperature: float,
) -> Tensor:
    """Return mean_i J(y_i) f'(D_i) / tau, y = softmax((log p + G) / tau)."""
    theta = choices(node)
    return _gradient(node, noise, theta, draws_last(slopes, theta), temperature)


def fused(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int, *, temperature: float) -> Tensor:
    """Return the draws of sample and combine for a separable cost."""
    theta = choices(node)
    slopes = noise.kept(("slopes", node, table, S), lambda: slopes_at(_shown(node, noise, S), table, theta, noise.rows))
    return _gradient(node, noise, theta, slopes, temperature)


def _shown(node: Bernoulli | Categorical, noise: KernelNoise, S: int) -> np.ndarray:
    """Return the outcomes [S, V, M]."""
    if isinstance(node, Categorical):
        return race(node, noise, S)[2]
    z = perturbed(node, noise, S)
    up = empty(z.shape, np.int32)
    _show(z, up)
    return up


def _gradient(
    node: Bernoulli | Categorical, noise: KernelNoise, theta: Choices, slopes: np.ndarray, temperature: float
) -> Tensor:
    """Return the gradient draws, given the slopes [S, V, width, N]."""
    S, out = len(slopes), empty((theta.V * theta.width, noise.rows), theta.dtype)
    scale = theta.dtype.type(1 / (S * temperature))
    if isinstance(node, Bernoulli):
        rate = theta.dtype.type(1 / temperature)
        _pull_back_coins(perturbed(node, noise, S), rate, logits(node), slopes[:, :, 0], scale, out)
    else:
        pull_back(*powers(node, noise, S, temperature), theta.log_probs, slopes, scale, out)
    return theta.draws(out)


@kernel
def _show(z, out):  # type: ignore[no-untyped-def]
    S, V, N = out.shape
    for s in range(S):
        for v in range(V):
            here, up = z[s, v], out[s, v]
            for n in range(N):
                up[n] = here[n] > 0


@kernel
def _pull_back_coins(z, rate, logits, slopes, scale, out):  # type: ignore[no-untyped-def]
    """Set ``out`` [V, N] to scale sum_s y_s (1 - y_s) f', y (1 - y) = t / (1 + t)^2 with t of ``flatten``."""
    S, V, N = slopes.shape
    one, t = out.dtype.type(1), np.empty(TILE, out.dtype)
    for v in range(V):
        out[v] = 0
        if logits[v] == -np.inf:
            continue
        for first in range(0, N, TILE):
            m = min(TILE, N - first)
            sums = out[v, first : first + m]
            for s in range(S):
                flatten(z[s, v, first : first + m], rate, t[:m])
                slope = slopes[s, v, first : first + m]
                for i in range(m):
                    sums[i] += scale * t[i] / ((one + t[i]) * (one + t[i])) * slope[i]
