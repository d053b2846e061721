"""Derivatives of samples, by quadrature of the score against the density.

At a fixed uniform u, a sample x = F^-1(u; a) moves by dx/da = -(dF/da)(x) / p(x) (Figurnov et al. 2018, 1805.08498),
and dF/da is the integral of p times the score from an end of the support to x. The ratio of densities p(t) / p(x) is
integrated instead of p, so that nothing underflows far out, from the end nearer to x, so that nothing cancels.

Rules are short and their nodes are looped over: the memory is that of x, whatever the number of nodes. All is float64.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor


@cache
def ray_rule() -> tuple[tuple[float, float], ...]:
    """Return (r, weight) of the exp-sinh rule on (0, infinity), for integrands that decay over a length of about 1."""
    step, rule = 1 / 24, []
    for i in range(round(-4.0 / step), round(4.0 / step) + 1):
        t = i * step
        r = math.exp(math.pi / 2 * math.sinh(t))
        rule.append((r, step * math.pi / 2 * math.cosh(t) * r))
    return tuple(rule)


@cache
def unit_rule(order: int = 32) -> tuple[tuple[float, float], ...]:
    """Return (s, weight) of the Gauss-Legendre rule on (0, 1), for integrands without a singularity near."""
    s, w = np.polynomial.legendre.leggauss(order)
    return tuple(zip(((s + 1) / 2).tolist(), (w / 2).tolist(), strict=True))


def split(mask: Tensor, one: Callable[..., Tensor], other: Callable[..., Tensor], *arguments: Tensor) -> Tensor:
    """Return what ``one`` gives where the mask holds and what ``other`` gives elsewhere, each computed there alone."""
    mask, *wide = torch.broadcast_tensors(mask, *arguments)
    result = torch.empty_like(wide[0])
    for function, part in ((one, mask), (other, ~mask)):
        result[part] = function(*(a[part] for a in wide))
    return result


def shape_derivative(a: Tensor, y: Tensor, at_once: int = 1) -> Tensor:
    """Return dy/da of a Gamma(a, 1) variable y at a fixed uniform, to 1e-10.

    With t = y exp(l) it is sign y times the integral over sign l in (0, infinity) of p(t) t / (p(y) y)
    (log t - digamma(a)) = exp(a l - y (exp(l) - 1)) (log y + l - digamma(a)), l negative below the mean.
    Where y is short, as many nodes are taken side by side as make no more than ``at_once`` numbers.
    """
    dtype = y.dtype
    a, y = torch.broadcast_tensors(a.double(), y.double())
    sign = torch.where(y < a, -1.0, 1.0).to(y)
    length = sign / ((y - a).abs() + torch.maximum(a, y).sqrt())  # over which the integrand falls by about e
    total, s_y = torch.zeros_like(y), y.log() - torch.digamma(a)
    rule = torch.tensor(ray_rule(), dtype=y.dtype, device=y.device).reshape(-1, 2, *(1,) * y.ndim)
    for part in rule.split(max(1, at_once // max(1, y.numel()))):
        r, w = part.unbind(1)
        rise = length * r
        total += (w * (a * rise - y * torch.expm1(rise)).exp_() * (s_y + rise)).sum(0)
    return (total * length * y).to(dtype)
