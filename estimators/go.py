"""GO: differences of the cost between neighbouring outcomes, coordinate by coordinate."""

import torch
from torch import Tensor

from .node import Counts
from .noise import Noise


def sample(node: Counts, noise: Noise, S: int) -> Tensor:
    """Return S points x, then for each coordinate d the S points with x_d at its next outcome [N, (1 + D) S, *B, D]."""
    x = node.draw(noise, S)
    return torch.cat([x, *(_stepped(node, x, d) for d in range(x.shape[-1]))], 1)


def combine(node: Counts, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return mean_i g(x_id) (f(x_i + e_d) - f(x_i)) in theta_d, g(x) = -(dQ(x)/dtheta) / q(x): unbiased for any cost.

    Q is the distribution function and q the probability of one coordinate; the others are held. By parts in x_d, as the
    implicit pathwise derivative -(dF/dtheta) / p is in a continuous variable, which is GO there. For a Poisson rate
    g = 1, and GO is the coupled measure-valued estimator. Source: Cong et al. 2019 (1901.06020).
    """
    S = x.shape[1] // (1 + x.shape[-1])
    f, *stepped = values.split(S, 1)  # [N, S, *B] each
    differences = torch.stack(stepped, -1) - f.unsqueeze(-1)  # [N, S, *B, D]
    return (node.step_weight(x[:, :S]) * differences).mean(1)


def _stepped(node: Counts, x: Tensor, d: int) -> Tensor:
    moved = x.clone()
    moved[..., d] = node.successor(x)[..., d]
    return moved
