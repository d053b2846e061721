"""Exact variances and biases by enumeration, quadrature and closed form; nothing here shares code with estimators."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Cost = Callable[[Array], Array]


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x)."""
    return 1 / (1 + math.exp(-x))


@dataclass(frozen=True)
class Moments:
    """What decides the variance of score-function estimators; traces over the entries of the score s.

    Args:
        raw: E f^2 |s|^2.
        centred: E (f - E f)^2 |s|^2.
        cost: Var f.
        score: E |s|^2.
        gradient: |E f s|^2.
    """

    raw: float
    centred: float
    cost: float
    score: float
    gradient: float

    def reinforce(self, S: int = 1) -> float:
        """Return the variance of mean_i f_i s_i."""
        return (self.raw - self.gradient) / S

    def rloo(self, S: int) -> float:
        """Return the variance of 1/(S-1) sum_i (f_i - mean f) s_i: a U-statistic of order two.

        With h = (f_1 - f_2)(s_1 - s_2) / 2: Var E[h | x_1] = (A - c)/4, Var h = (A + Var f E|s|^2)/2, A the centred
        moment and c = |E f s|^2.
        """
        return ((S - 2) * (self.centred - self.gradient) + self.centred + self.cost * self.score) / (S * (S - 1))


def joint(p: Array, f: Array, score: Array) -> Moments:
    """Return the moments of a law of M outcomes: p [M], f [M], score [M, Q]."""
    norm = (score**2).sum(1)
    centred = f - p @ f
    gradient = (p * f) @ score
    values = p @ (f**2 * norm), p @ (centred**2 * norm), p @ centred**2, p @ norm, gradient @ gradient
    return Moments(*map(float, values))


def separable(factors: Sequence[tuple[Array, Array, Array]]) -> Moments:
    """Return the moments of f = sum_d f_d(x_d) with independent x_d, each factor p [K], f [K], score [K, Q]."""
    means = [p @ f for p, f, _ in factors]
    variances = [p @ (f - m) ** 2 for (p, f, _), m in zip(factors, means, strict=True)]
    total, spread = float(sum(means)), float(sum(variances))
    raw = centred = score = gradient = 0.0
    for (p, f, s), mean, variance in zip(factors, means, variances, strict=True):
        norm = (s**2).sum(1)
        rest = spread - variance
        raw += p @ (((f + total - mean) ** 2 + rest) * norm)
        centred += p @ (((f - mean) ** 2 + rest) * norm)
        score += p @ norm
        gradient += float((((p * f) @ s) ** 2).sum())
    return Moments(raw, centred, spread, score, gradient)


def coin(logit: float, f0: float, f1: float) -> tuple[Array, Array, Array]:
    """Return the factor of a coin with a cost of its own."""
    p = sigmoid(logit)
    return np.array([1 - p, p]), np.array([f0, f1]), np.array([[-p], [1 - p]])


def quadratic_coins(logit: float, target: float, dim: int = 1) -> Moments:
    """Return the moments of f = mean_d (b_d - t)^2."""
    return separable([coin(logit, target**2 / dim, (1 - target) ** 2 / dim)] * dim)


def choice(p: Array, f: Array) -> tuple[Array, Array, Array]:
    """Return the factor of a categorical choice with logits of its own: score one-hot minus p."""
    return p, f, np.eye(len(p)) - p


def shared_coins(logit: float) -> tuple[Array, Array, Array]:
    """Return p, f, score [8, 1] of three coins that share a logit, f = sum (b - (0.6, 0.51, 0.48))^2."""
    b = np.array([[i >> d & 1 for d in range(3)] for i in range(8)], dtype=np.float64)
    p = sigmoid(logit)
    return np.where(b == 1, p, 1 - p).prod(1), ((b - [0.6, 0.51, 0.48]) ** 2).sum(1), (b - p).sum(1, keepdims=True)


def top_k(p: Array, f: Array, score: Array, S: int) -> float | None:
    """Return the variance where the S - 1 likeliest outcomes are summed and one of the rest is drawn; None for ties."""
    order = np.argsort(-p, kind="stable")
    if math.isclose(p[order[S - 2]], p[order[S - 1]], rel_tol=1e-9):
        return None
    rest = order[S - 1 :]
    mass = p[rest].sum()
    g = mass * f[rest, None] * score[rest]
    weights = p[rest] / mass
    return float(weights @ (g**2).sum(1) - ((weights @ g) ** 2).sum())


def unordered_pair(p: Array, f: Array, score: Array) -> float:
    """Return the variance of the unordered set estimator of two, over all pairs."""
    second, mean = 0.0, np.zeros(score.shape[1])
    for i in range(len(p)):
        for j in range(i):
            chance = p[i] * p[j] * (1 / (1 - p[i]) + 1 / (1 - p[j]))
            g = np.zeros(score.shape[1])
            for s, other in ((i, j), (j, i)):
                weight = p[s] * p[other] / (1 - p[s]) / chance
                g = g + weight * score[s] * (1 - p[s]) * (f[s] - f[other])
            second, mean = second + chance * float(g @ g), mean + chance * g
    return float(second - mean @ mean)


def arm(logit: float, delta: float) -> float:
    """Return the variance of ARM on one coin, delta = f(1) - f(0): delta^2 (2/3 (1/8 - (1/2 - m)^3) - p^2 q^2)."""
    p = sigmoid(logit)
    m = min(p, 1 - p)
    return delta**2 * (2 / 3 * (1 / 8 - (1 / 2 - m) ** 3) - (p * (1 - p)) ** 2)


