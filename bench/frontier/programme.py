"""The frontier itself: for each number of draws n, the matrices M_D of least bias_sq + variance / n."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import eigh, null_space
from scipy.optimize import brentq

from .costs import Array
from .forms import Forms, Linear

RANK = 1e-9  # of the eigenvalues mu, all in [0, 1]: what lies below is 0


@dataclass(frozen=True, eq=False)
class Frontier:
    """The estimators M_D g(D), D ~ p, with M_D 1 = 0, that are best on average over a class of costs.

    Bias_sq and variance are convex quadratic forms in M, so that their frontier is a convex curve, and minimising
    bias_sq + variance / n over all n > 0 traces it. Row r of all M_D together, x_r, meets no other row:

        bias_sq = s + sum_r (x_r' B x_r - 2 l_r' x_r),    variance = sum_r x_r' (S - B) x_r,

    B[D, D'] = p_D p_D' Q[D, D'] from the mean, S = diag(p_D Q[D, D]) from the second moment, l_r[D] = p_D L[D, r]. Each
    trade-off is one linear solve, (S / n + (1 - 1 / n) B) x_r = l_r. The generalised eigenvectors v of B v = mu S v,
    V' S V = I, solve all of them at once: with t(mu) = n / (1 + (n - 1) mu),

        x_r = sum_v t v (v' l_r),   bias_sq = least + sum_v h mu (t - 1 / mu)^2,   variance = sum_v h (1 - mu) t^2,

    h = sum_r (v' l_r)^2. As n grows t -> 1 / mu: the least bias, and of all M that have it the least variance, since
    nothing is spent where mu = 0. M 1 = 0 because f is given on the simplex: what its slope is along (1, ..., 1) is
    the choice of who wrote f down. That 1' M = 0 follows. Noise in M given D would only add to the variance.

    Args:
        forms: the class of costs and p.
    """

    forms: Forms

    @cached_property
    def _tangent(self) -> Array:
        """Orthonormal columns [K, K - 1] of the plane that is orthogonal to (1, ..., 1)."""
        return np.asarray(null_space(np.ones((1, len(self.forms.probs)))))

    @cached_property
    def quadratics(self) -> tuple[Array, Array, Array]:
        """B and S [K (K - 1), K (K - 1)], and l [K, K (K - 1)], in coordinates of the plane."""
        p, T = self.forms.probs, self._tangent
        K, width = T.shape
        Q = np.einsum("deij,ia,jb->daeb", self.forms.slopes, T, T)
        B = np.einsum("d,e,daeb->daeb", p, p, Q).reshape(K * width, K * width)
        S = np.zeros((K, width, K, width))
        for D in range(K):
            S[D, :, D] = p[D] * Q[D, :, D]
        ends = np.einsum("d,dri,ia->rda", p, self.forms.cross, T).reshape(K, K * width)
        return B, S.reshape(B.shape), ends

    @cached_property
    def _spectrum(self) -> tuple[Array, Array, Array]:
        """mu, the vectors v in columns, and v' l_r [K (K - 1), K]; where mu = 0 the mean does not move, nor can l."""
        B, S, ends = self.quadratics
        mu, V = eigh(B, S)
        kept = mu > RANK
        return mu[kept], V[:, kept], V[:, kept].T @ ends.T

    def at(self, n: float) -> Linear:
        """Return the estimator of least bias_sq + variance / n; n = inf: of least bias, then of least variance."""
        _, V, on = self._spectrum
        x = (V * self._stretch(n)) @ on  # [K (K - 1), K]
        K, width = self._tangent.shape
        M = np.einsum("dar,ia->dri", x.reshape(K, width, K), self._tangent)
        return Linear.fixed(self.forms.probs, M)

    def point(self, n: float) -> tuple[float, float]:
        """Return bias_sq and variance of that estimator, by the sums over v."""
        mu, _, on = self._spectrum
        t, h = self._stretch(n), (on**2).sum(1)
        return self.least_bias_sq + float((h * mu * (t - 1 / mu) ** 2).sum()), float((h * (1 - mu) * t**2).sum())

    @cached_property
    def least_bias_sq(self) -> float:
        """The bias_sq that no choice of M gets below."""
        mu, _, on = self._spectrum
        left = self.forms.scale - float(((on**2).sum(1) / mu).sum())
        return left if left > 1e-12 * self.forms.scale else 0.0

    def variance_at(self, bias_sq: float) -> float:
        """Return the least variance at this bias_sq or less: 0 where 0 would do as an estimate, inf where none has it.

        A bias_sq within rounding of the least one counts as that one.
        """
        slack = 1e-9 * self.forms.scale
        if bias_sq >= self.forms.scale:
            return 0.0
        if bias_sq <= self.least_bias_sq + slack:
            return self.point(np.inf)[1] if bias_sq >= self.least_bias_sq - slack else np.inf
        low, high = -1.0, 1.0
        while self.point(np.exp(low))[0] < bias_sq:
            low *= 2
        while self.point(np.exp(high))[0] > bias_sq:
            high *= 2
        root = brentq(lambda log_n: self.point(np.exp(log_n))[0] - bias_sq, low, high, xtol=1e-13, rtol=1e-14)
        return self.point(float(np.exp(root)))[1]

    def _stretch(self, n: float) -> Array:
        mu = self._spectrum[0]
        return np.asarray(1 / mu if np.isinf(n) else n / (1 + (n - 1) * mu))
