"""Bias and variance of M_D g(D), averaged over a class of costs: quadratic forms in the matrices M."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...estimators.errors import InputError
from .costs import Array, Costs


@dataclass(frozen=True, eq=False)
class Linear:
    """An estimator that is linear in the slope g = grad f(D): a law of D, and of a matrix M given D.

    Args:
        probs: law of D [K].
        mean: E[M | D] [K, K, K], D first.
        second: E[M'M | D] [K, K, K], D first.
    """

    probs: Array
    mean: Array
    second: Array

    @classmethod
    def fixed(cls, probs: Array, M: Array) -> Linear:
        """Return the estimator whose matrix M_D [K, K, K] has no noise but that of D."""
        return cls(probs, M, np.einsum("dri,drj->dij", M, M))


@dataclass(frozen=True, eq=False)
class Forms:
    """The second moments over f that bias and variance of a linear estimator are made of.

    With g(D) = G_D c, f(e_D) = F_D c and c ~ N(0, I): exact gradient E c, E = sum_D p_D (e_D - p) F_D, and

        bias_sq  = E_f |sum_D q_D E[M|D] g(D) - E c|^2
        variance = E_f [sum_D q_D E[|M g(D)|^2 | D] - |sum_D q_D E[M|D] g(D)|^2],

    q the law of D that the estimator draws from: p, but for those that temper it.

    Args:
        costs: the class of costs.
        probs: p [K], all positive, of sum 1.

    Raises:
        InputError: for probabilities that are none, or are not one for each class.
    """

    costs: Costs
    probs: Array

    def __post_init__(self) -> None:
        p = np.asarray(self.probs)
        if p.shape != (self.costs.num_classes,) or not (p > 0).all() or abs(p.sum() - 1) > 1e-12:
            raise InputError(f"probs={p.tolist()}: give {self.costs.num_classes} positive numbers of sum 1")

    @cached_property
    def slopes(self) -> Array:
        """Q [K, K, K, K]: Q[D, D'] = E_f g(D) g(D')'."""
        G = self.costs.slopes()
        return np.einsum("din,ejn->deij", G, G)

    @cached_property
    def exact(self) -> Array:
        """E [K, n]: the exact gradient in the logits is E c."""
        p = self.probs
        return np.einsum("d,dk,dn->kn", p, np.eye(len(p)) - p, self.costs.values())

    @cached_property
    def cross(self) -> Array:
        """L [K, K, K]: L[D] = E_f (exact gradient) g(D)'."""
        return np.einsum("rn,din->dri", self.exact, self.costs.slopes())

    @property
    def scale(self) -> float:
        """E_f |exact gradient|^2: the bias_sq of an estimator that returns 0, the unit of the page."""
        return float((self.exact**2).sum())

    def bias_sq(self, one: Linear) -> float:
        """Return the average over f of |mean - exact gradient|^2."""
        meeting = float(np.einsum("d,dri,dri->", one.probs, one.mean, self.cross))
        return self._mean_sq(one) - 2 * meeting + self.scale

    def variance(self, one: Linear) -> float:
        """Return the average over f of the trace of the covariance of one draw."""
        own = np.einsum("ddij->dij", self.slopes)
        return float(np.einsum("d,dij,dij->", one.probs, one.second, own)) - self._mean_sq(one)

    def _mean_sq(self, one: Linear) -> float:
        weighted = one.probs[:, None, None] * one.mean
        half = np.einsum("dri,deij->erj", weighted, self.slopes)
        return float((half * weighted).sum())
