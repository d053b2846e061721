"""Random classes of costs on the simplex: polynomials with independent Gaussian coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from ...estimators.errors import InputError

Array = NDArray[np.float64]

DEGREES = {"linear": 1, "quadratic": 2, "cubic": 3}


@dataclass(frozen=True)
class Costs:
    """f(x) = b'x + x'Ax + T[x, x, x] up to some degree, each of its coefficients an independent N(0, 1).

    No entry is tied to another: A need not be symmetric, T neither. Relabelling the classes leaves the law as it is.

    Args:
        name: linear, quadratic or cubic.
        num_classes: K, at least 2.

    Raises:
        InputError: for another name, or fewer than two classes.
    """

    name: str
    num_classes: int

    def __post_init__(self) -> None:
        if self.name not in DEGREES:
            raise InputError(f"costs '{self.name}': there are {', '.join(DEGREES)}")
        if self.num_classes < 2:
            raise InputError(f"costs: num_classes={self.num_classes}; a choice needs at least 2")

    @property
    def monomials(self) -> tuple[tuple[int, ...], ...]:
        """The places (j1, ..., jd) whose x_j1 ... x_jd the coefficients multiply, degree by degree."""
        K = range(self.num_classes)
        return tuple(places for d in range(1, DEGREES[self.name] + 1) for places in product(K, repeat=d))

    def values(self) -> Array:
        """Return F [K, n]: f(e_D) = F_D c for coefficients c."""
        x = np.eye(self.num_classes)
        return np.array([[prod(e[j] for j in places) for places in self.monomials] for e in x])

    def slopes(self) -> Array:
        """Return G [K, K, n]: grad f(e_D) = G_D c for coefficients c."""
        x, monomials = np.eye(self.num_classes), self.monomials
        G = np.zeros((self.num_classes, self.num_classes, len(monomials)))
        for D, e in enumerate(x):
            for m, places in enumerate(monomials):
                for at, j in enumerate(places):
                    G[D, j, m] += prod(e[k] for k in places[:at] + places[at + 1 :])
        return G
