"""The steps of logistic methods on one coin, over a tile of draws."""

from __future__ import annotations

from .compiled import kernel
from .elementary import exp, log
from .noise import every_odds


@kernel
def perturb(key, block, position, word, odds, logit, z):  # type: ignore[no-untyped-def]
    """Set ``z`` [m] to phi + log((1 - u) / u), the uniforms u from a position of the block's stream on.

    Args:
        key, block, position, word: see ``noise.uniforms``.
        odds: [M], M >= m a multiple of 64; overwritten.
        logit: phi, not -inf.
        z: [m].
    """
    every_odds(key, block, position, word, odds)
    for i in range(z.size):
        z[i] = logit + log(odds[i])


@kernel
def flatten(z, temperature):  # type: ignore[no-untyped-def]
    """Set z to t = exp(-|z| / tau): sigmoid(|z| / tau) = 1 / (1 + t), and sigmoid(-|z| / tau) = t / (1 + t)."""
    rate = z.dtype.type(1) / temperature
    for i in range(z.size):
        z[i] = exp(-abs(z[i]) * rate)
