"""Noise on a grid: what a sampler asks for, laid over all values that one variable's noise can take.

All variables of a problem are laid alike: right for a single variable, and for a separable cost, whose gradient in a
variable depends on that variable's noise alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..estimators.noise import PhiloxNoise
from .draws import Request
from .problem import Problem

MAX_AXES = 2
# the mass beyond is 4e-18, 3e-11 and 2e-17
_LOGISTIC, _LOGISTIC_2, _NORMAL = 40.0, 25.0, 8.5


@dataclass(frozen=True)
class Asked:
    """The one kind of noise that a sampler asks for.

    Args:
        law: uniform, exponential or normal.
        shape: [S, *B, D] or [S, *B, D, numbers]; [S, *B, n] for the n items of a subset.
        numbers: of one variable.
        variables: how many a node has.
        shares: whether only the shares of the exponentials in their sum matter, which saves an axis.
    """

    law: str
    shape: tuple[int, ...]
    numbers: int
    variables: int
    shares: bool = False

    @property
    def axes(self) -> int:
        """Of a grid."""
        return self.numbers - self.shares


class _Listening:
    """Passes noise on, and keeps what was asked for."""

    def __init__(self, noise: PhiloxNoise, scale: float = 1.0) -> None:
        self.noise, self.scale, self.rows = noise, scale, noise.rows
        self.asked: set[tuple[str, str, tuple[int, ...]]] = set()

    def uniform(self, *shape: int, name: str = "x") -> Tensor:
        self.asked.add(("uniform", name, shape))
        return self.noise.uniform(*shape, name=name)

    def normal(self, *shape: int, name: str = "x") -> Tensor:
        self.asked.add(("normal", name, shape))
        return self.noise.normal(*shape, name=name)

    def exponential(self, *shape: int, name: str = "x") -> Tensor:
        self.asked.add(("exponential", name, shape))
        return self.scale * self.noise.exponential(*shape, name=name)

    def gumbel(self, *shape: int, name: str = "x") -> Tensor:
        return -self.exponential(*shape, name=name).log()

    def logistic(self, *shape: int, name: str = "x") -> Tensor:
        u = self.uniform(*shape, name=name)
        return torch.log1p(-u) - torch.log(u)

    def generator(self, name: str) -> np.random.Generator:
        self.asked.add(("generator", name, ()))
        return self.noise.generator(name)


def asked_of(problem: Problem, one: Request) -> Asked | None:
    """Return the noise that one sample asks for, None where a grid cannot stand for it."""
    node = problem.node
    heard = _Listening(_tried(problem))
    y = one.sample(problem, heard)  # type: ignore[arg-type]
    if len(heard.asked) != 1:
        return None
    ((law, _, shape),) = heard.asked
    lead = (one.num_samples, *node.batch_shape)
    rest = shape[len(lead) :]
    if one.num_samples != 1 or shape[: len(lead)] != lead:
        return None
    if node.family == "subset":
        variables, numbers = 1, rest[0]
    elif rest[:1] == node.event_shape[:1] and len(rest) <= 2:
        variables, numbers = rest[0], rest[1] if len(rest) == 2 else 1
    else:
        return None
    scaled = one.sample(problem, _Listening(_tried(problem), 3.0))  # type: ignore[arg-type]
    shares = law == "exponential" and torch.allclose(y, scaled, rtol=0, atol=64 * torch.finfo(y.dtype).eps)
    asked = Asked(law, shape, numbers, variables, shares)
    known = law == "normal" or (law == "uniform" and numbers == 1) or shares
    return asked if known and asked.axes <= MAX_AXES else None


def _tried(problem: Problem) -> PhiloxNoise:
    theta = problem.node.theta
    return PhiloxNoise(0, f"{problem.name} (tried)", 0, 16, theta.dtype, theta.device)


class Grid:
    """The nodes and weights of the trapezoidal rule over the noise of one variable, as noise of that many rows.

    Uniforms are sigmoid(t); the shares of K exponentials, uniform on the simplex, are broken off one by one, again as
    sigmoids. In t integrands are smooth and die away, where the rule converges geometrically.

    Args:
        asked: the noise.
        intervals: on each axis.
        like: a tensor of the working dtype on the device.
        part: of the rows, all by default.
    """

    def __init__(self, asked: Asked, intervals: int, like: Tensor, part: slice = slice(None)) -> None:
        self.asked, self.intervals, self.like = asked, intervals, like
        self.size = (intervals + 1) ** asked.axes
        self.rows = len(range(self.size)[part])
        self._part = part

    def slices(self, rows: int) -> Iterator[Grid]:
        """Yield the grid in parts of at most so many rows."""
        for first in range(0, self.size, rows):
            yield Grid(self.asked, self.intervals, self.like, slice(first, first + rows))

    @property
    def _nodes(self) -> tuple[Tensor, float]:
        """Return t [rows, axes], and the spacing."""
        reach = _NORMAL if self.asked.law == "normal" else _LOGISTIC if self.asked.axes == 1 else _LOGISTIC_2
        spacing = 2 * reach / self.intervals
        number = torch.arange(self.size, device=self.like.device)[self._part]
        place = (self.intervals + 1) ** torch.arange(self.asked.axes, device=self.like.device)
        return (number.unsqueeze(-1) // place % (self.intervals + 1)).double() * spacing - reach, spacing

    @property
    def weights(self) -> Tensor:
        """The density of t times the spacing [rows]."""
        t, spacing = self._nodes
        if self.asked.law == "normal":
            density = torch.exp(-t.square() / 2) / math.sqrt(2 * math.pi)
        else:
            density = torch.sigmoid(t) * torch.sigmoid(-t)
            if self.asked.shares:  # the j-th share of what is left is Beta(1, K - j)
                left = torch.arange(self.asked.axes, 0, -1, device=t.device)
                density = density * left * torch.sigmoid(-t) ** (left - 1)
        return density.prod(-1) * spacing**self.asked.axes

    def uniform(self, *shape: int, name: str = "x") -> Tensor:
        """Return sigmoid(t), kept off 0 and 1."""
        u = torch.sigmoid(self._nodes[0]).to(self.like)
        return self._laid(u.clamp(2.0**-54, 1 - torch.finfo(u.dtype).eps / 2))

    def logistic(self, *shape: int, name: str = "x") -> Tensor:
        """Return log((1 - u) / u) = -t."""
        return self._laid(-self._nodes[0].to(self.like))

    def normal(self, *shape: int, name: str = "x") -> Tensor:
        """Return t."""
        return self._laid(self._nodes[0].to(self.like))

    def exponential(self, *shape: int, name: str = "x") -> Tensor:
        """Return the shares."""
        t = self._nodes[0]
        left = torch.cat([torch.ones_like(t[:, :1]), torch.sigmoid(-t).cumprod(-1)], -1)
        return self._laid((left * torch.cat([torch.sigmoid(t), torch.ones_like(t[:, :1])], -1)).to(self.like))

    def gumbel(self, *shape: int, name: str = "x") -> Tensor:
        """Return -log of the shares."""
        return -self.exponential(*shape, name=name).log()

    def generator(self, name: str) -> np.random.Generator:
        """Refuse: a stream cannot be laid on a grid."""
        raise NotImplementedError(name)

    def _laid(self, numbers: Tensor) -> Tensor:
        """Return numbers [rows, numbers] as [rows, *shape], alike for all variables."""
        whole = len(self.asked.shape) - (self.asked.numbers > 1)
        trail = self.asked.shape[whole:]
        return numbers.reshape(self.rows, *(1,) * whole, *trail).expand(self.rows, *self.asked.shape)
