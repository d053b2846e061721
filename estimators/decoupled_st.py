"""Decoupled straight-through: one temperature for the sample, another for the derivative."""

from torch import Tensor

from ._draws_last import mean
from .errors import InputError
from .node import Discrete
from .noise import Noise
from .target_law import Mean


def sample(node: Discrete, noise: Noise, S: int, *, forward_temperature: float = 1.0) -> Tensor:
    """Return hard points D ~ softmax(phi / tau_f) [N, S, *B, *event].

    Raises:
        InputError: for a forward temperature that is not positive.
    """
    if not forward_temperature > 0:
        raise InputError(f"decoupled_st: forward_temperature={forward_temperature}; it must be positive, e.g. 0.5")
    return node.with_theta(node.theta / forward_temperature).draw(noise, S)


def combine(
    node: Discrete, noise: Noise, x: Tensor, values: Tensor | None, slopes: Tensor, *, temperature: float = 1.0
) -> Tensor:
    """Return mean_i J(softmax(phi / tau_b)) f'(D_i) / tau_b, tau_b the temperature: biased.

    The sample is not the node's: what is aimed at is grad_phi E f(D), D ~ softmax(phi / tau_f), the gradient itself
    at tau_f = 1 alone. For linear costs the mean is that gradient where tau_b = tau_f. This is the paper's second
    version, which perturbs nothing; in its first, a decoupled ST-Gumbel-Softmax, a hard forward pass does not
    depend on its temperature. Source: Shah et al. 2024 (2410.13331v2).
    """
    return mean(node.pullback(node.tempered(temperature), slopes), 1) / temperature


def target_law(node: Discrete, *, forward_temperature: float = 1.0) -> Mean:
    """Return the law of D: grad_phi E f(D), D ~ softmax(phi / tau_f), is what is aimed at."""
    return Mean(node.probs if forward_temperature == 1 else node.tempered(forward_temperature))
