"""Replayable, named noise: the same key gives the same numbers, in any order and on any thread."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ._draws_last import draws_last, in_rows

_SMALLEST = 2.0**-54  # half a step of numpy's 53-bit uniform: stands for the exact zero that a log would not survive


class Noise(Protocol):
    """A source of N = ``rows`` independent rows of noise; one name is one variable, replayed at each call."""

    rows: int

    def uniform(self, *shape: int, name: str = "x") -> Tensor:
        """Return U(0, 1) numbers [N, *shape], never 0 or 1."""
        ...

    def normal(self, *shape: int, name: str = "x") -> Tensor:
        """Return N(0, 1) numbers [N, *shape]."""
        ...

    def exponential(self, *shape: int, name: str = "x") -> Tensor:
        """Return Exp(1) numbers [N, *shape], never 0."""
        ...

    def gumbel(self, *shape: int, name: str = "x") -> Tensor:
        """Return -log of the exponential of that name [N, *shape]."""
        ...

    def logistic(self, *shape: int, name: str = "x") -> Tensor:
        """Return log((1 - u) / u) of the uniform u of that name [N, *shape]."""
        ...

    def generator(self, name: str) -> np.random.Generator:
        """Return a generator of that name, for laws that are sampled by rejection."""
        ...


class PhiloxNoise:
    """Noise whose Philox key is a hash of (seed, problem, law and name, shape, block).

    The estimator and its config are not in the key: estimators meet common random numbers. Numbers are
    drawn in float64, cast to the working dtype, then kept off 0 and 1. What was drawn is remembered, since
    ``combine`` replays what ``sample`` used; one object serves one block.

    Args:
        seed: any integer.
        problem: the problem's full name.
        block: number of the block of draws.
        rows: number N of draws in the block.
        dtype: working dtype of the node.
        device: device of the node.
    """

    def __init__(
        self,
        seed: int,
        problem: str,
        block: int,
        rows: int,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        self.seed, self.problem, self.block, self.rows = seed, problem, block, rows
        self.dtype, self.device = dtype, device
        self._drawn: dict[tuple[str, str, tuple[int, ...]], Tensor] = {}

    def generator(self, name: str) -> np.random.Generator:
        """Return the generator of this name: the same state at each call."""
        key = f"{self.seed}|{self.problem}|{name}|{self.block}".encode()
        words = np.frombuffer(blake2b(key, digest_size=16).digest(), dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=words))

    def uniform(self, *shape: int, name: str = "x") -> Tensor:
        """Return U(0, 1) numbers [N, *shape], never 0 or 1 in the working dtype."""
        one = 1.0 - torch.finfo(self.dtype).eps / 2
        return self._once("uniform", name, shape, lambda u: u.clamp_(_SMALLEST, one))

    def normal(self, *shape: int, name: str = "x") -> Tensor:
        """Return N(0, 1) numbers [N, *shape]."""
        return self._once("normal", name, shape, lambda e: e)

    def exponential(self, *shape: int, name: str = "x") -> Tensor:
        """Return Exp(1) numbers [N, *shape], never 0."""
        return self._once("exponential", name, shape, lambda e: e.clamp_(min=_SMALLEST))

    def gumbel(self, *shape: int, name: str = "x") -> Tensor:
        """Return standard Gumbel numbers [N, *shape]."""

        def make() -> Tensor:
            E = draws_last(self._cast("exponential", name, shape))
            return self._off_zero(E).log().neg_()

        return self._remembered("gumbel", name, shape, make)

    def logistic(self, *shape: int, name: str = "x") -> Tensor:
        """Return standard logistic numbers [N, *shape], decreasing in the uniform of the same name."""
        u = self.uniform(*shape, name=name)
        return self._remembered("logistic", name, shape, lambda: torch.log1p(-u) - torch.log(u))

    def _off_zero(self, E: Tensor) -> Tensor:
        """Return exponentials whose logarithms are finite."""
        return E.clamp(min=_SMALLEST)

    def _once(self, law: str, name: str, shape: tuple[int, ...], guard: Callable[[Tensor], Tensor]) -> Tensor:
        return self._remembered(law, name, shape, lambda: guard(in_rows(self._cast(law, name, shape))))

    def _cast(self, law: str, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return the numbers of a law in the working dtype, in whatever order of memory they were drawn."""
        return self._remembered(
            f"unguarded {law}", name, shape, lambda: self._numbers(law, name, shape).to(self.device, self.dtype)
        )

    def _remembered(self, law: str, name: str, shape: tuple[int, ...], make: Callable[[], Tensor]) -> Tensor:
        key = (law, name, shape)
        if key not in self._drawn:
            self._drawn[key] = make()
        return self._drawn[key]

    def _numbers(self, law: str, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return the numbers of a law [N, *shape], before the cast."""
        rng = self.generator(f"{law}:{name}:{shape}")
        size = (self.rows, *shape)
        if law == "uniform":
            numbers = rng.random(size)
        elif law == "normal":
            numbers = rng.standard_normal(size)
        else:
            numbers = rng.standard_exponential(size)
        return torch.from_numpy(numbers)
