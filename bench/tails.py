"""How heavy a tail is: the shape k of a generalised Pareto distribution."""

import math

import numpy as np
from numpy.typing import NDArray

_FEWEST = 5
_TIE = 1e-12  # of the largest value: what lies nearer together is equal but for rounding


def tail_size(num_draws: int) -> int:
    """Return how many of the largest values the tail has: min(N/5, 3 sqrt(N)) (Vehtari et al. 2024, JMLR 25(72))."""
    return math.ceil(min(num_draws / 5, 3 * math.sqrt(num_draws)))


def pareto_k(descending: NDArray[np.float64], num_draws: int) -> float | None:
    """Return the shape k of the tail above the (M+1)-st largest of N values, M = tail_size(N).

    Moments of order below 1/k exist, so that a variance of the values exists for k < 1/2.
    The profile-likelihood fit of Zhang & Stephens (2009, Technometrics 51), then drawn towards 1/2 with the
    weight of ten observations (Vehtari et al. 2024).

    Args:
        descending: the largest values in falling order, at least M + 1 of them.
        num_draws: N.

    Returns:
        k, or None where there is no tail to fit: fewer than 5 values, or the largest ones tie to rounding.
    """
    M = tail_size(num_draws)
    if M < _FEWEST or len(descending) <= M:
        return None
    excess = (descending[:M] - descending[M])[::-1]  # ascending
    apart = 1 + int((np.diff(excess) > _TIE * descending[0]).sum())
    quartile = excess[int(M / 4 + 0.5) - 1]
    if quartile <= _TIE * descending[0] or apart < M / 2:
        return None
    m = 30 + int(math.sqrt(M))
    b = (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * quartile) + 1 / excess[-1]
    b[b == 0] = _TIE / excess[-1]  # the exponential law, where the profile has only a limit
    k = np.log1p(-b[:, None] * excess).mean(1)
    profile = M * (np.log(-b / k) - k - 1)
    weights = np.exp(profile - profile.max())
    mean_b = float((b * weights / weights.sum()).sum())
    shape = float(np.log1p(-mean_b * excess).mean())
    return (shape * M + 0.5 * 10) / (M + 10)