def disarm(logit: float, delta: float, dim: int = 1) -> float:
    """Return the variance of DisARM for f = delta mean_d b_d.

    It is D (a^2 (1 - m)^2 (2 m + 4 (D - 1) m^2) / 4 - (a p q)^2), a = delta / D, m = min(p, q).
    """
    p = sigmoid(logit)
    m, a = min(p, 1 - p), delta / dim
    return dim * (((1 - m) * a) ** 2 * (2 * m + (dim - 1) * 4 * m**2) / 4 - (a * p * (1 - p)) ** 2)


def _nodes(n: int = 400) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(n)
    x = (1 + x) / 2
    return x * x * (3 - 2 * x), w * 3 * x * (1 - x)  # on (0, 1), crowded at the ends


def gumbel_rao(logit: float, target: float, tau: float, k: int) -> float:
    """Return the variance of Gumbel-Rao with k conditional samples on one coin, that of ST Gumbel-Softmax at k = 1."""
    p = sigmoid(logit)
    second: Any = 0.0
    mean: Any = 0.0
    u, w = _nodes()
    for chance, start, slope in ((1 - p, 0.0, -2 * target), (p, 1 - p, 2 * (1 - target))):
        v = start + chance * u
        y = 1 / (1 + np.exp(-(logit + np.log(v / (1 - v))) / tau))
        g = slope * y * (1 - y) / tau
        within = w @ (g - w @ g) ** 2
        second, mean = second + chance * ((w @ g) ** 2 + within / k), mean + chance * (w @ g)
    return float(second - mean**2)


def rebar(logit: float, target: float, tau: float, eta: float = 1.0) -> float:
    """Return the variance of REBAR with an independent z~ on one coin, f = (b - t)^2."""
    p = sigmoid(logit)
    second: Any = 0.0
    mean: Any = 0.0
    u, w = _nodes()

    def relaxed(v: Array) -> tuple[Array, Array]:
        y = 1 / (1 + np.exp(-(logit + np.log(v / (1 - v))) / tau))
        return (y - target) ** 2, 2 * (y - target) * y * (1 - y) / tau

    for b, chance, start in ((0, 1 - p, 0.0), (1, p, 1 - p)):
        v = start + chance * u
        c, dc = relaxed(v)
        moving = -(p * (1 - p)) * (u if b == 0 else 1 - u)  # dv / dphi, u held fixed
        free = eta * dc  # z
        bound = -eta * c * (b - p) - eta * dc * (1 + moving / (v * (1 - v)))  # z~ given b
        constant = (b - target) ** 2 * (b - p)
        centre = constant + w @ free + w @ bound
        second += chance * (centre**2 + w @ (free - w @ free) ** 2 + w @ (bound - w @ bound) ** 2)
        mean += chance * centre
    return float(second - mean**2)


def normal(f: Cost, slope: Cost, part: str, estimator: str) -> float:
    """Return the variance of an estimator of a part, loc or scale, of the gradient at N(1, 1), by quadrature."""
    z, w = np.polynomial.legendre.leggauss(600)
    z = 12 * z
    w = w * np.exp(-(z**2) / 2)
    if estimator == "measure_valued":
        r, v = _radial()
        if part == "loc":  # Weibull: density r exp(-r^2 / 2)
            v = v * r * np.exp(-(r**2) / 2)
            g = (f(1 + r) - f(1 - r)) / math.sqrt(2 * math.pi)
            return _variance(g, v)
        v = v * r**2 * np.exp(-(r**2) / 2) / math.sqrt(2 * math.pi)  # half of a double-sided Maxwell
        u, weight = np.polynomial.legendre.leggauss(200)
        u, weight = (1 + u) / 2, weight / 2
        m = np.concatenate([r, -r])[:, None]
        g = f(np.broadcast_to(1 + m, (m.size, u.size))) - f(1 + m * u)
        return _variance(g.ravel(), (np.concatenate([v, v])[:, None] * weight).ravel())
    along = z if part == "scale" else np.ones_like(z)
    score = z**2 - 1 if part == "scale" else z
    return _variance(f(1 + z) * score if estimator == "reinforce" else slope(1 + z) * along, w)


def _radial() -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(300)
    return 6 * (1 + x), 6 * w  # the densities are below 1e-30 beyond 12


def _variance(g: Array, w: Array) -> float:
    mean = w @ g / w.sum()
    return float(w @ (g - mean) ** 2 / w.sum())


def binary_bias_sq(logits: Array, degree: float, estimator: str) -> float:
    """Return bias^2 of straight-through or ReinMax at tau = 1 on coins with f = mean_d |b_d - 0.45|^degree, logits [D].

    Straight-through means q f'(0) + p f'(1), ReinMax (f'(0) + f'(1)) / 2, the truth is f(1) - f(0), each times p q; a
    choice of two has that in both of its logits.
    """
    p = 1 / (1 + np.exp(-logits))
    f0, f1 = -degree * 0.45 ** (degree - 1), degree * 0.55 ** (degree - 1)
    mean = (1 - p) * f0 + p * f1 if estimator == "straight_through" else np.full_like(p, (f0 + f1) / 2)
    error = p * (1 - p) * (mean - (0.55**degree - 0.45**degree)) / p.size
    return float((error**2).sum())
