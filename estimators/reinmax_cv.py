"""ReinMax-CV: ReinMax, less a Gumbel-Softmax Jacobian, plus Gumbel-Rao's. Its mean is not ReinMax's."""

from torch import Tensor

from . import reinmax
from ._draws_last import mean
from .estimator import independent
from .node import Discrete
from .noise import Noise
from .reinmax_rao import midway_gumbels

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
    eta: float = 1.0,
) -> Tensor:
    """Return mean_i [2 J(pi_i) - 1/2 J(p) + eta (mean_k J(y_ik) - J(y_i)) / tau] f'(D_i), pi = (p + D) / 2: biased.

    y = softmax((phi_D + G) / tau) with G free, y_k the same with G_k given argmax(phi_D + G_k) = D, phi_D = log pi.
    The last bracket would have mean 0 if the outcome it is conditioned on were drawn from pi; it is drawn from p, and
    the mean moves by eta E[(J(y_k) - J(y)) f'(D)] / tau. Given D reinmax has no noise that the bracket could cancel:
    its own adds to the variance. Source: Wang & Bui 2026 (2603.08257), as public implementations of it read it.
    """
    heun = reinmax.combine(node, noise, x, values, slopes)
    rao = midway_gumbels(node, noise, x, temperature, conditional_samples)  # [N, S, k, *B, *event]
    free = noise.logistic if node.family == "bernoulli" else noise.gumbel
    y = node.soften(node.midway(x).theta + free(*x.shape[1:], name="free"), temperature)  # [N, S, *B, *event]
    variate = mean(node.pullback(rao, slopes.unsqueeze(2)), 2) - node.pullback(y, slopes)
    return heun + eta * mean(variate, 1) / temperature
