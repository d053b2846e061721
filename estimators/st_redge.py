"""ReDGE, hard: a sample of the last prediction forward, the denoising steps backward."""

from torch import Tensor

from . import redge
from ._pairs import paired, unpaired
from .families.categorical import Categorical
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int, *, steps: int = 2, first_time: float = 0.5) -> Tensor:
    """Return one-hot points D ~ Categorical(xhat_1) [N, S, *B, *event], as argmax(log xhat_1 + G)."""
    choices = Categorical(paired(node, node.theta))
    log_y = redge.denoised(node, noise, S, steps, first_time)[0].log()
    return unpaired(node, choices.harden(log_y + noise.gumbel(*log_y.shape[1:], name="hard")))


def combine(
    node: Discrete,
    noise: Noise,
    x: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    steps: int = 2,
    first_time: float = 0.5,
) -> Tensor:
    """Return mean_i (dy_i/dphi)^T f'(D_i), y_i = xhat_1 of ``redge``, D_i a sample of y_i: biased.

    As first_time -> 1 with one step y is p, and this is straight_through. D follows E y, which is not p: the forward
    law is relaxed too. Source: Gourevitch et al. 2026 (2601.00781).
    """
    return redge.combine(node, noise, x, values, slopes, steps=steps, first_time=first_time)
