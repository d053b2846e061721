"""Rows that need a peer, in its own environment."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..problem import Problem
from ..records import PATHS
from . import problems
from .ours import Ours, request
from .row import Found, Row, Settings, raced
from .side import peer

TEMPERATURE = 0.5
ROWS = 1024  # of a call of a torch peer: buffers of 200,000 numbers, its fastest
CONDITIONAL_ROWS = 256  # of one with ten conditional samples: likewise
LOOP_ROWS = 64
CONDITIONAL = 10
NUM_SAMPLES = 4
_SHAPE: dict[str, Any] = {"latents": problems.LATENTS, "classes": problems.CLASSES}
_TORCH_ALONE = ("torch_gumbel", "gumbel_rao")
_SLOWER = 10  # a draw of a loop takes a millisecond: as many times fewer for the comparison


def gumbel_softmax(cost: str, fastest: str = PATHS[-1]) -> Callable[[Row, Settings], Found]:
    """Return the row of ST Gumbel-Softmax against torch's own on a leaf, our path being ``fastest`` at most."""
    return _found("st_gumbel_softmax", cost, "torch_gumbel", fastest, temperature=TEMPERATURE, rows=ROWS)


def reinmax(cost: str) -> Callable[[Row, Settings], Found]:
    """Return the row of ReinMax against its authors' package on a leaf."""
    return _found("reinmax", cost, "reinmax", temperature=1.0, rows=ROWS)


def gumbel_rao(cost: str) -> Callable[[Row, Settings], Found]:
    """Return the row of Gumbel-Rao against the public form on a leaf."""
    more: dict[str, Any] = {"conditional_samples": CONDITIONAL}
    return _found("gumbel_rao", cost, "gumbel_rao", temperature=TEMPERATURE, rows=CONDITIONAL_ROWS, **more)


def jax(cost: str) -> Callable[[Row, Settings], Found]:
    """Return the row of ST Gumbel-Softmax against jax.jit(vmap(grad))."""
    return _found("st_gumbel_softmax", cost, "jax", temperature=TEMPERATURE)


def jax_normal(row: Row, settings: Settings) -> Found:
    """Return the row of the pathwise gradient against jax.jit(vmap(grad))."""
    ours = Ours(problem := problems.normal(), [request(problem, "reparameterization")])
    with peer(settings.python, "jax", "build_normal", dim=problems.DIM) as theirs:
        return _compared(row, ours, theirs, settings)


def storchastic(row: Row, settings: Settings) -> Found:
    """Return the row of leave-one-out against storchastic's loop, on its own example."""
    ours = Ours(problem := problems.coins(), [request(problem, "rloo", NUM_SAMPLES)])
    fewer = dataclasses.replace(settings, draws=settings.draws // _SLOWER)
    with peer(settings.python, "storchastic", num_samples=NUM_SAMPLES, rows=LOOP_ROWS) as theirs:
        return _compared(row, ours, theirs, fewer)


def _problem(cost: str) -> Problem:
    return problems.network() if cost == "network" else problems.built_in()


def _found(
    estimator: str, cost: str, name: str, fastest: str = PATHS[-1], **case: Any
) -> Callable[[Row, Settings], Found]:
    """Return a row over the categorical problems; the estimator's parameters are those of the case that it takes."""

    def find(row: Row, settings: Settings) -> Found:
        config = {key: value for key, value in case.items() if key != "rows"}
        ours = Ours(problem := _problem(cost), [request(problem, estimator, **config)], fastest)
        with peer(_interpreter(settings, name), name, cost=cost, **_SHAPE, **case) as theirs:
            return _compared(row, ours, theirs, settings)

    return find


def _interpreter(settings: Settings, name: str) -> Path:
    """Return the peers' interpreter; ours where there is none, for sides that need torch alone."""
    return Path(sys.executable) if name in _TORCH_ALONE and not settings.python.exists() else settings.python


def _compared(row: Row, ours: Ours, theirs: Any, settings: Settings) -> Found:
    found = raced(row, ours.side, theirs, settings, versions=theirs.versions)
    return dataclasses.replace(found, parts=ours.parts(), path=ours.path)
