"""Which cells meet the same points: the same noise, sampled by the same function with the same configuration."""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import blake2b

from ..estimators.errors import InputError
from ..estimators.estimator import keywords, takes_state
from .draws import Request
from .paths import HAS_KERNELS
from .problem import Problem
from .resolve import loaded_estimator
from .study import Cell


def points_key(problem: Problem, one: Request, seed: int) -> str:
    """Return a short hash of what decides the points: equal ones say that two records of one N rest on the same draws.

    It is of seed, problem, dtype, source of noise, S, and the name and configuration of ``sample``; where that is no
    name that another module could find, or takes what was fitted, of the whole estimator with its configuration.
    """
    sample = one.estimator.sample
    name = f"{getattr(sample, '__module__', '')}:{getattr(sample, '__qualname__', '<nameless>')}"
    used: tuple[str, ...] = keywords(sample)
    if takes_state(sample) or "<" in name:
        name, used = f"{name} of {one.estimator.facts.name}", tuple(one.config)
    config = sorted((key, one.config[key]) for key in used)
    decides = seed, problem.name, str(problem.node.theta.dtype), HAS_KERNELS, name, config, one.num_samples
    return blake2b(repr(decides).encode(), digest_size=6).hexdigest()


def lot_of(cell: Cell) -> Hashable:
    """Return what the cells have in common that one worker measures at once: they share points and evaluations of f."""
    alone = cell.problem, cell.dtype, cell.seed, cell.num_draws, cell.num_samples
    try:
        sample = loaded_estimator(cell.estimator).sample
    except InputError:
        return *alone, cell.estimator
    if takes_state(sample):
        return *alone, cell.estimator
    return *alone, sample, tuple((key, cell.config[key]) for key in keywords(sample))
