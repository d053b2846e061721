"""The fused kernel of ReinMax: for a separable cost its torch form, tabulated at every outcome."""

from torch import Tensor

from .. import reinmax as form
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
) -> Tensor:
    """Return mean_i 2 J((softmax(phi / tau) + D_i) / 2) f'(D_i) - 1/2 J(softmax(phi)) f'(D_i)."""
    x, slopes = every_outcome(node).unsqueeze(1), table.slopes_at_every_outcome(node.theta).unsqueeze(1)
    return averaged(node, noise, S, form.combine(node, noise, x, None, slopes, temperature=temperature))
