"""The numba kernels by name: 1,024 draws of 200 numbers in float32, fused or by halves, and what feeds them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

from . import kernels

ROWS = 1024
TEMPERATURE = {"temperature": 0.5}
CONFIG: dict[str, dict[str, Any]] = {
    "st_gumbel_softmax": TEMPERATURE,
    "gumbel_rao": TEMPERATURE,
    "reparameterization": {},
}
SUMMED: dict[str, dict[str, Any]] = {
    "st_gumbel_softmax": TEMPERATURE,
    "reinmax": {"temperature": 1.0},
    "reparameterization": {},
}


class _Timed:
    """Attributes of a benchmark of a kernel."""

    version = "1"  # to be raised where a benchmark measures something else
    timeout = 60
    rounds = 2
    repeat = (3, 8, 0.4)
    sample_time = 0.01
    warmup_time = 0.05


class Methods(_Timed):
    """A block of draws of one method: 20 choices among 10 classes, or 100 Normal variables and their squares."""

    params: ClassVar[Any] = [list(CONFIG), ["fused", "split"]]
    param_names: ClassVar[Any] = ["method", "path"]

    def setup(self, method: str, path: str) -> None:
        """Build the node and the cost, and compile."""
        self.run = _draws(method, path)
        self.run()

    def time_block(self, method: str, path: str) -> None:
        """Time one block."""
        self.run()


class Sums(_Timed):
    """A block of draws of one method, summed by the kernel that makes them."""

    params: ClassVar[Any] = list(SUMMED)
    param_names: ClassVar[Any] = ["method"]

    def setup(self, method: str) -> None:
        """Build the node and the cost, and compile."""
        self.run = _sums(method)
        self.run()

    def time_sums(self, method: str) -> None:
        """Time one block."""
        self.run()


class Parts(_Timed):
    """2^18 numbers of each law, and the nearest of 512 entries of a codebook to 4,096 rows of 64."""

    params: ClassVar[Any] = ["uniforms", "exponentials", "normals", "nearest_codebook"]
    param_names: ClassVar[Any] = ["part"]

    def setup(self, part: str) -> None:
        """Make room, and compile."""
        self.run = _codebook() if part == "nearest_codebook" else _law(part)
        self.run()

    def time_part(self, part: str) -> None:
        """Time one call."""
        self.run()


def _draws(method: str, path: str) -> Callable[[], Any]:
    """Return what draws a block from new noise; the split path takes slopes that are there."""
    kernels.one_thread()
    with kernels.skipping():
        import torch

        module = import_module(f"varbench.estimators.kernels.{method}")
        node, cost = _posed(method)
        noise_of, config = import_module("varbench.estimators.kernels.noise").KernelNoise, CONFIG[method]

        def noise() -> Any:
            return noise_of(0, "asv", 0, ROWS, torch.float32, "cpu")

        if path == "fused":
            fused = module.fused
            return lambda: fused(node, noise(), cost, 1, **config)
        combine = module.combine
        sample = getattr(module, "sample", None) or import_module("varbench.estimators.kernels.draw").sample
        slopes = torch.randn_like(sample(node, noise(), 1))

        def halves() -> Any:
            block = noise()
            return combine(node, block, sample(node, block, 1), None, slopes, **config)

        return halves


def _sums(method: str) -> Callable[[], Any]:
    """Return what sums a block from new noise, beyond the draws whose products are summed too."""
    kernels.one_thread()
    with kernels.skipping():
        import torch

        from varbench.bench.block_sums import COVARIANCE_DRAWS, BlockSums
        from varbench.bench.moments import Frame

        summed = import_module(f"varbench.estimators.kernels.{method}").summed
        noise_of = import_module("varbench.estimators.kernels.noise").KernelNoise
        node, cost = _posed(method)
    frame = Frame(torch.zeros(node.theta.numel(), dtype=torch.float64), None, 10**6, 100)

    def run() -> Any:
        made = BlockSums.together([frame], COVARIANCE_DRAWS, ROWS)
        assert made is not None
        cells, (sums,) = made
        summed(node, noise_of(0, "asv", 0, ROWS, torch.float32, "cpu"), cost, 1, [SUMMED[method]], cells)
        return sums.moments()

    return run


def _posed(method: str) -> tuple[Any, Any]:
    """Return a node and a cost as data."""
    import torch

    table = import_module("varbench.estimators.kernels.table")
    families = "varbench.estimators.families"
    if method == "reparameterization":
        node = import_module(f"{families}.normal").Normal(torch.ones(2, 100))
        return node, table.Polynomial(torch.tensor([[0.0, 0.0, 1.0]]).expand(100, 3))
    seeded = torch.Generator().manual_seed(0)
    node = import_module(f"{families}.categorical").Categorical(torch.randn(20, 10, generator=seeded))
    return node, table.CostTable(torch.randn(20, 10, generator=seeded), torch.randn(20, 10, 10, generator=seeded))


def _law(name: str) -> Callable[[], Any]:
    kernels.one_thread()
    with kernels.skipping():
        import numpy as np

        fill = getattr(import_module("varbench.estimators.kernels.noise"), name)
    key, word = np.array([1, 2], np.uint32), np.empty(4096, np.uint32)
    out = np.empty(4096, np.float64 if name == "uniforms" else np.float32)

    def run() -> None:
        for first in range(0, 2**18, 4096):
            fill(key, 0, first, word, out)

    return run


def _codebook() -> Callable[[], Any]:
    kernels.one_thread()
    with kernels.skipping():
        import torch

        nearest = import_module("varbench.estimators.kernels.codebook").nearest
    x, codes = torch.randn(4096, 64), torch.randn(512, 64)
    return lambda: nearest(x, codes)
