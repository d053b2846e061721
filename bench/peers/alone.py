"""Rows that need no peer: against the noise, a bare product of matrices, and this library in its other ways."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...estimators.kernels import codebook
from ..block_sums import block_moments
from ..paths import noise_of
from ..problem import Problem
from . import problems
from .ours import Measuring, Ours, request
from .pinned import one_core
from .race import Ratio, race
from .row import Found, Row, Settings, raced
from .side import Here, Skipped, peer
from .sides import cases

TEMPERATURE = 0.5
TEMPERATURES = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
CODES = (4096, 64, 512)  # rows, dimensions, entries of the codebook
FEW, MANY = 10**6, 10**8
_NOTHING = ([0.0], 0.0)


def floor(row: Row, settings: Settings) -> Found:
    """Return the row of ST Gumbel-Softmax against what no way can be without: its noise, and f there and back."""
    problem = problems.network()
    ours = Ours(problem, [request(problem, "st_gumbel_softmax", temperature=TEMPERATURE)])
    rows = ours.rows
    exponentials = _exponentials(rows * problem.node.theta.numel())
    points = _points(problem, rows)

    def noise_and_cost(seed: int) -> tuple[list[float], float]:
        exponentials()
        x = points.detach().requires_grad_()
        torch.autograd.grad(problem.cost(x).sum(), x)
        return _NOTHING

    found = raced(row, ours.side, Here(noise_and_cost, rows), settings, compare=False)
    return dataclasses.replace(found, parts=ours.parts(), path=ours.path)


def moments(row: Row, settings: Settings) -> Found:
    """Return the row of a block's sums against the noise that it took."""
    problem = problems.built_in()
    ours = Ours(problem, [request(problem, "st_gumbel_softmax", temperature=TEMPERATURE)])
    draws, frame = problem.rows(ours.draws(0)[0]), ours.frames[0]
    exponentials = _exponentials(draws.numel())

    def sums(number: int) -> tuple[list[float], float]:
        block_moments(draws, frame, number * ours.rows)
        return _NOTHING

    def noise(number: int) -> tuple[list[float], float]:
        exponentials()
        return _NOTHING

    return raced(row, Here(sums, ours.rows), Here(noise, ours.rows), settings, compare=False)


def temperatures(make: Callable[[], Problem]) -> Callable[[Row, Settings], Found]:
    """Return the row of eight temperatures that share their points against eight runs."""

    def find(row: Row, settings: Settings) -> Found:
        problem = make()
        every = [request(problem, "st_gumbel_softmax", temperature=temperature) for temperature in TEMPERATURES]
        shared, alone = Ours(problem, every), [Ours(problem, [one]) for one in every]

        one_by_one = Measuring(alone)
        together, apart = shared.side(1), one_by_one(1)
        equal = (together.mean == apart.mean).all() and together.trace == apart.trace
        found = raced(row, shared.side, one_by_one, settings, compare=False, equal=bool(equal))
        return dataclasses.replace(found, path=shared.path, note=_own(found.ours, found.theirs, len(every)))

    return find


def _own(together: float, apart: float, count: int) -> str:
    """Return what of a run is shared, from together = shared + count own and apart = count (shared + own)."""
    own = (together - apart / count) / (count - 1)
    ratio = own * count / apart
    return (
        f"of a run alone {apart / count * 1e9:.0f} ns, {own * 1e9:.0f} are its own (gradient and sums) and the rest is "
        f"noise, points and slopes, which {count} share: however many shared them, the ratio would not fall below "
        f"{ratio:.2f}"
    )


def nearest(row: Row, settings: Settings) -> Found:
    """Return the row of the nearest codebook entry against the bare product of the same two matrices, in blocks too."""
    N, D, K = CODES
    x, entries = map(torch.from_numpy, cases.vectors(N, D, K))
    across, product = entries.T, torch.empty(codebook.BLOCK, K)

    def codes(seed: int) -> tuple[list[float], float]:
        codebook.nearest(x, entries)
        return _NOTHING

    def products(seed: int) -> tuple[list[float], float]:
        for part in x.split(codebook.BLOCK):
            torch.mm(part, across, out=product)
        return _NOTHING

    found = codebook.nearest(x, entries)
    equal = torch.equal(found, torch.cdist(x.double(), entries.double()).argmin(1))
    ours = Here(codes, N)
    with ExitStack() as stack:
        try:
            other = stack.enter_context(peer(settings.python, "vector_quantize", rows=N, dim=D, entries=K))
        except Skipped:
            return raced(row, ours, Here(products, N), settings, compare=False, equal=equal)
        equal = equal and found.tolist() == other(0).mean.tolist()
        with one_core():
            times = race(ours, other, settings.rounds).ratio(over=0).value
        note = f"vector-quantize-pytorch takes {times:.1f} times as long as ours for the same codes"
        return raced(
            row, ours, Here(products, N), settings, compare=False, equal=equal, note=note, versions=other.versions
        )


def memory(row: Row, settings: Settings) -> Found:
    """Return the row of the peak memory of a whole process with 1e8 draws against one with 1e6."""
    many, few = _peak_bytes(MANY), _peak_bytes(FEW)
    ratio = many / few
    return Found(Ratio(ratio, ratio, ratio), many, few, 1)


def _peak_bytes(num_draws: int) -> float:
    """Return the largest resident memory of a process that measures."""
    if not hasattr(os, "wait4"):
        raise Skipped("this system does not tell a process's largest memory")
    process = subprocess.Popen(
        [
            sys.executable, "-m", "varbench", "measure", f"polynomial[classes={problems.CLASSES},dim=1]",
            "st_gumbel_softmax", "--temperature", str(TEMPERATURE), "--draws", str(num_draws), "--dtype", "float32",
            "--no-timing",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Skipped(f"measuring {num_draws:,} draws ended with exit code {process.returncode}")
    return usage.ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


def _points(problem: Problem, rows: int) -> Tensor:
    """Return one-hot points [N, L, K] as the cost meets them."""
    return problem.node.draw(noise_of(problem, 0, 0, rows), 1)[:, 0]


def _exponentials(count: int) -> Callable[[], Any]:
    """Return a draw of as many exponentials: the unit of noise."""
    draw, out = np.random.Generator(np.random.SFC64(0)), np.empty(count, np.float32)
    return lambda: draw.standard_exponential(dtype=np.float32, out=out)
