"""Kernels that go from noise to sums: the sums of the draws that the same request makes, to the bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
import torch

pytest.importorskip("numba")

from varbench import Problem
from varbench.bench.block_sums import COVARIANCE_DRAWS, BlockSums
from varbench.bench.blocks import AT_ONCE, run_block, sum_block
from varbench.bench.draws import Request, block_rows
from varbench.bench.moments import Frame, Moments
from varbench.bench.peers import problems as peers_problems
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical

from .test_kernels import NODES, logits, requested, separable
from .test_moments import differing

METHODS: dict[str, Sequence[dict[str, Any]]] = {
    "st_gumbel_softmax": [{"temperature": temperature} for temperature in (0.5, 0.7, 0.1, 1.0)],
    "straight_through": [{"temperature": 0.5}, {"temperature": 1.0}, {"identity": True}],
    "reinmax": [{"temperature": 1.0}, {"temperature": 2.0}],
    "reparameterization": [{}],
}
FIRST = COVARIANCE_DRAWS  # number of the block's first draw: from here on there are no sums of h h^T


def wide(dtype: torch.dtype) -> Problem:
    """200 entries: with eight samples a strip has 256 draws, the fewest, and a tile more."""
    return separable(Categorical(logits(20, 10, dtype=dtype)))


def problem_for(method: str, kind: str, dtype: torch.dtype) -> Problem:
    if method == "reparameterization":
        return dataclasses.replace(
            normal := peers_problems.normal(), node=normal.node.with_theta(normal.node.theta.to(dtype))
        )
    return wide(dtype) if kind == "wide" else separable(NODES[kind](dtype))


def frames_of(problem: Problem, group: Sequence[Request], known: bool) -> list[Frame]:
    shift = [torch.linspace(-0.3, 0.4, problem.node.theta.numel(), dtype=torch.float64) * k for k in range(len(group))]
    return [Frame(each, each + 0.1 if known else None, 10**6, 50) for each in shift]


def of_strips(
    problem: Problem, group: Sequence[Request], frames: Sequence[Frame], wanted: int, number: int
) -> list[Moments]:
    """The sums over draws that are made first."""
    block = run_block(problem, group, 0, number, block_rows(problem, group[0]), wanted=wanted)
    sums = [BlockSums(frame, FIRST, wanted) for frame in frames]
    for place, draws in block.strips():
        assert isinstance(draws, torch.Tensor)
        sums[place].add(problem.rows(draws)[: wanted - sums[place].count])
    return [each.moments() for each in sums]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("wanted", "known"), [(512, True), (449, False), (3, True)])
@pytest.mark.parametrize("S", [1, 2, 8])
@pytest.mark.parametrize(
    ("method", "kind"),
    [(method, kind) for method in METHODS for kind in ("categorical", "masked", "two_classes", "bernoulli", "wide")
     if (method, kind) != ("st_gumbel_softmax", "bernoulli") and (method != "reparameterization" or kind == "wide")],
)  # fmt: skip
def test_sums_are_those_of_the_draws(
    method: str, kind: str, S: int, wanted: int, known: bool, dtype: torch.dtype
) -> None:
    problem = problem_for(method, kind, dtype)
    group = [requested(method, S, **config) for config in METHODS[method]]
    frames = frames_of(problem, group, known)
    block = run_block(problem, group, 0, 5, block_rows(problem, group[0]), wanted=wanted)
    found = block.summed(frames, FIRST)
    assert set(found) == set(range(len(group)))
    for place, sums in enumerate(of_strips(problem, group, frames, wanted, 5)):
        assert differing(found[place], sums) == []
    (twin, *_) = of_strips(problem, group, frames, wanted, 6)
    assert {"h", "h2", "batches"} <= set(differing(found[0], twin))


@pytest.mark.parametrize("method", ["reinmax", "st_gumbel_softmax"])
def test_more_entries_than_a_tile_holds_of_256_draws(method: str) -> None:
    """1,100 entries, whose batches are 256, over tiles that are no multiple of them."""
    problem = separable(Categorical(logits(110, 10, dtype=torch.float32)))
    group = [requested(method, 1, temperature=1.0)]
    frames, rows = frames_of(problem, group, True), block_rows(problem, group[0])
    found = run_block(problem, group, 0, 5, rows, wanted=rows - 5).summed(frames, FIRST)
    (sums,) = of_strips(problem, group, frames, rows - 5, 5)
    assert differing(found[0], sums) == []


def test_a_group_of_every_way_has_the_sums_of_each_alone() -> None:
    """Summed or drawn by a kernel, by torch forms of strips and of whole blocks; more configs than one call takes."""
    problem = wide(torch.float32)
    group = [
        *(requested("reinmax", 2, temperature=1 + k / 10) for k in range(AT_ONCE + 1)),
        requested("reinmax", 2, temperature=1.0),
        requested("rloo", 2),
        requested("zgr", 2),
        requested("straight_through", 2, temperature=0.5),
    ]
    frames = frames_of(problem, group, True)
    together = sum_block(problem, run_block(problem, group, 0, 5, 1024), frames, FIRST, 1000)
    for place, one in enumerate(group):
        (alone,) = sum_block(problem, run_block(problem, [one], 0, 5, 1024), [frames[place]], FIRST, 1000)
        assert isinstance(alone, Moments)
        assert differing(together[place], alone) == []  # type: ignore[arg-type]


def test_one_kernel_sums_what_is_asked_of_it() -> None:
    """One config alone has the sums that it has among others."""
    problem = wide(torch.float32)
    group = [requested("st_gumbel_softmax", 1, **config) for config in METHODS["st_gumbel_softmax"]]
    frames = frames_of(problem, group, True)
    together = run_block(problem, group, 0, 5, 4096).summed(frames, FIRST)
    for place, one in enumerate(group):
        alone = run_block(problem, [one], 0, 5, 4096).summed([frames[place]], FIRST)
        assert differing(alone[0], together[place]) == []


def test_what_a_kernel_cannot_sum_is_drawn() -> None:
    """The first draws, whose h h^T is kept; coins of ST Gumbel-Softmax; entries that are tied."""
    coins = separable(Bernoulli(logits(6)))
    one = requested("st_gumbel_softmax", 1, temperature=0.5)
    frames = frames_of(coins, [one], True)
    assert run_block(coins, [one], 0, 5, 512).summed(frames, FIRST) == {}
    reinmax = requested("reinmax", 1, temperature=1.0)
    assert run_block(coins, [reinmax], 0, 5, 512).summed(frames, 0) == {}
    assert set(run_block(coins, [reinmax], 0, 5, 512).summed(frames, FIRST)) == {0}
    tied = dataclasses.replace(coins, tie=torch.ones(1, 6, dtype=torch.float64))
    assert run_block(tied, [reinmax], 0, 5, 512).summed(frames, FIRST) == {}


def test_draws_that_are_not_finite_are_counted() -> None:
    """Slopes of 3e38 at the first class, more than float32 holds once they are divided by the temperature."""

    def terms(x: torch.Tensor) -> torch.Tensor:
        return 1e38 * x[..., 0].pow(3)

    node = Categorical(torch.zeros(20, 10))
    steep = Problem("steep", node, lambda x: terms(x).sum(-1), terms=terms)
    one = requested("straight_through", 1, temperature=0.05)
    group = [one, requested("straight_through", 1, temperature=1.0)]  # the other is as it would be alone
    frames, block = frames_of(steep, group, True), run_block(steep, group, 0, 5, 1024)
    assert set(block.summed(frames, FIRST)) == {1}
    sums, other = sum_block(steep, block, frames, FIRST, 1024)
    alone = run_block(steep, group[1:], 0, 5, 1024).summed(frames[1:], FIRST)
    draws, _ = block.draws
    assert isinstance(other, Moments)
    assert differing(other, alone[0]) == []
    assert isinstance(sums, Moments)
    assert isinstance(draws, torch.Tensor)
    lost = int((~torch.isfinite(draws.flatten(1))).any(1).sum())
    assert 0 < sums.num_nonfinite == lost < 1024
