"""Invertible Gaussian reparameterization: Gaussian noise instead of Gumbel noise, mapped by softmax_{++}."""

import torch
from torch import Tensor

from ._pairs import paired, unpaired
from .errors import InputError
from .families.categorical import Categorical
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int, *, temperature: float, scale: float = 1.702) -> Tensor:
    """Return y = softmax_{++}(kappa / tau) [N, S, *B, *event].

    Raises:
        InputError: for a scale that is not positive.
    """
    if not scale > 0:
        raise InputError(f"invertible_gaussian: scale={scale}; it must be a positive number, e.g. 1.702")
    phi = paired(node, node.theta)
    e = noise.normal(S, *phi.shape[:-1], phi.shape[-1] - 1)
    z = torch.log_softmax(phi, -1) + scale * torch.cat([e, torch.zeros_like(phi[..., :1]).expand(*e.shape[:-1], 1)], -1)
    return unpaired(node, Categorical(phi).soften(z, temperature))


def combine(
    node: Discrete, noise: Noise, y: Tensor, values: Tensor | None, slopes: Tensor, *, temperature: float
) -> Tensor:
    """Return mean_i J(y_i) f'(y_i) / tau: the gradient of f(y) along its path in phi.

    The paper learns the mean mu and the scale sigma of K - 1 Gaussians, kappa_k = mu_k + sigma_k e_k, and takes
    softmax_{++}(kappa)_k = exp(kappa_k) / (sum_j exp(kappa_j) + delta), k < K, the rest of the mass to class K. A node
    has logits alone: here mu_k = phi_k - phi_K, sigma is the same for all and fixed, delta = 1, so that
    y = softmax((phi + sigma (e, 0)) / tau). The choice argmax y is that of the node in law for no sigma; for a coin
    P(y > 1/2) = Phi(phi / sigma), within 0.0095 of p at sigma = 1.702. The last class has no noise of its own: what
    is estimated depends on the order of the classes. The mean is the gradient of E f(y).
    Source: Potapczynski et al. 2020 (1912.09588).
    """
    return node.pullback(y, slopes).mean(1) / temperature
