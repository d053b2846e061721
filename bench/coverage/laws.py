"""Laws of gradient draws whose mean and covariance are known by construction."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ...estimators.errors import InputError
from ...estimators.estimator import Estimator
from ...estimators.facts import Facts
from ...estimators.families.bernoulli import Bernoulli
from ...estimators.node import Node
from ...estimators.noise import Noise
from ..problem import Problem

SPECTRA = ("flat", "steep")
RATIO = 4.0  # of a partner's variance to the law's own
_KEPT = 0.8  # correlation of a partner's draws with those that it is compared with


def _normal(noise: Noise, D: int, name: str) -> Tensor:
    return noise.normal(D, name=name)


def _uniform(noise: Noise, D: int, name: str) -> Tensor:
    return (noise.uniform(D, name=name) - 0.5) * math.sqrt(12)


def _laplace(noise: Noise, D: int, name: str) -> Tensor:
    return (noise.exponential(D, name=name) - noise.exponential(D, name=f"{name}'")) / math.sqrt(2)


def _exponential(noise: Noise, D: int, name: str) -> Tensor:
    return noise.exponential(D, name=name) - 1


def _student_5(noise: Noise, D: int, name: str) -> Tensor:
    t = noise.generator(name).standard_t(5, (noise.rows, D))
    return torch.from_numpy(t) / math.sqrt(5 / 3)


def _lognormal(noise: Noise, D: int, name: str) -> Tensor:
    return (noise.normal(D, name=name).exp() - math.exp(0.5)) / math.sqrt((math.e - 1) * math.e)


# mean 0, variance 1 in each of D independent coordinates; what each is like
LAWS: dict[str, tuple[Callable[[Noise, int, str], Tensor], str]] = {
    "uniform": (_uniform, "light"),
    "normal": (_normal, "light"),
    "laplace": (_laplace, "medium"),
    "exponential": (_exponential, "medium"),
    "student_5": (_student_5, "heavy"),
    "lognormal": (_lognormal, "heavy"),
}


def tail(law: str) -> str:
    """Return what the tail of a law is like: light, medium or heavy."""
    return LAWS[law][1]


def scales(D: int, spectrum: str) -> Tensor:
    """Return the standard deviation of each coordinate: 1 (flat), or 1, 1/2, ..., 1/D (steep)."""
    return torch.ones(D, dtype=torch.float64) if spectrum == "flat" else 1 / torch.arange(1, D + 1, dtype=torch.float64)


def problem_of(name: str, D: int) -> Problem:
    """Return a problem of D entries whose cost is 0: its draws come from the law alone."""
    return Problem(name, Bernoulli(torch.zeros(D, dtype=torch.float64)), lambda x: x.new_zeros(x.shape[:-1]))


def pair_of(law: str, spectrum: str, bias: Tensor) -> tuple[Estimator, Estimator]:
    """Return two estimators whose draws follow a law about ``bias``, correlated by 0.8, the second twice as wide.

    Raises:
        InputError: for an unknown law or spectrum.
    """
    if law not in LAWS or spectrum not in SPECTRA:
        raise InputError(f"law '{law}', spectrum '{spectrum}': allowed are {', '.join(LAWS)}; {', '.join(SPECTRA)}")
    standard, _ = LAWS[law]
    width = scales(len(bias), spectrum)

    def combine(node: Node, noise: Noise, points: Tensor, values: Tensor, slopes: None) -> Tensor:
        return bias + width * standard(noise, len(bias), "draws")

    def partner(node: Node, noise: Noise, points: Tensor, values: Tensor, slopes: None) -> Tensor:
        own, other = (standard(noise, len(bias), name) for name in ("draws", "apart"))
        return bias + math.sqrt(RATIO) * width * (_KEPT * own + math.sqrt(1 - _KEPT**2) * other)

    facts = Facts(law, ("bernoulli",), ("values",), False, "a law of draws")
    return Estimator(facts, _nowhere, combine), Estimator(facts, _nowhere, partner)


def _nowhere(node: Node, noise: Noise, S: int) -> Tensor:
    return torch.zeros(noise.rows, 1, *node.event_shape, dtype=node.theta.dtype)
