"""What an estimator's mean aims at, where that is not grad E f(x): declared beside it, read by the harness.

An estimator of target ``relaxed`` declares nothing: it aims at grad E f(y), y its own points. The others have a
function ``target_law(node, **config)`` that returns one of the laws below; no estimate is computed with them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_REACH = 6.5  # of a Normal step, in standard deviations: the mass beyond is 8e-11
_SPACING = 0.5  # at which the trapezoidal rule for a smooth function under a Normal law is exact to rounding
_OFFSET = 0.1237  # of the spacing: no node where a scale is moved to 0
_ORDER = 16


@dataclass(frozen=True)
class Mean:
    """grad_theta E f(x) for independent variables x_d of this mean [*B, *event], differentiable in theta.

    A mean that is the node's own ``probs`` object says that the law is the node's own.
    """

    value: Tensor


@dataclass(frozen=True)
class Chances:
    """grad_theta sum_m P_m f(x_m) over the node's outcomes, P [M, *B] differentiable in theta."""

    value: Tensor


@dataclass(frozen=True)
class Rule:
    """A finite rule for one step: E g(step) = sum_q w_q g(s_q)."""

    points: Tensor  # [Q]
    weights: Tensor  # [Q], summing to 1


@dataclass(frozen=True)
class Steps:
    """E dL/dtheta_j at theta + step, L = E f(x): the step along j by one rule, the independent ones along the others by
    another. Where the two are one law this is the gradient of one smoothed L.
    """

    own: Rule
    others: Rule


def gaussian(sigma: float) -> Rule:
    """Return the trapezoidal rule for N(0, sigma^2)."""
    spacing = _SPACING / max(1.0, sigma)
    z = torch.arange(-_REACH, _REACH + spacing, spacing, dtype=torch.float64) + _OFFSET * spacing
    w = torch.exp(-z.square() / 2)
    return Rule(sigma * z, w / w.sum())


def uniform(reach: float) -> Rule:
    """Return the Gauss-Legendre rule for U(-reach, reach)."""
    x, w = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(_ORDER))
    return Rule(reach * x, w / 2)


def signs(reach: float) -> Rule:
    """Return the law of +-reach with probability 1/2 each."""
    return Rule(torch.tensor([-reach, reach], dtype=torch.float64), torch.full((2,), 0.5, dtype=torch.float64))


def top_law(logits: Tensor, members: Tensor, sigma: float, law: str) -> Tensor:
    """Return P(the largest of logits + sigma e are these members), exactly, for independent e.

    P(S) = integral over t of (d/dt prod_{j not in S} F_j(t)) prod_{i in S} (1 - F_i(t)), F_i the distribution function
    of logit i with its noise: one integral for any number of items.

    Args:
        logits: [..., n]; -inf is an item that is never chosen.
        members: M sets of equal size, as rows of 0 and 1 [M, n].
        sigma: scale of the noise.
        law: of e, "gumbel" or "gaussian".

    Returns:
        [M, ...], differentiable in the logits.
    """
    there = torch.isfinite(logits)
    low, high = (float(end) for end in logits.detach()[there].aminmax())
    t = torch.arange(low - 9 * sigma, high + 40 * sigma, sigma / 8, dtype=torch.float64, device=logits.device)
    u = (t.reshape(-1, *(1,) * logits.ndim) - torch.where(there, logits.double(), low - 600 * sigma)) / sigma
    if law == "gumbel":
        E = torch.exp(-u)
        log_F, log_rest, rate = -E, torch.log(-torch.expm1(-E)), E  # [T, ..., n]
    else:
        log_F, log_rest = torch.special.log_ndtr(u), torch.special.log_ndtr(-u)
        rate = torch.exp(-u.square() / 2 - log_F) / math.sqrt(2 * math.pi)
    chosen = members.to(u)
    log_survival = torch.einsum("t...n,mn->mt...", log_F, 1 - chosen) + torch.einsum(
        "t...n,mn->mt...", log_rest, chosen
    )
    growth = torch.einsum("t...n,mn->mt...", rate, 1 - chosen)
    return (growth * log_survival.exp()).sum(1) / 8
