"""Implicit MLE: the difference between the choice and that of logits moved against the slope, under one noise."""

from torch import Tensor

from .errors import InputError
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int) -> Tensor:
    """Return D = argmax(phi + G) as one-hot points [N, S, *B, *event]."""
    return node.harden(node.perturbed(noise, S))


def combine(
    node: Discrete,
    noise: Noise,
    x: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    step: float = 1.0,
    symmetric: bool = False,
) -> Tensor:
    """Return mean_i [MAP(z_i) - MAP(z_i - lambda f'(D_i))] / lambda, z = phi + G with the G that chose D: biased.

    Symmetric, [MAP(z + lambda f') - MAP(z - lambda f')] / (2 lambda). Gumbel noise makes D a draw of the node. The
    1/lambda, which the first paper leaves to the learning rate, makes it the estimate of a gradient. As lambda -> 0 the
    variance grows like 1/lambda, and the mean of a coin becomes p q (f'(1) + f'(0)) / 2 in the symmetric form, exact on
    quadratics, and p q (max(f'(1), 0) + min(f'(0), 0)) in the other, twice that where the slopes point apart.
    Source: Niepert et al. 2021 (2106.01798); symmetric: Minervini et al. 2023 (2209.04862).

    Raises:
        InputError: for a step lambda that is not positive.
    """
    if not step > 0:
        raise InputError(f"imle: step={step}; it must be positive, e.g. 1.0")
    z = node.perturbed(noise, x.shape[1])
    if symmetric:
        return (node.harden(z + step * slopes) - node.harden(z - step * slopes)).mean(1) / (2 * step)
    return (x - node.harden(z - step * slopes)).mean(1) / step
