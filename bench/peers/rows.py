"""The table: every row with the ratio that is to be reached."""

from __future__ import annotations

from . import against_peers as peers
from . import alone, problems
from .row import Row

_ST = "ST Gumbel-Softmax, K = 10, L = 20"
_LEAF = "F.gumbel_softmax(hard=True) on an expanded leaf, one backward pass"
_JAX = "jax.jit(vmap(grad)) with moments, fastest layout and batch"
_REINMAX = "the reinmax package on an expanded leaf"

ROWS = (
    Row(
        "floor", f"{_ST}, a network in torch as f, moments included", "its noise and f, forward and backward, alone",
        1.0, alone.floor, most=True,
    ),
    Row("gumbel-network", f"{_ST}, a network in torch as f", _LEAF, 8, peers.gumbel_softmax("network")),
    Row("gumbel-built-in", f"{_ST}, a built-in cost", _LEAF, 20, peers.gumbel_softmax("polynomial")),
    Row(
        "gumbel-torch-only", f"{_ST}, a built-in cost, by torch forms alone", _LEAF, 5,
        peers.gumbel_softmax("polynomial", "torch"),
    ),
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
    Row(
        "temperatures-network", "8 temperatures that share points, a network as f", "8 separate runs", 0.4,
        alone.temperatures(problems.network), most=True,
    ),
    Row(
        "temperatures-built-in", "8 temperatures that share points, a built-in cost", "8 separate runs", 0.4,
        alone.temperatures(problems.built_in), most=True,
    ),
    Row(
        "moments", "moments of a block of draws, K = 10, L = 20, in float64", "its noise", 0.1, alone.moments,
        most=True,
    ),
    Row("workers", "two threads", "one", 1.8, alone.workers),
    Row(
        "codebook", "nearest of 512 entries of a codebook, D = 64", "the product of the two matrices alone", 1.25,
        alone.nearest, most=True,
    ),
    Row(
        "memory", "peak memory of a process that takes 100,000,000 draws", "one that takes 1,000,000", 1.1,
        alone.memory, most=True, unit="bytes",
    ),
)  # fmt: skip
