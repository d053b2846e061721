"""The Dirichlet copula: S uniforms that shun each other, since the shares of one whole do."""

from torch import Tensor

from .noise import Noise


def uniforms(noise: Noise, S: int, *shape: int) -> Tensor:
    """Return u_i = (1 - d_i)^(S-1) [N, S, *shape], each uniform, with d ~ Dirichlet(1, ..., 1) over the S samples.

    Source: Dimitriev & Zhou 2021 (2105.14141).
    """
    E = noise.exponential(S, *shape)
    return (1 - E / E.sum(1, keepdim=True)) ** (S - 1)


def joint_cdf(u: Tensor, v: Tensor, S: int) -> Tensor:
    """Return P(u_i < u, u_j < v) = max(u^(1/(S-1)) + v^(1/(S-1)) - 1, 0)^(S-1) for two of the S uniforms."""
    return (u ** (1 / (S - 1)) + v ** (1 / (S - 1)) - 1).clamp(min=0) ** (S - 1)
