"""Pullbacks through probabilities that depend on the outcome alone, for any slopes."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..families.categorical import Categorical
from .arrays import choices, variables, zeros
from .compiled import kernel
from .draw import outcomes
from .gumbel import TILE, add_pullback
from .noise import KernelNoise


def pulled_back(
    node: Categorical, noise: KernelNoise, slopes: Tensor, y: Tensor, towards: float, scale: float
) -> Tensor:
    """Return scale mean_s J((1 - towards) y + towards x_s) slopes_s as draws [N, *B, D, K].

    Args:
        node: of the S points x that ``node.draw`` gives.
        noise: of the block.
        slopes: v [N, S, *B, D, K]; J(y) v = (diag(y) - y y^T) v.
        y: probabilities [*B, D, K].
        towards: 0 to 1.
        scale: a factor.
    """
    theta, S = choices(node), slopes.shape[1]
    out = zeros((theta.V * theta.J, noise.rows), theta.dtype)
    start = ((1 - towards) * y).detach().reshape(theta.V, theta.J).contiguous().numpy()
    number = theta.dtype.type
    _pull(outcomes(node, noise, S), start, variables(slopes, theta), number(towards), number(scale / S), out)
    return theta.draws(out)


@kernel
def _pull(which, start, slopes, towards, scale, out):  # type: ignore[no-untyped-def]
    N, S, V, K = slopes.shape
    dot = np.empty(TILE, start.dtype)
    y = np.empty((K, TILE), start.dtype)
    slope = np.empty((K, TILE), start.dtype)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        for s in range(S):
            for v in range(V):
                here = which[s, v]
                for i in range(m):
                    for k in range(K):
                        slope[k, i] = slopes[first + i, s, v, k]
                for k in range(K):
                    p, row = start[v, k], y[k]
                    for i in range(m):
                        row[i] = p + towards if here[first + i] == k else p
                add_pullback(y, slope, scale, m, dot, first, v * K, out)
