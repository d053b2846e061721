"""Pullbacks through probabilities that depend on the outcome alone, for any slopes."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..families.categorical import Categorical
from .arrays import choices, empty
from .compiled import kernel
from .draw import outcomes
from .noise import KernelNoise

TILE = 512  # draws


def pulled_back(
    node: Categorical,
    noise: KernelNoise,
    slopes: np.ndarray,
    y: Tensor,
    towards: float,
    scale: float,
    before: np.ndarray | None = None,
) -> np.ndarray:
    """Return scale mean_s J((1 - towards) y + towards x_s) slopes_s [V K, N].

    Args:
        node: of the S points x that ``node.draw`` gives.
        noise: of the block.
        slopes: v, draws last [S, V, K, N or more]; J(y) v = (diag(y) - y y^T) v.
        y: probabilities [*B, D, K].
        towards: 0 to 1.
        scale: a factor.
        before: a gradient to which it is added in place; None for a new one.
    """
    theta, S = choices(node), len(slopes)
    start = ((1 - towards) * y).detach().reshape(theta.V, theta.J).contiguous().numpy()
    out = empty((start.size, noise.rows), theta.dtype) if before is None else before
    number = theta.dtype.type
    _pull(outcomes(node, noise, S), start, slopes, number(towards), number(scale / S), before is not None, out)
    return out


@kernel
def _pull(which, start, slopes, towards, scale, adds, out):  # type: ignore[no-untyped-def]
    (S, V, K, _), N = slopes.shape, out.shape[1]
    dot = np.empty(min(N, TILE), start.dtype)
    for first in range(0, N, TILE):
        m = min(TILE, N - first)
        for s in range(S):
            for v in range(V):
                here = which[s, v][first : first + m]
                dot[:m] = 0
                for k in range(K):
                    p, here_p, slope = start[v, k], start[v, k] + towards, slopes[s, v, k][first : first + m]
                    for i in range(m):
                        dot[i] += (here_p if here[i] == k else p) * slope[i]
                for k in range(K):
                    p, here_p = scale * start[v, k], scale * (start[v, k] + towards)
                    slope, sums = slopes[s, v, k][first : first + m], out[v * K + k][first : first + m]
                    if s == 0 and not adds:
                        for i in range(m):
                            sums[i] = (here_p if here[i] == k else p) * (slope[i] - dot[i])
                    else:
                        for i in range(m):
                            sums[i] += (here_p if here[i] == k else p) * (slope[i] - dot[i])
