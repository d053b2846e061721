"""Exact variances of fitted control variates on one coin, written out for f = (b - t)^2."""

import math
from typing import Any

import torch

from varbench.estimators.estimator import Estimator
from varbench.estimators.families.bernoulli import Bernoulli

from .exact_moments import moments, over_outcomes

TARGET = 0.3


def variance_at(estimator: Estimator, phi: float, state: Any) -> tuple[float, float]:
    """Return the exact mean and variance of a draw of two samples at this state."""
    node = Bernoulli(torch.tensor([phi], dtype=torch.float64))
    rule = over_outcomes(node, 2)
    mean, variance = moments(estimator, node, lambda b: (b - TARGET).square().sum(-1), rule, 2, state=state)
    return float(mean), variance


def of_pairs(both: float, neither: float, one: float, phi: float) -> float:
    """Return the variance of what is ``both`` where two coins show 1, ``neither`` where none does, else ``one``."""
    p = 1 / (1 + math.exp(-phi))
    law = ((p * p, both), ((1 - p) ** 2, neither), (2 * p * (1 - p), one))
    mean = sum(weight * value for weight, value in law)
    return sum(weight * (value - mean) ** 2 for weight, value in law)


def assert_variance_of_double_cv(estimator: Estimator, phi: float, a: float) -> None:
    """With g_1 = 2 (1 - t), g_0 = -2 t: -a g p q where the coins agree; else, c_1 = g_0 q and c_0 = -g_1 p, half of
    (f_1 + a c_1) - (f_0 + a c_0) less a p q (g_0 + g_1) / 2."""
    p = 1 / (1 + math.exp(-phi))
    q, g1, g0 = 1 - p, 2 * (1 - TARGET), -2 * TARGET
    differ = (1 - 2 * TARGET + a * (g0 * q + g1 * p)) / 2 - a * p * q * (g0 + g1) / 2
    expected = of_pairs(-a * g1 * p * q, -a * g0 * p * q, differ, phi)
    _, variance = variance_at(estimator, phi, a)
    assert math.isclose(variance, expected, rel_tol=1e-11), f"{variance} is not {expected}"


def has_variance_of_double_cv(estimator: Estimator) -> None:
    assert_variance_of_double_cv(estimator, 1.0, 0.7)


def assert_variance_of_rodeo(estimator: Estimator, phi: float, w: tuple[float, float, float, float]) -> None:
    """The flip of the coin b_k, f' = g at the other coin: l is 0 where they agree, else g (b_k - b_j), and
    A h(b) = r (h(1 - b) - h(b)) with r the probability of 1 - b."""
    p = 1 / (1 + math.exp(-phi))
    q = 1 - p
    g = {1: 2 * (1 - TARGET), 0: -2 * TARGET}
    f = {1: (1 - TARGET) ** 2, 0: TARGET**2}

    def h(first: int, y: int, other: int) -> float:
        line = g[other] * (y - other)
        return w[first] * line + w[first + 1] * line**2

    def draw(pair: tuple[int, int]) -> float:
        total = 0.0
        for mine, other in (pair, pair[::-1]):
            r_other, r = (q if other else p), (q if mine else p)
            stein = r_other * (h(0, 1 - other, mine) - h(0, other, mine))
            total += (f[mine] - f[other] - stein) * (mine - p)
            total += r * (h(2, 1 - mine, other) * (1 - mine - p) - h(2, mine, other) * (mine - p))
        return total / 2

    expected = of_pairs(draw((1, 1)), draw((0, 0)), draw((1, 0)), phi)
    _, variance = variance_at(estimator, phi, torch.tensor(w, dtype=torch.float64))
    assert math.isclose(variance, expected, rel_tol=1e-11), f"{variance} is not {expected}"


def assert_variance_of_nvil(estimator: Estimator, phi: float, b: float) -> None:
    """Two samples of (f - b) (x - p), whose second moment is p q (q (f_1 - b)^2 + p (f_0 - b)^2)."""
    p = 1 / (1 + math.exp(-phi))
    pq, f1, f0 = p * (1 - p), (1 - TARGET) ** 2, TARGET**2
    expected = (pq * ((1 - p) * (f1 - b) ** 2 + p * (f0 - b) ** 2) - (pq * (f1 - f0)) ** 2) / 2
    _, variance = variance_at(estimator, phi, torch.tensor(b, dtype=torch.float64))
    assert math.isclose(variance, expected, rel_tol=1e-11), f"{variance} is not {expected}"
