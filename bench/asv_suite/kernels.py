"""What the benchmarks run, bound to the varbench under test; what it lacks is skipped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

SIZES = ("small", "large")
ROWS = {"small": 4096, "large": 128}  # gradient draws of one call
SEEDS = range(8)  # of the seeded variances
NUM_DRAWS = 4096  # behind each of them
ROUNDS = 15  # of the product of variance and seconds
TEMPERATURE = 0.5  # and any other parameter that must be given
PROBLEMS = {  # by family, the first that an estimator is defined on
    "categorical": {"small": "polynomial[classes=3,dim=4]", "large": "digits_vae"},
    "bernoulli": {"small": "bernoulli_quadratic[dim=4]", "large": "bernoulli_quadratic[dim=200]"},
    "normal": {"small": "normal_square", "large": "normal:128"},
    "gamma": {"small": "gamma_square[dim=4]", "large": "gamma_square[dim=32]"},
    "poisson": {"small": "poisson_square[dim=4]", "large": "poisson_square[dim=32]"},
    "subset": {"small": "subset_square", "large": "subset_square[k=4,n=32]"},
}
OF_OBJECTIVES = {  # of estimators that are for these alone
    "elbo": {"small": "gaussian_elbo[dim=4]", "large": "gaussian_elbo[dim=128]"},
    "iwae": {"small": "gaussian_iwae", "large": "gaussian_iwae[dim=128,particles=8]"},
}


@contextmanager
def skipping() -> Iterator[None]:
    """Turn what the commit under test lacks (a module, an estimator, a problem) into asv's sign for a skip."""
    try:
        yield
    except (ImportError, AttributeError) as error:
        raise NotImplementedError(f"not in this commit: {error}") from error
    except ValueError as error:
        if "unknown" in str(error) or type(error).__name__ == "NotApplicable":
            raise NotImplementedError(f"not in this commit: {error}") from error
        raise


def problems_of(facts: Any) -> dict[str, str]:
    """Return the problems by size on which an estimator is timed; none for a family that is not listed here.

    Args:
        facts: its entry in the catalogue.
    """
    if facts.objectives[0] in OF_OBJECTIVES:
        return OF_OBJECTIVES[facts.objectives[0]]
    return next((sizes for family, sizes in PROBLEMS.items() if family in facts.families), {})


@dataclass(frozen=True)
class Kernel:
    """One estimator on one problem: ``draws()`` computes a block of gradient draws.

    Args:
        draws: noise, sample, cost and combine of one block.
        rows: how many draws it holds.
    """

    draws: Callable[[], Any]
    rows: int


def kernel(facts: Any, size: str) -> Kernel:
    """Return the block of draws of an estimator, ready to be run.

    Raises:
        NotImplementedError: if the commit under test lacks the estimator or the problem.
    """
    one_thread()
    with skipping():
        from varbench.bench.draws import request

        try:
            from varbench.bench.blocks import run_block
        except ImportError:  # commits from before the kernels
            from varbench.bench.draws import run_block  # type: ignore[attr-defined,no-redef]

        bound = problem(problems_of(facts)[size])
        estimator, full = configured(facts)
        one = request(bound, estimator, full, None)
        if getattr(estimator, "fit", None) is not None:
            from varbench.bench.fitting import fitted

            one = fitted(bound, one, 0)
    rows = 1 if facts.deterministic else ROWS[size]
    return Kernel(lambda: drawn(run_block(bound, [one], 0, 0, rows)), rows)


def drawn(block: Any) -> Any:
    """Return a block that has drawn: later commits do so strip by strip, when asked."""
    for _ in getattr(block, "strips", tuple)():
        pass
    return block


def configured(facts: Any) -> tuple[Any, dict[str, Any]]:
    """Return the estimator of the commit under test with its full configuration."""
    from varbench.bench.resolve import estimator_of

    return estimator_of(facts.name, **required(facts))


def required(facts: Any) -> dict[str, Any]:
    """Return the parameters that must be given."""
    return {name: TEMPERATURE for name, default in facts.config.items() if default is None}


def problem(name: str) -> Any:
    """Return a problem of the commit under test, its truth left out where draws do not need it."""
    from varbench.bench.resolve import problem_of

    if not name.startswith("normal:"):
        return problem_of(name)
    import torch

    from varbench.bench.problem import Problem
    from varbench.estimators.families.normal import Normal

    D = int(name.removeprefix("normal:"))
    return Problem(name, Normal(torch.ones(2, D, dtype=torch.float64)), lambda x: x.square().sum(-1))


def variances(facts: Any, seeds: Sequence[int] = SEEDS) -> list[float]:
    """Return the variance of one draw on the small problem, once for each seed: the same numbers in every run.

    Raises:
        NotImplementedError: if the commit under test lacks the estimator or the problem.
    """
    with skipping():
        from varbench.bench.measure import measure

        bound = problem(problems_of(facts)["small"])
        configured(facts)
    measured: list[Any] = [
        measure(bound, facts.name, num_draws=NUM_DRAWS, seed=seed, timing=False, **required(facts)) for seed in seeds
    ]
    return [float(one.variance) for one in measured]


def seconds(one: Kernel) -> list[float]:
    """Return the seconds of one draw, once for each round after a first, untimed one."""
    one.draws()
    found = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        one.draws()
        found.append((time.perf_counter() - started) / one.rows)
    return found


def moments(size: str) -> Callable[[], Any]:
    """Return the sums over a block of draws, of 12 entries (small) or 2,048 (large)."""
    one_thread()
    with skipping():
        import torch

        from varbench.bench.moments import Frame

        try:
            from varbench.bench.block_sums import block_moments
        except ImportError:  # older commits
            from varbench.bench.moments import block_moments  # type: ignore[attr-defined,no-redef]
    rows, n = {"small": (4096, 12), "large": (512, 2048)}[size]
    draws = torch.randn(rows, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    frame = Frame(draws.mean(0), torch.zeros(n, dtype=torch.float64), rows, 128)
    return lambda: block_moments(draws, frame, 0)


def enumeration(size: str) -> Callable[[], Any]:
    """Return the exact gradient by a sum over all outcomes, 6,561 (small) or 65,536 of the digits' model (large)."""
    one_thread()
    with skipping():
        from varbench.bench.exact import truth

        bound = problem({"small": "polynomial[classes=3,dim=8]", "large": "digits_vae"}[size])
    joint = replace(bound, terms=None)
    return lambda: truth(joint)


def factorized_enumeration(size: str) -> Callable[[], Any]:
    """Return the exact gradient of a separable cost, factor by factor, 8 of them (small) or 1,000 (large)."""
    one_thread()
    with skipping():
        from varbench.bench.exact import truth

        bound = problem({"small": "polynomial[classes=3,dim=8]", "large": "polynomial[classes=10,dim=1000]"}[size])
    return lambda: truth(bound)


def one_thread() -> None:
    """Give torch one thread, whatever the environment says."""
    with skipping():
        import torch
    torch.set_num_threads(1)
