"""The fused kernel of REINFORCE on discrete variables."""

from torch import Tensor

from ..families.bernoulli import Bernoulli
from ..families.categorical import Categorical
from .lookup import costs, every_outcome, looked_up
from .noise import KernelNoise
from .table import CostTable


def fused(node: Bernoulli | Categorical, noise: KernelNoise, table: CostTable, S: int) -> Tensor:
    """Return mean_i f(x_i) s(x_i): the score of a variable depends on its outcome alone."""
    return looked_up(node, noise, S, node.score(every_outcome(node)), costs(node, noise, table, S) / S)
