"""Gumbel-Rao in its public implementation's form, from the paper's formula: k conditional Gumbels a point."""

import torch
from torch import Tensor
from torch.nn import functional

from .torch_leaf import Run, expanded

PACKAGES = ("torch",)


def build(
    *, cost: str, latents: int, classes: int, temperature: float, rows: int, conditional_samples: int
) -> tuple[Run, int]:
    """Return the side: the mean of k relaxed points stands in for the hard one in the backward pass."""

    def sampled(phi: Tensor) -> Tensor:
        with torch.no_grad():
            D = functional.one_hot(torch.distributions.Categorical(logits=phi).sample(), classes).to(phi)
            gumbel = conditional(phi, D, conditional_samples) - phi
        y = functional.softmax((phi + gumbel) / temperature, -1).mean(0)
        return D + y - y.detach()

    return expanded(sampled, cost, latents, classes, rows), rows


def conditional(phi: Tensor, D: Tensor, k: int) -> Tensor:
    """Return k draws [k, *phi.shape] of phi + G given that D is their argmax.

    The largest is log Z - log E_D, the others are -log(E_j / exp(phi_j) + E_D / Z), E exponential, Z = sum exp(phi).
    """
    E = torch.empty(k, *phi.shape).exponential_()
    Z = phi.exp().sum(-1, keepdim=True)
    top = (E * D).sum(-1, keepdim=True)
    return torch.where(D.bool(), Z.log() - top.log(), -(E / phi.exp() + top / Z).log())
