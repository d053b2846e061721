"""D independent von Mises variables: angles."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import InputError
from ..noise import Noise
from ._quadrature import ray_rule, split, unit_rule
from ._rows import Rows, checked_positive, checked_rows

MOST = {torch.float64: 1e8, torch.float32: 1e4}  # a concentration at which the angle's spread meets its rounding
_PANELS, _STEPS = 64, 5


@dataclass(frozen=True, eq=False)
class VonMises(Rows):
    """Independent angles in [-pi, pi), p(x) = exp(k cos(x - m)) / (2 pi I_0(k)), with gradients in m and k.

    Angles are wrapped: the pathwise derivative is that of costs that are continuous on the circle, f(-pi) = f(pi).

    Args:
        loc_concentration: floating tensor [*B, 2, D], m = loc_concentration[..., 0, :],
            k = loc_concentration[..., 1, :] in (0, 1e8], in (0, 1e4] for float32.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    loc_concentration: Tensor
    family: ClassVar[str] = "von_mises"

    def __post_init__(self) -> None:
        given = self.loc_concentration
        checked_rows("VonMises", "loc_concentration", given, ("loc", "concentration"))
        checked_positive("VonMises", "loc_concentration", "a concentration", self.concentration)
        most = float(self.concentration.detach().max())
        if most > MOST[given.dtype]:
            raise InputError(
                f"VonMises(loc_concentration): got a concentration of {most:g}; at most {MOST[given.dtype]:g} is told "
                "from a point, take a Normal"
            )

    @property
    def theta(self) -> Tensor:
        """Locations and concentrations [*B, 2, D]."""
        return self.loc_concentration

    @property
    def loc(self) -> Tensor:
        """m [*B, D]."""
        return self.loc_concentration[..., 0, :]

    @property
    def concentration(self) -> Tensor:
        """k [*B, D]."""
        return self.loc_concentration[..., 1, :]

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return m + F^-1(u), wrapped to [-pi, pi) [N, S, *B, D]."""
        u = noise.uniform(S, *self.loc.shape)
        y = angle(self.concentration.detach(), torch.minimum(u, 1 - u))
        return _wrapped(self.loc + torch.where(u < 0.5, -y, y))

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d k (cos(x - m) - 1) - log(2 pi exp(-k) I_0(k)) [..., *B]."""
        k = self.concentration
        return (-2 * k * torch.sin((x - self.loc) / 2).square() - (2 * math.pi * torch.special.i0e(k)).log()).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """Return k sin(x - m) and cos(x - m) - I_1(k) / I_0(k) [..., *B, 2, D]."""
        y, k = x - self.loc, self.concentration
        return torch.stack([k * torch.sin(y), short_of_one(k) - 2 * torch.sin(y / 2).square()], -2)

    def pathwise(self, x: Tensor, v: Tensor) -> Tensor:
        """Return (dx/dtheta)^T v = (v, v dy/dk), y = x - m, dy/dk by the implicit rule [..., *B, 2, D]."""
        return torch.stack([v, v * concentration_derivative(self.concentration, _wrapped(x - self.loc))], -2)


def _wrapped(x: Tensor) -> Tensor:
    """Return the angle in [-pi, pi); those that lie there already to the bit."""
    inside = (x >= -math.pi) & (x < math.pi)
    return torch.where(inside, x, torch.remainder(x + math.pi, 2 * math.pi) - math.pi)


def short_of_one(k: Tensor) -> Tensor:
    """Return 1 - I_1(k) / I_0(k)."""
    return 1 - torch.special.i1e(k) / torch.special.i0e(k)


def angle(k: Tensor, q: Tensor) -> Tensor:
    """Return y in [0, pi] with P(Y > y) = q for k [*B, D] and q [N, S, *B, D] in (0, 1/2].

    The tail is tabulated at the edges of panels, a seventh of a standard deviation wide, and within one found by
    Newton steps on its logarithm. Beyond nine standard deviations lies less than the smallest q.
    """
    flat_k, flat_q = k.double().reshape(-1, 1), q.double().reshape(-1, k.numel()).T.contiguous()  # [R, 1], [R, Q]
    norm = 2 * math.pi * torch.special.i0e(flat_k)

    def density(y: Tensor) -> Tensor:
        return (-2 * flat_k * torch.sin(y / 2).square()).exp_() / norm

    def mass(low: Tensor, high: Tensor) -> Tensor:
        return (high - low) * torch.stack([w * density(low + s * (high - low)) for s, w in unit_rule(8)]).sum(0)

    most = 2 * torch.asin((4.5 / flat_k.sqrt()).clamp(max=1))
    edges = most * torch.linspace(1, 0, _PANELS + 1, dtype=torch.float64, device=k.device)  # falling: tails rise
    tails = torch.cat([torch.zeros_like(most), mass(edges[:, 1:], edges[:, :-1]).cumsum(-1)], -1)
    tails = tails * (0.5 / tails[:, -1:])
    panel = torch.searchsorted(tails, flat_q).clamp(1, _PANELS)
    low, high = edges.gather(1, panel), edges.gather(1, panel - 1)
    inside, beyond = flat_q, tails.gather(1, panel - 1)
    full = tails.gather(1, panel) - beyond
    y = high - (high - low) * (inside - beyond) / full
    for _ in range(_STEPS):
        tail = beyond + mass(y, high)
        step = (tail / flat_q).log() * tail / density(y)
        y = torch.minimum(torch.maximum(y + step, low), high)
    return y.T.reshape(q.shape).to(q.dtype)


def concentration_derivative(k: Tensor, y: Tensor) -> Tensor:
    """Return dy/dk of an angle y about 0 at a fixed uniform, to 1e-10 for k up to 1e4."""
    k, size = torch.broadcast_tensors(k.double(), y.double().abs())
    inner = size < (1 / k.sqrt()).clamp(max=1.0)
    return (y.sign() * split(inner, _from_zero, _to_pi, k, size)).to(y.dtype)


def _from_zero(k: Tensor, y: Tensor) -> Tensor:
    """Return minus the integral over (0, y) of p / p(y) times the score in k, which is 0 over (0, pi)."""
    total, missing = torch.zeros_like(y), short_of_one(k)
    for s, w in unit_rule():
        ratio = 2 * k * torch.sin(y * ((1 + s) / 2)) * torch.sin(y * ((1 - s) / 2))  # k (cos t - cos y), t = s y
        total -= w * ratio.exp_() * (missing - 2 * torch.sin(y * (s / 2)).square())
    return total * y


def _to_pi(k: Tensor, y: Tensor) -> Tensor:
    """Return the integral over (y, pi) of p / p(y) times the score in k; pi - t = (pi - y) exp(-l)."""
    far, missing = math.pi - y, short_of_one(k)
    length = 1 / (1 + far * (k * torch.sin(y) + k.sqrt()))
    total = torch.zeros_like(y)
    for r, w in ray_rule():
        fall = length * r
        gone = -far * torch.expm1(-fall)  # t - y
        ratio = -2 * k * torch.sin(y + gone / 2) * torch.sin(gone / 2) - fall
        total += w * ratio.exp_() * (missing - 2 * torch.sin((y + gone) / 2).square())
    return total * length * far
