"""Sums over a block: strip by strip, in every layout, and the largest of what comes in any order."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from varbench.bench.block_sums import BlockSums, block_moments
from varbench.bench.gathered import Batches, Largest
from varbench.bench.moments import Frame, Moments
from varbench.bench.paths import HAS_KERNELS
from varbench.bench.records import NUM_REPLICATES
from varbench.bench.tree import Tree

FIELDS = ("count", "h", "h2", "h4", "h2h", "error", "error2", "parts", "top", "largest", "num_nonfinite")
kernels = pytest.mark.skipif(not HAS_KERNELS, reason="numba is not installed")


def gradients(N: int, n: int, dtype: torch.dtype = torch.float64, mean: float = 2.0) -> Tensor:
    """Draws last, as kernels leave them."""
    rng = np.random.default_rng(1000 * N + n)
    return torch.from_numpy(rng.standard_exponential((n, N)) + mean).to(dtype).T


def frame_of(draws: Tensor, known: bool = True, num_draws: int = 10**5, num_top: int = 100) -> Frame:
    shift = draws[:64].double().mean(0)
    return Frame(shift, torch.full_like(shift, 2.9) if known else None, num_draws, num_top)


def in_strips(draws: Tensor, frame: Frame, first: int, size: int) -> Moments:
    sums = BlockSums(frame, first, len(draws))
    for strip in draws.split(size):
        sums.add(strip)
    return sums.moments()


def differing(one: Moments, other: Moments) -> list[str]:
    """The fields that differ in a bit."""
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in FIELDS}
    pairs["batches"] = (one.batches.whole(), other.batches.whole())
    return [name for name, (a, b) in pairs.items() if not (torch.equal(a, b) if isinstance(a, Tensor) else a == b)]


def assert_near(one: Moments, other: Moments) -> None:
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in FIELDS}
    for name, (a, b) in pairs.items():
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-10, msg=name)
    torch.testing.assert_close(one.batches.whole(), other.batches.whole(), rtol=1e-12, atol=1e-12)


@kernels
@pytest.mark.parametrize(
    ("N", "n"), [(4096, 1), (3000, 10), (1024, 200), (1000, 256), (512, 300), (200, 300), (100, 5)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("known", [True, False])
def test_strips_have_the_bits_of_the_block(N: int, n: int, dtype: torch.dtype, known: bool) -> None:
    draws = gradients(N, n, dtype)
    frame = frame_of(draws, known)
    whole = block_moments(draws, frame, 4096)
    for size in (256, 512, 1024):
        found = in_strips(draws, frame, 4096, size)
        assert differing(found, whole) == []
        if whole.outer is not None:
            torch.testing.assert_close(found.outer, whole.outer, rtol=1e-12, atol=1e-9)
    assert differing(block_moments(draws.contiguous(), frame, 4096), whole) == []
    short = in_strips(draws, frame, 4096, 64)
    assert set(differing(short, whole)) <= {"h2h"}
    torch.testing.assert_close(short.h2h, whole.h2h, rtol=1e-12, atol=1e-9)
    twin = in_strips(draws.flip(0), frame, 4096, 64)  # the twin: draws that take the places of others
    assert {"parts", "batches"} <= set(differing(twin, whole))


@kernels
def test_strips_that_would_change_the_bits_are_refused() -> None:
    draws = gradients(256, 3)
    sums = BlockSums(frame_of(draws), 0, 256)
    sums.add(draws[:65])
    with pytest.raises(ValueError, match="65 of 256"):
        sums.add(draws[65:])
    with pytest.raises(ValueError, match="65 of a block's 256"):
        sums.moments()
    with pytest.raises(ValueError, match="after 0 of 200"):
        BlockSums(frame_of(draws), 0, 200).add(draws)


@kernels
@pytest.mark.parametrize(("N", "n"), [(1024, 9), (100, 8), (300, 300), (40, 300), (1, 4), (1, 1000), (2, 1), (70, 1)])
@pytest.mark.parametrize("first", [0, 64, 37, 300])
def test_kernels_and_torch_agree_wherever_a_block_begins(
    N: int, n: int, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draws first, last, a part of longer rows, every other one, and one draw repeated."""
    wide = gradients(2 * N, n, torch.float32)
    frame = frame_of(wide)
    layouts = [wide[:N], wide[:N].contiguous(), wide.contiguous()[:N], wide[::2], wide[:1].expand(N, -1)]
    found = [block_moments(draws, frame, first) for draws in layouts]
    monkeypatch.setattr("varbench.bench.block_sums.HAS_KERNELS", False)
    for one, draws in zip(found, layouts, strict=True):
        assert_near(one, block_moments(draws, frame, first))
        assert_near(one, in_strips(draws, frame, first, 64))


