"""vector-quantize-pytorch's codebook, in evaluation: codes of rows by its own distance."""

from collections.abc import Callable

import torch
from vector_quantize_pytorch import VectorQuantize

from . import cases

PACKAGES = ("vector-quantize-pytorch", "torch")


def build(*, rows: int, dim: int, entries: int) -> tuple[Callable[[int], tuple[list[float], float]], int]:
    """Return the side: the codes of ``cases.vectors``, in place of a mean."""
    torch.set_num_threads(1)
    x, codebook = map(torch.from_numpy, cases.vectors(rows, dim, entries))
    quantizer = VectorQuantize(dim=dim, codebook_size=entries).eval()
    quantizer.codebook = codebook

    def run(seed: int) -> tuple[list[float], float]:
        with torch.no_grad():
            _, codes, _ = quantizer(x[None])
        return codes.flatten().tolist(), 0.0

    return run, rows
