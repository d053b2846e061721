"""What is repeated: laws of draws, and catalogued estimators whose variance is exact."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..draws import Request, request
from ..exact import Truth
from ..problem import Problem
from ..resolve import estimator_of
from ..resolve import problem_of as catalogued
from . import laws
from .exact import exact_moments

N_LAWS = (200, 1_000, 10_000, 100_000)
ENTRIES = 2 * 10**6  # numbers in one replicate: longer gradients are repeated for fewer draws


@dataclass(frozen=True)
class Case:
    """One measurement that is repeated, in literals.

    Args:
        what: a law of draws, or a catalogued problem.
        num_draws: N.
        estimator: of a catalogued problem; '' for a law.
        partner: the estimator that it is compared with on common noise; '' for a law, which brings its own.
        num_samples: S of both.
        tail: light, medium, heavy or rare.
        dim: D of a law.
        spectrum: flat or steep, of a law.
        bias: of a law, in standard errors sqrt(variance / N) of the mean.
        along: the coordinate that is biased, first (widest) or last.
    """

    what: str
    num_draws: int
    estimator: str = ""
    partner: str = ""
    num_samples: int = 1
    tail: str = "light"
    dim: int = 1
    spectrum: str = "flat"
    bias: float = 0.0
    along: str = "first"

    @property
    def name(self) -> str:
        """The case without N, as people write it."""
        if self.estimator:
            return f"{self.what}, {self.estimator}, S = {self.num_samples}"
        shape = f"D = {self.dim}" + (", steep" if self.spectrum == "steep" else "")
        return f"{self.what}, {shape}, bias {self.bias:g} se" + (f" along {self.along}" if self.bias else "")


@dataclass(frozen=True, eq=False)
class Known:
    """A case, ready to be measured, with what its intervals should hold.

    Args:
        problem: with its noise's name.
        pair: what is measured, and what it is compared with.
        truth: the gradient that bias is taken from.
        variance: exact, of one draw.
        bias_sq: exact.
        ratio: exact variance of the partner over the exact one.
    """

    problem: Problem
    pair: tuple[Request, Request]
    truth: Truth
    variance: float
    bias_sq: float
    ratio: float


def known(case: Case) -> Known:
    """Return a case with its exact values."""
    return _of_catalogue(case) if case.estimator else _of_law(case)


def _of_law(case: Case) -> Known:
    problem = laws.problem_of(case.name, case.dim)
    variance = float(laws.scales(case.dim, case.spectrum).square().sum())
    bias = torch.zeros(case.dim, dtype=torch.float64)
    bias[0 if case.along == "first" else -1] = case.bias * math.sqrt(variance / case.num_draws)
    one, other = laws.pair_of(case.what, case.spectrum, bias)
    pair = request(problem, one, {}, 1), request(problem, other, {}, 1)
    return Known(problem, pair, Truth(torch.zeros_like(bias), "closed_form"), variance, float(bias @ bias), 4.0)


def _of_catalogue(case: Case) -> Known:
    problem = catalogued(case.what)
    one, other = (
        request(problem, *estimator_of(name), case.num_samples) for name in (case.estimator, case.partner)
    )
    mean, variance = exact_moments(problem, one)
    exact, _ = exact_moments(problem, request(problem, *estimator_of("reinforce"), 1))
    truth = Truth(exact, "closed_form")
    ratio = exact_moments(problem, other)[1] / variance
    return Known(problem, (one, other), truth, variance, float((mean - exact).square().sum()), ratio)


def cases() -> list[Case]:
    """Return every case: laws over D, N and bias, rare outcomes and estimators of the catalogue over N."""
    return [*_laws(), *_catalogue()]


def _laws() -> Iterator[Case]:
    for law, (_, tail) in laws.LAWS.items():
        for dim, spectrum in ((1, "flat"), (10, "flat"), (10, "steep"), (100, "steep"), (1_000, "flat")):
            if dim > 10 and law not in ("normal", "exponential"):
                continue
            for N in N_LAWS:
                if N * dim > ENTRIES or (N == N_LAWS[-1] and dim > 1):
                    continue
                places = (0.0, "first"), (3.0, "first"), (10.0, "first"), (3.0, "last")
                for bias, along in places[: 1 if N > 10_000 else 3 if dim == 1 or spectrum == "flat" else 4]:
                    yield Case(law, N, tail=tail, dim=dim, spectrum=spectrum, bias=bias, along=along)


def _catalogue() -> Iterator[Case]:
    coin = "bernoulli_quadratic[target=0.45,logit={}]"
    for logit, tail in ((2, "light"), (-3, "rare"), (-4.6, "rare")):
        for N in N_LAWS[:3]:
            yield Case(coin.format(logit), N, "reinforce", "reinmax", 1, tail)
            yield Case(coin.format(logit), N, "rloo", "reinforce", 2, tail)
    for N in N_LAWS:
        yield Case("normal_square[k=0]", N, "reinforce", "reparameterization", 1, "heavy")
        yield Case("normal_square[k=0]", N, "reparameterization", "reinforce", 1, "medium")
    for N in N_LAWS[:3]:
        yield Case("polynomial[classes=3,degree=3,dim=3]", N, "straight_through", "reinmax", 1, "light")
        yield Case("polynomial[classes=3,degree=3,dim=3]", N, "rloo", "reinforce", 2, "light")
