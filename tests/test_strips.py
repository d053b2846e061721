"""Some of a block's draws, drawn alone: the same bits as in the whole block."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("numba")

from varbench import Problem
from varbench.bench.blocks import run_block
from varbench.bench.draws import strip_rows
from varbench.bench.paths import cost_table, kernels
from varbench.bench.peers import problems as peers_problems
from varbench.bench.records import PATHS
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


SHARING = [
    ("reinmax", {"temperature": 1.0}),
    ("straight_through", {"temperature": 0.5}),
    ("zgr", {}),
    ("reinmax_rao", {"temperature": 0.5}),
]
SWEEP = [("st_gumbel_softmax", {"temperature": temperature}) for temperature in (0.5, 0.7, 0.1, 1.0, 2.0)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("make", [peers_problems.network, peers_problems.built_in])
@pytest.mark.parametrize(("methods", "S"), [(SHARING, 1), (SHARING[:2], 1), (SWEEP, 1), (SWEEP, 2)])
def test_a_group_draws_what_each_draws_alone(
    methods: list[tuple[str, dict[str, Any]]], S: int, make: Callable[[], Problem], path: str
) -> None:
    """Over whole strips and one draw more, whatever else shares the points: a network's bits depend on batch sizes."""
    problem, group = make(), [requested(name, S, **config) for name, config in methods]
    rows = 2 * strip_rows(problem, S) + 1
    together = run_block(problem, group, 0, 1, rows, path)
    for place, one in enumerate(group):
        alone = run_block(problem, [one], 0, 1, rows, path)
        (draws,) = alone.draws
        assert isinstance(draws, Tensor)
        assert torch.equal(draws, together.draws[place])
        assert alone.num_points == together.num_points == S
        assert alone.largest[0] == together.largest[place] or make is peers_problems.network


def test_strips_that_nobody_wants_are_not_made() -> None:
    """Nor is the cost called there; what is made is the same to the bit."""
    called, network = [], peers_problems.network()

    def cost(x: Tensor) -> Tensor:
        called.append(len(x))
        return network.cost(x)

    problem = dataclasses.replace(network, cost=cost)
    size, one = strip_rows(problem, 1), requested("reinmax", 1, temperature=1.0)
    every = run_block(problem, [one], 0, 0, 4 * size).draws[0]
    assert called == [size] * 4
    some = run_block(problem, [one], 0, 0, 4 * size, wanted=size + 1).draws[0]
    assert called == [size] * 6
    assert isinstance(some, Tensor)
    assert isinstance(every, Tensor)
    assert torch.equal(some, every[: 2 * size])
    assert len(some) == 2 * size
