"""What a machine is to kernels: how wide its vectors are, and what that makes of noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..environment import installed
from ..paths import HAS_KERNELS
from .pinned import one_core
from .race import race
from .side import Here

WIDTHS = {"avx512f": "AVX-512", "avx2": "AVX2", "sve": "SVE", "neon": "NEON"}  # widest first
COUNT = 2**18  # exponentials of a call, in blocks of 4,096
_ROWS = 64


def vectors() -> str:
    """Return the name of the widest vectors that the compiler of kernels may use here; '' where it cannot tell."""
    if not installed("llvmlite"):
        return ""
    from llvmlite.binding import get_host_cpu_features

    features = get_host_cpu_features()
    return next((name for feature, name in WIDTHS.items() if features.get(feature)), "")


def noise(rounds: int) -> dict[str, float] | None:
    """Return what the kernels' exponentials take of the time of numpy's, SFC64 and ziggurat; None without kernels.

    Args:
        rounds: of the race.
    """
    if not HAS_KERNELS:
        return None
    with one_core():
        found = race(Here(_kernels(), COUNT), Here(_numpys(), COUNT), rounds).ratio(over=1)
    return {"value": found.value, "lower": found.lower, "upper": found.upper}


def _kernels() -> Callable[[int], tuple[Any, float]]:
    from ...estimators.kernels.noise import exponentials

    word, out, key = (
        np.empty(COUNT // _ROWS, np.uint32),
        np.empty((_ROWS, COUNT // _ROWS), np.float32),
        np.zeros(2, "u4"),
    )

    def run(seed: int) -> tuple[Any, float]:
        for row, numbers in enumerate(out):
            exponentials(key, seed, row * numbers.size, word, numbers)
        return [0.0], 0.0

    return run


def _numpys() -> Callable[[int], tuple[Any, float]]:
    draw, out = np.random.Generator(np.random.SFC64(0)), np.empty(COUNT, np.float32)

    def run(seed: int) -> tuple[Any, float]:
        draw.standard_exponential(dtype=np.float32, out=out)
        return [0.0], 0.0

    return run
