"""Some of a block's draws, drawn alone: the same bits as in the whole block."""

from typing import Any

import pytest
import torch
from torch import Tensor

from varbench import Problem
from varbench.bench.paths import cost_table, kernels
from varbench.bench.peers import problems as peers_problems
from varbench.estimators.kernels.noise import KernelNoise

from .test_kernels import CONFIGS, NODES, requested, separable

ROWS, STRIP = 1000, 256
EVERY = [
    *CONFIGS,
    ("gumbel_softmax", 2, {"temperature": 0.5}),
    ("gumbel_rao", 2, {"temperature": 0.7, "conditional_samples": 3}),
    ("gumbel_rao", 1, {"temperature": 1.0}),
]


def problems() -> dict[str, Problem]:
    discrete = {kind: separable(make(torch.float32)) for kind, make in NODES.items()}
    return discrete | {"normal": peers_problems.normal()}


def strips(noise: KernelNoise) -> list[KernelNoise]:
    return [noise.strip(first, min(STRIP, ROWS - first)) for first in range(0, ROWS, STRIP)]


def check(kind: str, name: str, S: int, config: dict[str, Any]) -> None:
    problem, one = problems()[kind], requested(name, S, **config)
    way, table = kernels(problem, one.estimator), cost_table(problem)
    if way.sample:
        whole, parts = KernelNoise(3, "p", 2, ROWS, torch.float32), strips(KernelNoise(3, "p", 2, ROWS, torch.float32))
        together = torch.cat([one.sample(problem, part, way.sample) for part in parts])
        assert torch.equal(together, one.sample(problem, whole, way.sample))
    if way.fused:
        whole, parts = KernelNoise(3, "p", 2, ROWS, torch.float32), strips(KernelNoise(3, "p", 2, ROWS, torch.float32))
        drawn: list[Tensor] = [one.fuse(problem, part, way.fused, table) for part in parts]
        assert torch.equal(torch.cat(drawn), one.fuse(problem, whole, way.fused, table))
    assert way.sample or way.fused


@pytest.mark.parametrize(("name", "S", "config"), EVERY)
@pytest.mark.parametrize("kind", NODES)
def test_strips_are_the_block(kind: str, name: str, S: int, config: dict[str, Any]) -> None:
    check(kind, name, S, config)


@pytest.mark.parametrize("S", [1, 2])
def test_strips_of_normals_are_the_block(S: int) -> None:
    check("normal", "reparameterization", S, {})


def test_numbers_of_a_strip_are_the_blocks() -> None:
    whole = KernelNoise(3, "p", 2, ROWS, torch.float32)
    for law in ("uniform", "exponential", "normal"):
        for part in strips(whole):
            numbers = part.draws_last(law, (2, 3))[:, : part.rows]
            assert (numbers == whole.draws_last(law, (2, 3))[:, part.first : part.first + part.rows]).all()
