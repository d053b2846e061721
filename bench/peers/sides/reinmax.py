"""The reinmax package of ReinMax's authors."""

from reinmax import reinmax

from .torch_leaf import Run, expanded

PACKAGES = ("reinmax", "torch")


def build(*, cost: str, latents: int, classes: int, temperature: float, rows: int) -> tuple[Run, int]:
    """Return the side: ReinMax on a leaf [N, L, K]."""
    return expanded(lambda phi: reinmax(phi, temperature)[0], cost, latents, classes, rows), rows
