"""The costs of the rows in torch: a small network, and a polynomial."""

from collections.abc import Callable

import torch
from torch import Tensor

from . import cases


def cost(name: str, latents: int, classes: int) -> Callable[[Tensor], Tensor]:
    """Return f from points [..., L, K] to [...].

    Args:
        name: ``network``, tanh(x W) v, or ``polynomial``, mean_l (z_l - 0.45)^2 with z linear in x.
        latents: L.
        classes: K.
    """
    if name == "network":
        W, v = map(torch.from_numpy, cases.network(latents * classes))
        return lambda x: torch.tanh(x.flatten(-2) @ W.to(x)) @ v.to(x)
    z = torch.from_numpy(cases.levels(classes))
    return lambda x: (x @ z.to(x) - cases.TARGET).square().mean(-1)
