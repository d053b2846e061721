"""torch.nn.functional.gumbel_softmax(hard=True)."""

from torch.nn import functional

from .torch_leaf import Run, expanded

PACKAGES = ("torch",)


def build(*, cost: str, latents: int, classes: int, temperature: float, rows: int) -> tuple[Run, int]:
    """Return the side: straight-through Gumbel-Softmax on a leaf [N, L, K]."""
    return expanded(
        lambda phi: functional.gumbel_softmax(phi, temperature, hard=True), cost, latents, classes, rows
    ), rows
