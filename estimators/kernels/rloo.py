"""The fused kernel of REINFORCE with the leave-one-out baseline on discrete variables."""

from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .lookup import costs, every_outcome, looked_up
from .noise import KernelNoise
from .table import CostTable


def fused(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int) -> Tensor:
    """Return 1/(S-1) sum_i (f_i - mean f) s(x_i)."""
    f = costs(node, noise, table, S)
    return looked_up(node, noise, S, node.score(every_outcome(node)), (f - f.mean(0)) / (S - 1))
