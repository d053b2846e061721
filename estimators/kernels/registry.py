"""Which torch forms have kernels: each kernel module mirrors the estimator's module of its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from ..estimator import independent

# module -> the families of nodes that its kernels know
METHODS: dict[str, tuple[str, ...]] = {
    "reinforce": ("bernoulli", "categorical"),
    "rloo": ("bernoulli", "categorical"),
    "straight_through": ("bernoulli", "categorical"),
    "reinmax": ("bernoulli", "categorical"),
    "st_gumbel_softmax": ("bernoulli", "categorical"),
    "gumbel_softmax": ("bernoulli", "categorical"),
    "gumbel_rao": ("bernoulli", "categorical"),
    "reparameterization": ("normal",),
}
# module -> the families whose draws its kernel also sums
SUMMED: dict[str, tuple[str, ...]] = {
    "straight_through": ("bernoulli", "categorical"),
    "reinmax": ("bernoulli", "categorical"),
    "st_gumbel_softmax": ("categorical",),
    "reparameterization": ("normal",),
}
_DISCRETE = ("bernoulli", "categorical")


@dataclass(frozen=True)
class Kernels:
    """What may stand in for an estimator's halves; None where the torch form has no kernel.

    Args:
        sample: (node, noise, S, **config) -> points.
        combine: (node, noise, points, values, slopes, **config) -> draws.
        fused: (node, noise, table, S, **config) -> draws, for a separable cost.
        summed: (node, noise, table, S, configs, cells) adds the draws of ``fused`` at each config to the
            ``cells.Sums`` of as many cells.
    """

    sample: Callable[..., Any] | None = None
    combine: Callable[..., Any] | None = None
    fused: Callable[..., Any] | None = None
    summed: Callable[..., Any] | None = None


@cache
def kernels_of(sample: Callable[..., Any], combine: Callable[..., Any], family: str) -> Kernels:
    """Return the kernels of the estimator of these two halves on nodes of a family.

    A half is known by the function itself: another function of the same name is another estimator.
    """
    found: dict[str, Callable[..., Any] | None] = dict.fromkeys(("sample", "combine", "fused"))
    if sample is independent and family in _DISCRETE:
        found["sample"] = import_module(".draw", __package__).sample
    for name, families in METHODS.items():
        form = import_module(f"..{name}", __package__)
        if (sample, combine) == (form.sample, form.combine) and family in families:
            mine = import_module(f".{name}", __package__)
            found |= {half: getattr(mine, half) for half in found if hasattr(mine, half)}
            found["summed"] = mine.summed if family in SUMMED.get(name, ()) else None
    return Kernels(**found)
