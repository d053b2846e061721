"""Pullbacks through probabilities that depend on the outcome alone, for any slopes."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..families.categorical import Categorical
from .arrays import choices, zeros
from .compiled import kernel
from .draw import outcomes
from .gumbel import TILE, add_pullback
from .noise import KernelNoise


def add_pulled_back(
    node: Categorical, noise: KernelNoise, slopes: np.ndarray, y: Tensor, towards: float, scale: float, out: np.ndarray
) -> None:
    """Add scale mean_s J((1 - towards) y + towards x_s) slopes_s to the gradient.

    Args:
        node: of the S points x that ``node.draw`` gives.
        noise: of the block.
        slopes: v, draws last [S, V, K, N]; J(y) v = (diag(y) - y y^T) v.
        y: probabilities [*B, D, K].
        towards: 0 to 1.
        scale: a factor.
        out: the gradient [V K, N].
    """
    theta, S = choices(node), len(slopes)
    start = ((1 - towards) * y).detach().reshape(theta.V, theta.J).contiguous().numpy()
    number = theta.dtype.type
    _pull(outcomes(node, noise, S), start, slopes, number(towards), number(scale / S), out)


def gradient(node: Categorical, noise: KernelNoise) -> np.ndarray:
    """Return a gradient of zeros [V K, N]."""
    return zeros((node.theta.numel(), noise.rows), choices(node).dtype)


@kernel
def _pull(which, start, slopes, towards, scale, out):  # type: ignore[no-untyped-def]
    S, V, K, N = slopes.shape
    dot = np.empty(TILE, start.dtype)
    y, slope = np.empty((K, TILE), start.dtype), np.empty((K, TILE), start.dtype)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        for s in range(S):
            for v in range(V):
                here = which[s, v, first : first + m]
                for k in range(K):
                    slope[k, :m] = slopes[s, v, k, first : first + m]
                    p, row = start[v, k], y[k]
                    for i in range(m):
                        row[i] = p + towards if here[i] == k else p
                add_pullback(y, slope, scale, m, dot, first, v * K, out)
