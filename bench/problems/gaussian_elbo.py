"""The ELBO of a Gaussian model whose posterior is known."""

import math

import torch
from torch import Tensor

from ...estimators.families.normal import Normal
from ..problem import Problem

OBSERVED, NOISE_SQ = 1.0, 1.0
MEAN = OBSERVED / (1 + NOISE_SQ)  # m of the posterior
VARIANCE = NOISE_SQ / (1 + NOISE_SQ)  # v


def problem(name: str, *, dim: int, shift: float, stretch: float) -> Problem:
    """Return f(x) = -log p(x, y) of x ~ N(0, I), y ~ N(x, I) at y = 1, with q = N(m + shift, stretch^2 v) on each axis.

    The posterior is N(m, v) with m = v = 1/2. -ELBO = KL(q | posterior) - log p(y), with gradient (mu - m) / v in the
    location and sigma / v - 1 / sigma in the scale: 0 at shift=0,stretch=1, where f + log q is constant.
    Source: the closed form; Roeder et al. 2017 (1703.09194) for what happens at the posterior.
    """
    loc, scale = shift / VARIANCE, (stretch - 1 / stretch) / math.sqrt(VARIANCE)  # to the digit 0 at the posterior
    exact = torch.tensor([[loc], [scale]], dtype=torch.float64).expand(2, dim)
    return Problem(name, guide(dim, shift, stretch), minus_log_joint, exact_grad=exact, objective="elbo")


def guide(dim: int, shift: float, stretch: float) -> Normal:
    """Return q."""
    ones = torch.ones(dim, dtype=torch.float64)
    return Normal(torch.stack([(MEAN + shift) * ones, stretch * math.sqrt(VARIANCE) * ones]))


def minus_log_joint(x: Tensor) -> Tensor:
    """Return -log p(x, y) in nats."""
    misfit = (OBSERVED - x).square() / NOISE_SQ + math.log(NOISE_SQ)
    return (x.square() + misfit + 2 * math.log(2 * math.pi)).sum(-1) / 2
