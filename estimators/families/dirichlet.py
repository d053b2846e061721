"""D independent points of a simplex."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import InputError
from ..node import checked_theta
from ..noise import Noise
from ._rows import checked_finite, checked_positive
from .beta import first_derivative
from .gamma import least_shape, standard_gamma


@dataclass(frozen=True, eq=False)
class Dirichlet:
    """Independent Dirichlet variables, p(x_d) proportional to prod_k x_dk^(a_dk - 1) on the simplex.

    Args:
        concentration: a, floating tensor [*B, D, K], K >= 2. Below 0.0196 (float64) or 0.159 (float32) more than 1e-6
            of the mass is smaller than the smallest number: refused.

    Raises:
        TypeError, InputError: if it is no such tensor.
    """

    concentration: Tensor
    family: ClassVar[str] = "dirichlet"

    def __post_init__(self) -> None:
        given = self.concentration
        checked_theta("Dirichlet", "concentration", given, "[*B, D, K]", 2)
        checked_finite("Dirichlet", "concentration", given)
        if given.shape[-1] < 2:
            raise InputError(
                f"Dirichlet(concentration): got shape {list(given.shape)}; K, its last, must be at least 2"
            )
        checked_positive("Dirichlet", "concentration", "a concentration", given, least_shape(given.dtype))

    @property
    def theta(self) -> Tensor:
        """The concentration [*B, D, K]."""
        return self.concentration

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """*B."""
        return tuple(self.concentration.shape[:-2])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """[D, K]."""
        return tuple(self.concentration.shape[-2:])

    def with_theta(self, theta: Tensor) -> "Dirichlet":
        """Return the node at another concentration."""
        return Dirichlet(theta)

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return g / sum g [N, S, *B, D, K], g independent Gamma variables by inversion; never 0."""
        g = standard_gamma(self.concentration, noise.uniform(S, *self.concentration.shape))
        g = g / g.amax(-1, keepdim=True)  # so that no sum of small numbers loses digits
        return (g / g.sum(-1, keepdim=True)).clamp(min=torch.finfo(g.dtype).tiny)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return sum_d log Gamma(sum_k a) + sum_k (a - 1) log x - log Gamma(a) [..., *B]."""
        a = self.concentration
        return (torch.lgamma(a.sum(-1)) + ((a - 1) * x.log() - torch.lgamma(a)).sum(-1)).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """Return log x - digamma(a) + digamma(sum_k a) [..., *B, D, K]."""
        a = self.concentration
        return x.log() - torch.digamma(a) + torch.digamma(a.sum(-1, keepdim=True))

    def pathwise(self, x: Tensor, v: Tensor) -> Tensor:
        """Return (dx/dtheta)^T v, by the implicit rule along one share at a time [..., *B, D, K].

        x_k is a Beta(a_k, sum of the other a) variable and the others divide 1 - x_k independently of it, so that
        dx_j/da_k = (1[j = k] - x_j) / (1 - x_k) dx_k/da_k.
        """
        a = self.concentration
        rest = _sum_of_the_others(x)
        dx = first_derivative(a, _sum_of_the_others(a), x, rest)
        return dx / rest * (v - (v * x).sum(-1, keepdim=True))


def _sum_of_the_others(x: Tensor) -> Tensor:
    """Return sum_j x_j - x_k for each k without cancellation, as sums from both ends."""
    zero = torch.zeros_like(x[..., :1])
    before = torch.cat([zero, x[..., :-1].cumsum(-1)], -1)
    after = torch.cat([x.flip(-1)[..., :-1].cumsum(-1).flip(-1), zero], -1)
    return before + after
