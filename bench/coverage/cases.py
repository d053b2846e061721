"""What is repeated: laws of draws, and catalogued estimators whose variance is exact."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from ..draws import Request, request
from ..exact import Truth
from ..problem import Problem
from ..resolve import estimator_of
from ..resolve import problem_of as catalogued
from . import laws
from .exact import exact_moments

SMALL = (200, 1_000, 10_000)  # numbers of draws; a few cases take more
_POLYNOMIAL = "polynomial[classes=3,degree=3,dim=3]"


@dataclass(frozen=True)
class Case:
    """One measurement that is repeated, in literals.

    Args:
        what: a law of draws, or a catalogued problem.
        num_draws: N; the cap of draws where a precision is asked for.
        estimator: of a catalogued problem; '' for a law.
        partner: the estimator that it is compared with; '' for a law, which brings its own.
        num_samples: S of both.
        tail: light, medium, heavy or rare.
        dim: D of a law.
        spectrum: flat or steep, of a law.
        bias: of a law, in standard errors sqrt(variance / N) of the mean.
        along: the coordinate that is biased, first (widest) or last.
        paired: whether the interval of a ratio is repeated too, to a partner on common noise.
        precision: drawn until the variance is known to this share of it; 0 for a fixed number of draws.
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
    paired: bool = False
    precision: float = 0.0

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
        requests: what is measured, and where paired what it is compared with.
        truth: the gradient that bias is taken from.
        variance: exact, of one draw.
        bias_sq: exact.
        ratio: exact variance of the partner over the exact one, None without a partner.
    """

    problem: Problem
    requests: Sequence[Request]
    truth: Truth
    variance: float
    bias_sq: float
    ratio: float | None


def known(case: Case) -> Known:
    """Return a case with its exact values."""
    return _of_catalogue(case) if case.estimator else _of_law(case)


def _of_law(case: Case) -> Known:
    problem = laws.problem_of(case.name, case.dim)
    variance = float(laws.scales(case.dim, case.spectrum).square().sum())
    bias = torch.zeros(case.dim, dtype=torch.float64)
    bias[0 if case.along == "first" else -1] = case.bias * math.sqrt(variance / case.num_draws)
    one, other = laws.pair_of(case.what, case.spectrum, bias)
    requests = [request(problem, law, {}, 1) for law in ((one, other) if case.paired else (one,))]
    truth = Truth(torch.zeros_like(bias), "closed_form")
    return Known(problem, requests, truth, variance, float(bias @ bias), laws.RATIO if case.paired else None)


def _of_catalogue(case: Case) -> Known:
    problem = catalogued(case.what)
    names = (case.estimator, case.partner) if case.paired else (case.estimator,)
    requests = [request(problem, *estimator_of(name), case.num_samples) for name in names]
    (mean, variance), *other = (exact_moments(problem, one) for one in requests)
    exact, _ = exact_moments(problem, request(problem, *estimator_of("reinforce"), 1))
    truth = Truth(exact, "closed_form")
    ratio = other[0][1] / variance if other else None
    return Known(problem, requests, truth, variance, float((mean - exact).square().sum()), ratio)


def cases() -> list[Case]:
    """Return every case: laws over D, N and bias, rare outcomes and estimators of the catalogue over N."""
    return [*_laws(), *_power(), *_catalogue(), *_precision()]


def _laws() -> Iterator[Case]:
    """Yield laws without a bias, paired; then biases, where intervals of bias_sq change their form."""
    for law in laws.LAWS:
        for N in SMALL:
            yield Case(law, N, tail=laws.tail(law), paired=True)
    for law in ("normal", "exponential"):
        tail = laws.tail(law)
        for N in SMALL:
            yield Case(law, N, tail=tail, dim=10, paired=True)
            yield Case(law, N, tail=tail, dim=10, spectrum="steep", paired=True)
            for bias, along in ((3.0, "first"), (3.0, "last"), (10.0, "first"), (10.0, "last")):
                yield Case(law, N, tail=tail, dim=10, spectrum="steep", bias=bias, along=along)
            yield Case(law, N, tail=tail, bias=3.0)
            yield Case(law, N, tail=tail, bias=10.0)
        for N in (200, 1_000):
            yield Case(law, N, tail=tail, dim=100, spectrum="steep", bias=3.0, paired=True)
        yield Case(law, 200, tail=tail, dim=1_000)
    for N in SMALL:
        yield Case("lognormal", N, tail="heavy", dim=10, bias=3.0, paired=True)
    yield Case("normal", 1_000, dim=1_000, bias=3.0)
    for law in ("normal", "lognormal"):
        yield Case(law, 100_000, tail=laws.tail(law))


def _power() -> Iterator[Case]:
    """Yield biases from too small to be seen to plain ones, for the verdict on bias."""
    for dim, spectrum in ((1, "flat"), (10, "flat"), (10, "steep"), (100, "flat")):
        for bias in (1.0, 2.0, 4.0, 6.0):
            yield Case("normal", 1_000, dim=dim, spectrum=spectrum, bias=bias)


def _catalogue() -> Iterator[Case]:
    coin = "bernoulli_quadratic[target=0.45,logit={}]"
    for logit, tail in ((2, "light"), (-3, "rare"), (-4.6, "rare")):
        for N in SMALL:
            yield Case(coin.format(logit), N, "reinforce", tail=tail)
            yield Case(coin.format(logit), N, "rloo", "reinforce", 2, tail, paired=True)
    yield Case(coin.format(-4.6), 100_000, "reinforce", tail="rare")
    for N in SMALL:
        yield Case("normal_square[k=0]", N, "reinforce", "reparameterization", 1, "heavy", paired=True)
        yield Case("normal_square[k=0]", N, "reparameterization", "reinforce", 1, "medium", paired=True)
        yield Case(_POLYNOMIAL, N, "straight_through", "reinmax", 1, paired=True)
        yield Case(_POLYNOMIAL, N, "rloo", "reinforce", 2, paired=True)


def _precision() -> Iterator[Case]:
    """Yield measurements that end by themselves."""
    for law in ("normal", "laplace", "exponential"):
        yield Case(law, 2**17, tail=laws.tail(law), precision=0.05)
    yield Case("normal", 2**17, precision=0.02)
    yield Case("lognormal", 2**15, tail="heavy", precision=0.05)
    yield Case("bernoulli_quadratic[target=0.45,logit=-3]", 2**17, "reinforce", tail="rare", precision=0.05)
