"""Noise that is laid down: what a quadrature rule or an enumeration feeds to an estimator."""

import numpy as np
import torch
from torch import Tensor


class NotLaid(Exception):  # noqa: N818  (an answer, not a fault)
    """Noise that was asked for and is not laid down."""


class FixedNoise:
    """Noise that is laid down: ``FixedNoise(N, uniform_x=u)`` answers ``uniform(*shape, name="x")`` with u [N, *shape].

    Raises:
        NotLaid: where other noise is asked for, or another shape.
    """

    def __init__(self, rows: int, **numbers: Tensor) -> None:
        self.rows, self._numbers = rows, numbers

    def uniform(self, *shape: int, name: str = "x") -> Tensor:
        """Return the uniforms of this name."""
        return self._laid("uniform", name, shape)

    def normal(self, *shape: int, name: str = "x") -> Tensor:
        """Return the Normals of this name."""
        return self._laid("normal", name, shape)

    def exponential(self, *shape: int, name: str = "x") -> Tensor:
        """Return the exponentials of this name."""
        return self._laid("exponential", name, shape)

    def gumbel(self, *shape: int, name: str = "x") -> Tensor:
        """Return -log of the exponentials of this name."""
        return -self.exponential(*shape, name=name).log()

    def logistic(self, *shape: int, name: str = "x") -> Tensor:
        """Return log((1 - u) / u) of the uniforms of this name."""
        u = self.uniform(*shape, name=name)
        return torch.log1p(-u) - u.log()

    def generator(self, name: str) -> np.random.Generator:
        """Refuse: a stream cannot be laid down."""
        raise NotLaid(f"no generator '{name}' was laid down")

    def _laid(self, law: str, name: str, shape: tuple[int, ...]) -> Tensor:
        numbers = self._numbers.get(f"{law}_{name}")
        if numbers is None:
            raise NotLaid(f"no {law} '{name}' was laid down")
        if numbers.shape != (self.rows, *shape):
            raise NotLaid(f"{law} '{name}' is wanted as {[self.rows, *shape]}, laid down as {list(numbers.shape)}")
        return numbers
