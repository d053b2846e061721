"""The bound over S particles and its weights, from l_i = -log w_i: minimised, so with the signs of a cost."""

import math

from torch import Tensor


def bound(l: Tensor, axis: int = 1) -> Tensor:  # noqa: E741  (the field's own letter)
    """Return F = -log mean_i exp(-l_i) over one axis, that axis left out."""
    return math.log(l.shape[axis]) - (-l).logsumexp(axis)


def shares(l: Tensor) -> Tensor:  # noqa: E741
    """Return w~_i = w_i / sum_j w_j = dF/dl_i [N, S, *B]."""
    return (-l).softmax(1)