@kernels
@pytest.mark.parametrize("mean", [0.0, 1e4, -1e8])
def test_sums_are_exact_where_the_mean_outweighs_the_spread(mean: float) -> None:
    """Against sums of rational numbers: a kernel that added g, not g - shift, would be off by 1e4 times as much."""
    draws = gradients(256, 9, mean=mean)
    frame = frame_of(draws)
    found = block_moments(draws, frame, 0)
    h = (draws - frame.shift).numpy()
    exact = [[Fraction(float(x)) for x in row] for row in h]
    sq = [sum(x * x for x in row) for row in exact]
    assert float(found.h2) == pytest.approx(float(sum(sq)), rel=1e-14)
    assert float(found.h4) == pytest.approx(float(sum(s * s for s in sq)), rel=1e-14)
    for j in range(9):
        size = float(sum(abs(s * row[j]) for s, row in zip(sq, exact, strict=True)))
        of_squares = float(sum(s * row[j] for s, row in zip(sq, exact, strict=True)))
        assert float(found.h2h[j]) == pytest.approx(of_squares, abs=1e-14 * size)
        assert float(found.h[j]) == pytest.approx(float(sum(row[j] for row in exact)), abs=1e-14 * float(abs(h).sum()))


@kernels
def test_lanes_are_the_parts_of_a_record() -> None:
    from varbench.estimators.kernels.moments import LANES

    assert LANES == NUM_REPLICATES


@pytest.mark.parametrize("size", [64, 512])
def test_what_is_not_finite_is_counted_in_any_strip(size: int) -> None:
    draws = gradients(512, 6).clone()
    draws[3, 1], draws[200, 2], draws[200, 5], draws[511, 0] = math.nan, math.inf, -math.inf, math.nan
    found = in_strips(draws, frame_of(draws[4:100]), 0, size)
    assert found.num_nonfinite == 3
    assert len(found.top) == 0
    draws = gradients(512, 6).clone()
    draws[70, 0] = 1e200  # finite, though its square is not
    found = in_strips(draws, frame_of(draws), 0, size)
    assert found.num_nonfinite == 0
    assert float(found.largest) == 1e200


def test_the_largest_do_not_depend_on_the_order() -> None:
    """Few different numbers, so that many tie, in every order and grouping of six sets of them."""
    rng = np.random.default_rng(0)
    for most in (1, 3, 4, 50):
        sets = [rng.integers(0, 4, size=size).astype(float) for size in (5, 1, 9, 3, 12, 7)]
        expected = np.sort(np.concatenate(sets))[::-1][:most].tolist()
        for order in itertools.permutations([Largest(values, most) for values in sets]):
            one_by_one = sum(order[1:], order[0])
            in_pairs = (order[0] + order[1]) + ((order[2] + order[3]) + (order[4] + order[5]))
            assert one_by_one.descending().tolist() == in_pairs.descending().tolist() == expected
            assert len(in_pairs.values) <= 2 * most or most > 18


def test_two_sets_with_one_bound_keep_what_ties_with_it() -> None:
    """The twin: to leave out of both what is not above the bound would keep one number of the three."""
    one, other = (Largest(np.array([1.0, last, 1.0]), 3, 1.0) for last in (5.0, 1.0))
    assert (one + other).descending().tolist() == [5.0, 1.0, 1.0]


def test_a_tree_keeps_the_largest_of_all_blocks_in_any_order() -> None:
    draws = gradients(2048, 3)
    frame = frame_of(draws, num_top=30)
    blocks = [block_moments(part, frame, 64 * i) for i, part in enumerate(draws.split(64))]
    rng = np.random.default_rng(2)
    for order in (range(32), rng.permutation(32).tolist()):
        tree = Tree(32)
        for number in order:
            tree.add(number, blocks[number])
        torch.testing.assert_close(tree.total().top, block_moments(draws, frame, 0).top, rtol=1e-14, atol=0)


@pytest.mark.parametrize("rows", [1, 8, 32, 64, 128, 256])
def test_short_blocks_of_long_gradients_add_up_to_the_batches(rows: int) -> None:
    """Narrow ones draws first, wide ones draws last, and both once they are whole."""
    draws = gradients(512, 300)
    frame = frame_of(draws)
    tree = Tree(512 // rows)
    for number, part in enumerate(draws.split(rows)):
        tree.add(number, block_moments(part, frame, number * rows))
    h = draws - frame.shift
    found = tree.total().batches
    assert isinstance(found, Batches)
    assert torch.equal(found.whole(), h[:256] + h[256:])
