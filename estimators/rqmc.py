"""Randomised quasi-Monte Carlo for the pathwise estimator: Sobol points under a digital shift."""

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from . import reparameterization
from .errors import InputError
from .families.normal import Normal
from .noise import Noise

BITS = 53  # of a float64 in (0, 1)
SOBOL_BITS = 30  # of torch's table


def sample(node: Normal, noise: Noise, S: int) -> Tensor:
    """Return x = mu + sigma Phi^-1(u) [N, S, *B, D], u the first S points of the Sobol sequence in D dimensions.

    Each row and node has a shift of its own: the digits of u are those of the Sobol point, exclusive-or those of one
    uniform vector. Each point is then uniform alone, and every S intervals [j / S, (j + 1) / S) of a coordinate hold
    one point each.

    Raises:
        InputError: if S is no power of two, or for more dimensions than the sequence is tabled for.
    """
    if S & (S - 1) or S < 1:
        raise InputError(f"num_samples={S}: 'rqmc' needs a power of two, e.g. {1 << S.bit_length()}")
    D = node.event_shape[0]
    if D > SobolEngine.MAXDIM:
        raise InputError(f"a normal node of {D} dimensions: 'rqmc' has Sobol points up to {SobolEngine.MAXDIM}")
    shift = noise.uniform(1, *node.loc.shape).double().mul(2.0**BITS).long()  # [N, 1, *B, D]
    table = SobolEngine(D).draw(S, dtype=torch.float64).mul(2.0**SOBOL_BITS).long() << (BITS - SOBOL_BITS)
    table = table.to(shift.device).reshape(S, *(1,) * len(node.batch_shape), D)
    u = ((shift ^ table).double() + 0.5) / 2.0**BITS
    return node.loc + node.scale * torch.special.ndtri(u.clamp(max=1 - 2.0**-BITS)).to(node.loc.dtype)


def combine(node: Normal, noise: Noise, x: Tensor, values: Tensor | None, slopes: Tensor) -> Tensor:
    """Return mean_i (dx_i/dtheta)^T f'(x_i): unbiased, for each point alone has the node's law.

    One draw is one independently shifted set of S points; its variance is not that of one sample divided by S. The
    paper scrambles the digits too; the shift alone keeps the law of each point and the net of all of them.
    Source: Buchholz et al. 2018 (1807.01604).
    """
    return reparameterization.combine(node, noise, x, values, slopes)
