"""The derivative of a Gamma law in its concentration, split into a positive and a negative half.

d_a p(y) = p(y) (log y - digamma(a)) changes sign at y_0 = exp(digamma(a)). With g(y) = -d_a P(a, y), which is
p(y) dy/da at a fixed uniform, rises from 0 to its peak at y_0 and falls to 0 again, the halves are two laws:

    P(Y- < y) = g(y) / g(y_0) for y < y_0,    P(Y+ > y) = g(y) / g(y_0) for y > y_0,    d_a p = g(y_0) (p+ - p-).

Both are sampled by inverting the two branches of g.
"""

import torch
from torch import Tensor

from ._quadrature import shape_derivative

NEWTON_STEPS = 40  # at most; four to nine are taken
SIDE_BY_SIDE = 2**15  # numbers of the quadrature that are held at once
NEAR, ROUNDING = 1e-7, 1e-14  # of the logarithm of the level: where the step that was just taken is the last one needed


def peak(a: Tensor) -> Tensor:
    """Return g(y_0) = -d_a P(a, y_0), the mass of each half [...], in float64."""
    a = a.double()
    log_y = torch.digamma(a)
    return torch.exp((a - 1) * log_y - log_y.exp() - torch.lgamma(a)) * shape_derivative(a, log_y.exp(), SIDE_BY_SIDE)


def halves(a: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Return y+ and y- [...] of one uniform u, both increasing in it, in the dtype of u and never 0.

    y- is where g reaches u g(y_0) below y_0, and y+ where it is down to (1 - u) g(y_0) above: each has its law, and
    of all pairs with these laws this one lies closest together.
    """
    least = torch.finfo(u.dtype).tiny
    a, level = torch.broadcast_tensors(a.detach().double(), u.double())
    positive, negative = _branch(a, torch.log1p(-level), 1.0), _branch(a, level.log(), -1.0)
    return positive.to(u.dtype).clamp(min=least), negative.to(u.dtype).clamp(min=least)


def _branch(a: Tensor, log_level: Tensor, sign: float) -> Tensor:
    """Return y on one side of y_0, above for sign 1, with log g(y) = log g(y_0) + log_level.

    By Newton's method in d = |log y - log y_0|: the halves are log-concave in log y, so log g is concave there, and
    from the second step on the iterates come down to the root without crossing it.
    """
    centre = torch.digamma(a)
    y_0 = centre.exp()
    g_0 = shape_derivative(a, y_0, SIDE_BY_SIDE).log()
    lowest = torch.log(torch.tensor(torch.finfo(a.dtype).tiny, dtype=a.dtype)) - centre
    d = (-2 * log_level * (g_0.exp() / y_0)).sqrt()  # the parabola at the peak: (log g)'' = -y_0 / (dy/da)
    if sign > 0:  # far out the tail is that of exp(-y)
        d = torch.minimum(d, torch.log1p(((-2 * a * log_level).sqrt() - log_level) / y_0))
    for _ in range(NEWTON_STEPS):
        move = (sign * d).clamp(min=lowest)
        y = y_0 * move.exp()
        dy = shape_derivative(a, y, SIDE_BY_SIDE)
        rise = (a - 1) * move - y_0 * torch.expm1(move) + dy.log() - g_0 - log_level
        step = rise * dy / (d * y)
        d = torch.maximum(d + step, d / 4)
        beyond = (move == lowest) & (rise > 0)
        if (beyond | (rise.abs() <= NEAR * log_level.abs() + ROUNDING * (1 + a.sqrt()))).all():
            break
    return y_0 * (sign * d).clamp(min=lowest).exp()
