"""Memory with the draws last: torch reduces a short last axis five to ten times slower than an axis farther out.

A tensor [N, ..., K] of many draws and few classes is held as [..., K, N] and seen through a permuted view. Shapes and
formulas stay as they are, and torch's elementwise operations keep the order of their arguments' memory; what would not
keep it, or be slow in it, is here. Every function takes tensors of either order.
"""

from torch import Tensor

_FEW_CLASSES = 32  # a longer last axis fills torch's vectors by itself
_MANY_DRAWS = 64


def draws_last(x: Tensor) -> Tensor:
    """Return x [N, ..., K] with its draws last in memory, itself where they are; where it would not pay, as it is."""
    if x.ndim < 2 or x.shape[0] < _MANY_DRAWS or x.shape[-1] > _FEW_CLASSES or _are_last(x):
        return x
    return x.reshape(len(x), -1).T.contiguous().T.unflatten(1, x.shape[1:])  # torch copies matrices by squares


def in_rows(x: Tensor) -> Tensor:
    """Return x [N, ...] with its draws first in memory, contiguous."""
    return x.reshape(len(x), -1).contiguous().reshape(x.shape)


def like(x: Tensor, other: Tensor) -> Tensor:
    """Return x with its draws last in memory where those of the other are."""
    return draws_last(x) if _are_last(other) else x


def class_sum(x: Tensor) -> Tensor:
    """Return sum_k x [N, ..., 1]."""
    return x.movedim(0, -1).sum(-2, keepdim=True).movedim(-1, 0) if _are_last(x) else x.sum(-1, keepdim=True)


def class_max(x: Tensor) -> Tensor:
    """Return max_k x [N, ..., 1]."""
    return x.movedim(0, -1).amax(-2, keepdim=True).movedim(-1, 0) if _are_last(x) else x.amax(-1, keepdim=True)


def mean(x: Tensor, *axes: int) -> Tensor:
    """Return the mean over axes other than the first.

    Args:
        x: [N, ...].
        axes: counted from 1.
    """
    if all(x.shape[axis] == 1 for axis in axes):
        return x.squeeze(axes)
    if _are_last(x):
        return x.movedim(0, -1).mean([axis - 1 for axis in axes]).movedim(-1, 0)
    return x.mean(axes)


def _are_last(x: Tensor) -> bool:
    return x.ndim > 1 and len(x) > 1 and x.stride(0) == 1 and x.movedim(0, -1).is_contiguous()
