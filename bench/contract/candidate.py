"""An estimator under examination: its runs on small problems, under noise that is watched."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ...estimators.estimator import Estimator
from ...estimators.node import Node
from ...estimators.noise import PhiloxNoise
from ..cost import Evaluator
from ..draws import Request, request
from ..fitting import fitted
from ..problem import Problem
from ..proof.rules import polynomial
from .nodes import ONE, SEVERAL, batch

ROWS = 16  # of one run
SEED = 0
DRAWS = 200_000
TEMPERATURE = 0.5  # where one must be given and no grid names any


@dataclass(frozen=True)
class Run:
    """One run of an estimator: points, values and slopes of the cost there, draws."""

    points: Tensor
    values: Tensor
    slopes: Tensor | None
    draws: Tensor


@dataclass(frozen=True, eq=False)
class Candidate:
    """An estimator and the configuration in which it is checked.

    Args:
        estimator: the two functions and their facts.
        given: parameters that the caller chose.
        num_draws: N of a test of the mean, where noise cannot be integrated.
    """

    estimator: Estimator
    given: Mapping[str, Any] = field(default_factory=dict)
    num_draws: int = DRAWS
    _fitted: dict[tuple[Any, ...], Request] = field(default_factory=dict)
    _problems: dict[tuple[Any, ...], Problem] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The estimator's name."""
        return self.estimator.facts.name

    @cached_property
    def config(self) -> dict[str, Any]:
        """The full configuration: what was given, the defaults, and for what has none the middle of its grid."""
        facts, config = self.estimator.facts, dict(self.estimator.facts.config)
        for key, default in config.items():
            if default is None:
                values = facts.grid.get(key, (TEMPERATURE,))
                config[key] = values[len(values) // 2]
        return {**config, **self.given}

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of samples S that are tried: the smallest, and the next that is allowed."""
        facts = self.estimator.facts
        least = facts.min_samples
        return (least,) if facts.deterministic else (least, least + facts.samples_multiple)

    def request(self, problem: Problem, S: int, **config: Any) -> Request:
        """Return the request, fitted once where there is something to fit."""
        key = (problem, S, *sorted(config.items()))
        if key not in self._fitted:
            one = request(problem, self.estimator, {**self.config, **config}, S)
            self._fitted[key] = fitted(problem, one, SEED)
        return self._fitted[key]

    def problem(self, family: str, kind: str, dtype: torch.dtype = torch.float64) -> Problem:
        """Return a problem on one variable, several, or a batch of three nodes, with a cost in which all meet."""
        key = (family, kind, dtype)
        if key not in self._problems:
            node = {"one": ONE, "several": SEVERAL, "batch": SEVERAL}[kind][family]
            self._problems[key] = toy(batch(node) if kind == "batch" else node, f"{kind} {family}", dtype)
        return self._problems[key]

    def run(self, problem: Problem, noise: PhiloxNoise | None = None, S: int | None = None, **config: Any) -> Run:
        """Return one run, as the harness does it: the estimator sees of the cost only what it says it needs."""
        one = self.request(problem, self.sizes[0] if S is None else S, **config)
        noise = watched(problem) if noise is None else noise
        with torch.no_grad():
            points = one.sample(problem, noise)
            values, slopes = evaluated(one, problem, points)
            return Run(points, values, slopes, one.combine(problem, noise, points, values, slopes))


def evaluated(one: Request, problem: Problem, points: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return values and, for estimators that use them, slopes of the cost at the points."""
    return Evaluator(problem)(points, slopes=one.estimator.facts.uses_slopes)


def toy(node: Node, name: str, dtype: torch.dtype = torch.float64, degree: int = 3) -> Problem:
    """Return the problem of this node with a polynomial cost in which all its variables meet."""
    node = node.with_theta(node.theta.to(dtype))
    return Problem(f"check: {name}", node, polynomial(node, degree))


class WatchedNoise(PhiloxNoise):
    """Noise that remembers what was asked for and what it answered."""

    def __init__(self, *key: Any) -> None:
        super().__init__(*key)
        self.answers: dict[tuple[str, str, tuple[int, ...]], tuple[Tensor, Tensor]] = {}
        self.streams: set[str] = set()

    def generator(self, name: str) -> Any:
        """Return the generator of this name; uniforms, Normals and exponentials have theirs too (with a colon)."""
        if ":" not in name:
            self.streams.add(name)
        return super().generator(name)

    def _once(self, law: str, name: str, shape: tuple[int, ...], guard: Callable[[Tensor], Tensor]) -> Tensor:
        numbers = super()._once(law, name, shape, guard)
        self.answers.setdefault((law, name, shape), (numbers, numbers.clone()))
        return numbers

    def overwritten(self) -> list[str]:
        """Return which answers were written into."""
        return [f"{law} '{name}'" for (law, name, _), (now, then) in self.answers.items() if not torch.equal(now, then)]


class OtherRows(PhiloxNoise):
    """The noise of another seed, but for the rows that are kept."""

    def __init__(self, kept: slice, *key: Any) -> None:
        super().__init__(*key)
        self.kept = kept
        self._other = PhiloxNoise(self.seed + 1, *key[1:])

    def _once(self, law: str, name: str, shape: tuple[int, ...], guard: Callable[[Tensor], Tensor]) -> Tensor:
        numbers = self._other._once(law, name, shape, guard).clone()
        numbers[self.kept] = super()._once(law, name, shape, guard)[self.kept]
        return numbers


def noise_key(problem: Problem, rows: int = ROWS, seed: int = SEED) -> tuple[Any, ...]:
    """Return what keys the noise of a run."""
    return seed, problem.name, 0, rows, problem.node.theta.dtype


def watched(problem: Problem, rows: int = ROWS, seed: int = SEED) -> WatchedNoise:
    """Return the watched noise of a run."""
    return WatchedNoise(*noise_key(problem, rows, seed))


def renamed(problem: Problem, name: str) -> Problem:
    """Return the problem under another name, that is, with other noise."""
    return dataclasses.replace(problem, name=name)
