"""The way of a block of draws: torch forms, kernels in place of a half, or one kernel from noise to gradient."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from typing import cast

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.estimator import Estimator
from ..estimators.families.bernoulli import Bernoulli
from ..estimators.families.categorical import Categorical
from ..estimators.families.normal import Normal
from ..estimators.kernels.registry import Kernels, kernels_of
from ..estimators.kernels.table import CostTable, Polynomial
from ..estimators.noise import PhiloxNoise
from .problem import Problem
from .records import PATHS

MAX_TABLE = 2**22  # numbers of a cost as data
HAS_KERNELS = find_spec("numba") is not None  # a minimal installation measures by torch forms, on numpy's noise


def noise_of(problem: Problem, seed: int, block: int, rows: int) -> PhiloxNoise:
    """Return the noise of a block: the kernels', for every estimator, so that all meet the same numbers."""
    theta = problem.node.theta
    if not HAS_KERNELS:
        return PhiloxNoise(seed, problem.name, block, rows, theta.dtype, theta.device)
    from ..estimators.kernels.noise import KernelNoise

    return KernelNoise(seed, problem.name, block, rows, theta.dtype, theta.device)


def kernels(problem: Problem, estimator: Estimator, fastest: str = PATHS[-1]) -> Kernels:
    """Return the kernels that an estimator takes on a problem.

    Args:
        problem: whose node is on a CPU, in float32 or float64, or there are none.
        estimator: known by its two functions.
        fastest: the path beyond which none is taken, of ``PATHS``.
    """
    theta = problem.node.theta
    if fastest == "torch" or not HAS_KERNELS or theta.device.type != "cpu":
        return Kernels()
    if theta.dtype not in (torch.float32, torch.float64):
        return Kernels()
    found = kernels_of(estimator.sample, estimator.combine, problem.node.family)
    if found.fused and (fastest != "fused" or cost_table(problem) is None):
        found = replace(found, fused=None, summed=None)
    return found


def has_strips(problem: Problem, estimator: Estimator) -> bool:
    """Whether an estimator takes each draw from its own numbers alone, so that a strip of a block is a block.

    Those with kernels do, in their torch forms too; others may look at a block as a whole, or draw by rejection. Other
    devices than a CPU get whole blocks: they have no cache to stay in, and more to do at once.
    """
    if not HAS_KERNELS or problem.node.theta.device.type != "cpu":
        return False
    found = kernels_of(estimator.sample, estimator.combine, problem.node.family)
    return found.combine is not None or found.fused is not None


def path_of(found: Kernels) -> str:
    """Return the name of the path that these kernels make."""
    return "fused" if found.fused else "split" if found.sample or found.combine else "torch"


@lru_cache(maxsize=4)
def cost_table(problem: Problem) -> CostTable | Polynomial | None:
    """Return a separable cost as data: its terms, and the slopes of their sum, at every outcome of every variable.

    On Normal variables it is a polynomial, by its coefficients. None for other costs, a batch of discrete nodes, a cost
    that is not finite there, one too large to tabulate, and one that ``must_be_called`` (it counts its calls).
    """
    node = problem.node
    if problem.coefficients is not None and not getattr(problem.cost, "must_be_called", False):
        return _polynomial(problem)
    if problem.terms is None or getattr(problem.cost, "must_be_called", False):
        return None
    if not isinstance(node, Bernoulli | Categorical) or node.batch_shape:
        return None
    from ..estimators.kernels.lookup import every_outcome

    J = 2 if isinstance(node, Bernoulli) else node.theta.shape[-1]
    if J * node.theta.numel() > MAX_TABLE:
        return None
    x = every_outcome(node)
    try:
        values, slopes = _evaluated(problem, x)
    except InputError:
        return None  # the cost itself says better what is wrong with it
    return CostTable(values.T.contiguous(), None if slopes is None else slopes.transpose(0, 1).contiguous())


def _polynomial(problem: Problem) -> Polynomial:
    """Return a cost by its coefficients, held against the cost itself within three deviations of the locations.

    Raises:
        InputError: if they are not those of the cost.
    """
    assert problem.coefficients is not None
    node = cast(Normal, problem.node)
    steps = torch.linspace(-3, 3, 13, dtype=node.theta.dtype).reshape(-1, *(1,) * node.loc.ndim)
    x = node.loc.detach() + node.scale.detach() * steps
    found = Polynomial(problem.coefficients.detach())
    off, size = (problem.cost(x) - found.at(x)).abs().max(), found.largest(x.abs())[0]
    if not off <= 64 * torch.finfo(x.dtype).eps * size:
        raise InputError(
            f"problem '{problem.name}': its coefficients are not its cost's, off by {float(off):.3g} of {size:.3g}; "
            "mend them or leave them out"
        )
    return found


def _evaluated(problem: Problem, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the terms [J, V] and the slopes of their sum [J, V, w] at points x [J, *event].

    Raises:
        InputError: if they are not finite, or f is not their sum there.
    """
    assert problem.terms is not None
    wants = problem.smooth != "no"
    with torch.set_grad_enabled(wants):
        x = x.clone().requires_grad_(wants)
        terms = problem.terms(x)
        slopes = torch.autograd.grad(terms.sum(), x)[0].reshape(*terms.shape, -1) if wants else None
    finite = torch.isfinite(terms).all() and (slopes is None or torch.isfinite(slopes).all())
    if not finite or terms.shape != x.shape[:2]:
        raise InputError(f"the terms of '{problem.name}' are no table")
    return terms.detach(), slopes
