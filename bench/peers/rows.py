"""The table: every row with the ratio that is to be reached."""

from __future__ import annotations

from . import against_peers as peers
from .row import Row

_ST = "ST Gumbel-Softmax, K = 10, L = 20"
_LEAF = "F.gumbel_softmax(hard=True) on an expanded leaf, one backward pass"
_JAX = "jax.jit(vmap(grad)) with moments, fastest layout and batch"
_REINMAX = "the reinmax package on an expanded leaf"

ROWS = (
    Row("gumbel-network", f"{_ST}, a network in torch as f", _LEAF, 8, peers.gumbel_softmax("network")),
    Row("gumbel-built-in", f"{_ST}, a built-in cost", _LEAF, 20, peers.gumbel_softmax("polynomial")),
    Row(
        "storchastic", "leave-one-out REINFORCE, S = 4, three coins of one logit",
        "storchastic's variance loop on its own example", 10_000, peers.storchastic,
    ),
    Row("jax-network", f"{_ST}, a network as f, in torch here and in jax there", _JAX, 3, peers.jax("network")),
    Row("jax-built-in", f"{_ST}, a built-in cost", _JAX, 6, peers.jax("polynomial")),
    Row("jax-normal", "pathwise, Normal, D = 100, a quadratic", _JAX, 8, peers.jax_normal),
    Row("reinmax-built-in", "ReinMax, K = 10, L = 20, a built-in cost", _REINMAX, 100, peers.reinmax("polynomial")),
    Row("reinmax-network", "ReinMax, K = 10, L = 20, a network in torch as f", _REINMAX, 10, peers.reinmax("network")),
    Row(
        "gumbel-rao", "Gumbel-Rao, 10 conditional samples, K = 10, L = 20, a built-in cost",
        "the public implementation's form: conditional Gumbels on an expanded leaf", 15, peers.gumbel_rao("polynomial"),
    ),
)  # fmt: skip
