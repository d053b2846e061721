"""ReinMax-Rao: ReinMax with its first Jacobian replaced by Gumbel-Rao's. Its mean is not ReinMax's."""

from torch import Tensor

from ._draws_last import mean
from .estimator import independent
from .node import Discrete
from .noise import Noise

sample = independent


def combine(
    node: Discrete,
    noise: Noise,
    x: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    temperature: float,
    conditional_samples: int = 10,
) -> Tensor:
    """Return mean_i 2 mean_k J(y_ik) f'(D_i) / tau - 1/2 J(p) f'(D_i): biased, also on linear costs.

    y_k = softmax((phi_D + G_k) / tau), phi_D = log((p + D) / 2), G_k given argmax(phi_D + G_k) = D. Gumbel-Rao keeps
    the mean of ST-Gumbel-Softmax where D is drawn from the very logits that are perturbed; here D ~ p and the logits
    are those of (p + D) / 2, so that neither that mean nor ReinMax's is kept. As tau -> 0 the estimate becomes
    1/2 (D - p)(D - p)^T f'(D), on a linear cost one half of the gradient in the mean.
    Source: Wang & Bui 2026 (2603.08257), as public implementations of it read it.
    """
    y = midway_gumbels(node, noise, x, temperature, conditional_samples)  # [N, S, k, *B, *event]
    rao = mean(node.pullback(y, slopes.unsqueeze(2)), 2) / temperature
    return mean(2 * rao - node.pullback(node.probs, slopes) / 2, 1)


def midway_gumbels(node: Discrete, noise: Noise, x: Tensor, temperature: float, conditional_samples: int) -> Tensor:
    """Return softmax((phi_D + G_k) / tau) with G_k given D [N, S, k, *B, *event]."""
    given = x.unsqueeze(2).expand(*x.shape[:2], conditional_samples, *x.shape[2:])
    midway = node.midway(x.unsqueeze(2))
    return node.soften(midway.conditional(given, noise, "conditional"), temperature)
