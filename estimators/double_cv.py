"""Double control variates: leave-one-out REINFORCE, corrected by first-order expansions around the samples."""

from collections.abc import Callable

from torch import Tensor

from . import rloo
from ._regression import coefficients
from .estimator import independent
from .node import Discrete
from .noise import Noise

sample = independent


def fit(
    node: Discrete,
    evaluate: Callable[..., tuple[Tensor, Tensor]],
    stream: Callable[[int, int], Noise],
    S: int,
    *,
    fit_rows: int = 1024,
) -> float:
    """Return the a with the least trace of the covariance of ``fit_rows`` draws: a draw is g_0 + a (g_1 - g_0)."""
    noise = stream(0, fit_rows)
    x = sample(node, noise, S)
    seen = (x, *evaluate(x, slopes=True))
    plain, full = (combine(node, noise, *seen, state=a).flatten(1) for a in (0.0, 1.0))
    return float(coefficients(plain, (full - plain).unsqueeze(-1)))


def combine(node: Discrete, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor, *, state: float) -> Tensor:
    """Return the draw of rloo for f_i + a c_i, minus a J(p) mean g: unbiased at any a that is independent of the draw.

    c_i = g_{-i}^T (x_i - p), with g_{-i} the mean of the slopes f'(x_j) at the other samples, is a Taylor expansion
    whose mean given the others is 0, and E[c_i s(x_i)] = J(p) E[g]. The slopes are taken at hard points only.
    The paper has coins and moves a by gradient steps on the variance while it trains; the same identity holds for
    choices, and here a, the state, minimises the same variance in closed form at a fixed phi.
    Source: Titsias & Shi 2022 (2111.05300).
    """
    S = values.shape[1]
    others = (slopes.sum(1, keepdim=True) - slopes) / (S - 1)
    c = (others * (x - node.probs)).flatten(2 + len(node.batch_shape)).sum(-1)  # [N, S, *B]
    return rloo.combine(node, noise, x, values + state * c, None) - state * node.pullback(node.probs, slopes.mean(1))
