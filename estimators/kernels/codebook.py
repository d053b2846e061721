"""The nearest entry of a codebook, for quantised nodes: one matrix product in blocks that stay in cache, and argmin."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BLOCK = 512  # rows of x: scores of 512 entries are a megabyte


def nearest(x: Tensor, codebook: Tensor) -> Tensor:
    """Return for each row of x [N, D] the number of the entry of the codebook [K, D] that is nearest to it, int64 [N].

    argmin_k |x - c_k|^2 = argmin_k |c_k|^2 / 2 - x . c_k, the lowest number where several are equally near. In floats
    two entries whose distances differ by rounding may change places, as they may in any other form.

    Raises:
        ValueError: if the two do not have rows of one length, or the codebook is empty.
    """
    if x.ndim != 2 or codebook.ndim != 2 or x.shape[1] != codebook.shape[1] or not len(codebook):
        raise ValueError(
            f"x has shape {list(x.shape)} and the codebook {list(codebook.shape)}; give [N, D] and [K, D] with K >= 1"
        )
    half_norm, across = codebook.square().sum(1) / 2, codebook.T
    score = x.new_empty(min(BLOCK, len(x)), len(codebook))
    index = np.empty(len(x), np.int64)
    for first in range(0, len(x), BLOCK):
        rows = x[first : first + BLOCK]
        found = torch.addmm(half_norm, rows, across, alpha=-1, out=score[: len(rows)])
        np.argmin(found.numpy(), 1, out=index[first : first + BLOCK])
    return torch.from_numpy(index)
