"""The fused kernel of straight-through: for a separable cost its torch form, tabulated at every outcome."""

from torch import Tensor

from .. import straight_through as form
from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .lookup import averaged, every_outcome
from .noise import KernelNoise
from .table import CostTable


def fused(
    node: Bernoulli | Categorical,
    noise: KernelNoise,
    table: CostTable,
    S: int,
    *,
    temperature: float = 1.0,
    identity: bool = False,
) -> Tensor:
    """Return mean_i J(softmax(phi / tau)) f'(D_i) / tau, or mean_i f'(D_i) with identity."""
    x, slopes = every_outcome(node).unsqueeze(1), table.slopes_at_every_outcome(node.theta).unsqueeze(1)
    shares = form.combine(node, noise, x, None, slopes, temperature=temperature, identity=identity)
    return averaged(node, noise, S, shares)
