"""How many bytes of tensors live at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..estimators.errors import InputError
from .blocks import run_block
from .draws import Request, block_rows
from .problem import Problem


class LiveBytes(TorchDispatchMode):
    """Follows the storages of all tensors that operations return, for as long as something holds them.

    ``peak`` is the largest sum of their sizes seen between two operations, in bytes; what an operation allocates
    and frees within itself is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._held: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves((args, out)):
            if isinstance(leaf, Tensor):
                storage = leaf.untyped_storage()
                reference = StorageWeakRef(storage)
                self._held.setdefault(reference.cdata, (reference, storage.nbytes()))
        self._held = {key: held for key, held in self._held.items() if not held[0].expired()}
        self.peak = max(self.peak, sum(size for _, size in self._held.values()))
        return out


def peak_bytes(problem: Problem, one: Request, seed: int) -> int:
    """Return the peak of live tensor bytes in one block of draws, moments left out.

    Raises:
        InputError: if the estimator or the cost fails.
    """
    with LiveBytes() as live:
        for _, draws in run_block(problem, [one], seed, 0, block_rows(problem, one)).strips():
            if isinstance(draws, InputError):
                raise draws
    return live.peak
