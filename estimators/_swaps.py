"""Swapped pseudo-actions: the choices that a Dirichlet vector makes once two of its entries have changed places."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from .families.categorical import Categorical


def swaps(K: int, device: torch.device) -> Tensor:
    """Return the table [K, K, K] whose row (m, j) is 0, ..., K-1 with m and j swapped."""
    i = torch.arange(K, device=device)
    m, j = i[:, None, None], i[None, :, None]
    return torch.where(i == m, j, torch.where(i == j, m, i))


def actions(node: Categorical, E: Tensor, order: Tensor) -> Tensor:
    """Return argmin_i pi_order(i) exp(-phi_i) as one-hot points [N, S Q, *B, D, K].

    Args:
        node: the choices phi [*B, D, K].
        E: exponentials [N, S, *B, D, K]; pi is their share of their sum, which does not matter here.
        order: Q permutations of the classes [N or 1, S or 1, *B or 1 for each, Q, K], the same for all D variables.
    """
    every = torch.broadcast_shapes(order.unsqueeze(-3).shape, (*E.shape[:-1], 1, 1))
    reordered = E.unsqueeze(-2).expand(every).gather(-1, order.unsqueeze(-3).expand(every))  # [N, S, *B, D, Q, K]
    chosen = (node.logits.unsqueeze(-2) - reordered.log()).argmax(-1)
    return one_hot(chosen.movedim(-1, 2), E.shape[-1]).to(E.dtype).flatten(1, 2)
