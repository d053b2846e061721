"""Moments and intervals against direct computation, exact identities and known laws."""

import itertools
import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from varbench.bench.bias import _noncentrality
from varbench.bench.block_sums import block_moments
from varbench.bench.covariance import _trace_of_square, covariance
from varbench.bench.intervals import Statistics, statistics
from varbench.bench.moments import Frame, Moments
from varbench.bench.tails import pareto_k, tail_size
from varbench.bench.timing import median_rank
from varbench.bench.tree import Tree

from .fixtures import tails

FIXTURES = Path(__file__).with_name("fixtures")
EPS = torch.finfo(torch.float64).eps


def moments_of(draws: Tensor, exact: Tensor | None = None, block: int = 64) -> tuple[Moments, Frame]:
    frame = Frame(draws[:block].mean(0), exact, len(draws), tail_size(len(draws)) + 1)
    blocks = draws.split(block)
    tree = Tree(len(blocks))
    for number, part in enumerate(blocks):
        tree.add(number, block_moments(part, frame, number * block))
    return tree.total(), frame


def statistics_of(
    draws: Tensor, exact: Tensor | None = None, rarest: float | None = None, certain: bool = True
) -> Statistics:
    moments, frame = moments_of(draws, exact)
    return statistics(moments, frame, EPS * float(draws.abs().max()), rarest, certain)


def correlated(N: int, n: int, seed: int = 0, mean: float = 0.0) -> Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_exponential((N, n)) @ rng.standard_normal((n, n)) + mean)


@pytest.mark.parametrize(("N", "n"), [(1000, 1), (1000, 5), (777, 256), (300, 300), (1500, 300)])
@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_moments_are_those_of_the_draws(N: int, n: int, mean: float) -> None:
    draws = correlated(N, n, mean=mean)
    moments, frame = moments_of(draws)
    cov = covariance(moments, frame)
    h = draws - draws.mean(0)
    v = h.square().sum(1)
    tolerance = 1e-9 if mean == 0 else 1e-6
    assert cov.trace == pytest.approx(float(v.sum()) / (N - 1), rel=tolerance)
    if n <= 256:  # beyond, one term of the shift from pilot to mean is estimated from batches
        assert cov.fourth == pytest.approx(float(v.square().sum()), rel=tolerance)
        assert cov.spread == pytest.approx(float(v.var(correction=0)), rel=10 * tolerance)
    else:
        assert cov.fourth == pytest.approx(float(v.square().sum()), rel=1e-2)


def test_batches_of_single_draws_give_the_full_trace_of_square() -> None:
    """For 256 < n and N < 512 every draw is its own batch: the Gram matrix knows all of tr Sigma^2."""
    draws = correlated(400, 300)
    moments, frame = moments_of(draws)
    S = torch.cov(draws.T)
    v = (draws - draws.mean(0)).square().sum(1)
    expected = _trace_of_square(400, float(S.square().sum()) * 399**2, float(S.trace()), float(v.square().sum()))
    assert covariance(moments, frame).square == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [4, 5])
def test_trace_of_square_is_unbiased_for_any_law(n: int) -> None:
    """Its mean over all samples of n points of a skewed four-point law is tr Sigma^2 exactly."""
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [5.0, 1.0]])
    p = np.array([0.4, 0.3, 0.2, 0.1])
    sigma = (points.T * p) @ points - np.outer(p @ points, p @ points)
    mean = 0.0
    for chosen in itertools.product(range(4), repeat=n):
        x = points[list(chosen)]
        h = x - x.mean(0)
        v = (h**2).sum(1)
        estimate = _trace_of_square(n, float(((h.T @ h) ** 2).sum()), float(v.sum()) / (n - 1), float((v**2).sum()))
        mean += float(np.prod(p[list(chosen)])) * estimate
    assert mean == pytest.approx(float((sigma**2).sum()), rel=1e-12)


def test_the_tree_gives_the_same_bits_in_any_order() -> None:
    draws = correlated(1000, 3)
    frame = Frame(draws[:64].mean(0), draws.mean(0), 1000, 50)
    blocks = [block_moments(part, frame, 64 * i) for i, part in enumerate(draws.split(64))]
    rng = np.random.default_rng(1)
    totals = []
    for order in [range(len(blocks)), reversed(range(len(blocks))), rng.permutation(len(blocks)).tolist()]:
        tree = Tree(len(blocks))
        for number in order:
            tree.add(number, blocks[number])
        totals.append(tree.total())
    for name in ("h", "h2", "h4", "h2h", "outer", "error", "error2", "top"):
        first = getattr(totals[0], name)
        assert all(torch.equal(first, getattr(other, name)) for other in totals[1:])


def test_the_top_values_are_the_largest_of_all_blocks() -> None:
    draws = correlated(1000, 2)
    moments, frame = moments_of(draws, block=16)
    direct = (draws - frame.shift).square().sum(1).topk(frame.num_top).values
    torch.testing.assert_close(moments.top, direct, rtol=1e-14, atol=0)


@pytest.mark.parametrize("nu", [1.0, 2.5, 40.0, 700.0])
@pytest.mark.parametrize("T", [0.1, 1.0, 30.0, 900.0, 3e4])
@pytest.mark.parametrize("probability", [0.025, 0.975])
def test_noncentrality_inverts_the_noncentral_chi2(nu: float, T: float, probability: float) -> None:
    found = _noncentrality(T, nu, probability)
    if found == 0:
        assert stats.chi2.cdf(T, nu) <= probability
    else:
        assert stats.ncx2.cdf(T, nu, found) == pytest.approx(probability, abs=2e-3 if T > 1e4 else 1e-6)


def test_mse_is_bias_plus_variance_exactly() -> None:
    draws, exact = correlated(500, 3), torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    found = statistics_of(draws, exact)
    assert found.bias_sq is not None
    assert found.mse is not None
    assert found.mse.value == found.bias_sq.value + found.variance.value
    e = (draws - exact).square().sum(1)
    nu = 2 * float(e.mean()) ** 2 * 500 / float(e.var())  # of the chi^2 with the same mean and variance
    assert found.mse.value == pytest.approx(float(e.mean()), rel=1e-12)
    assert found.mse.lower == pytest.approx(nu * float(e.mean()) / stats.chi2.ppf(0.975, nu), rel=1e-9)
    assert found.mse.upper == pytest.approx(nu * float(e.mean()) / stats.chi2.ppf(0.025, nu), rel=1e-9)


def coverage(law: str, replicates: int, N: int) -> tuple[int, int, int]:
    """How often the intervals of variance, bias_sq and mse hold the truth, on D = 3 with bias 0.1."""
    rng = np.random.default_rng(5)
    mix = np.array([[1.0, 0.8, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.7]])
    raw = rng.standard_normal if law == "normal" else rng.random
    scale = 1.0 if law == "normal" else math.sqrt(12)
    shift = 0.0 if law == "normal" else 0.5
    trace, bias = float((mix**2).sum()), 0.1
    hits = np.zeros(3, int)
    for _ in range(replicates):
        draws = torch.from_numpy((raw((N, 3)) - shift) * scale @ mix)
        found = statistics_of(draws, torch.tensor([bias, 0.0, 0.0], dtype=torch.float64))
        assert found.bias_sq is not None
        assert found.mse is not None
        truths = (trace, bias**2, trace + bias**2)
        for position, interval in enumerate((found.variance, found.bias_sq, found.mse)):
            hits[position] += interval.lower <= truths[position] <= interval.upper
    return int(hits[0]), int(hits[1]), int(hits[2])


@pytest.mark.slow
@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_intervals_cover(law: str) -> None:
    """With true coverage 95 % a test fails with probability 3e-4; 91 % would be found with probability 0.9."""
    replicates = 600
    for hits in coverage(law, replicates, 800):
        assert hits >= stats.binom.ppf(1e-4, replicates, 0.95)
        assert hits <= stats.binom.ppf(1 - 1e-4, replicates, 0.975)


def test_two_point_draws_are_covered_only_by_the_second_order_term() -> None:
    """Of |h|^2 the first-order error vanishes; 95 % must still be covered. False-fail rate 1e-4."""
    rng = np.random.default_rng(2)
    hits, replicates = 0, 400
    for _ in range(replicates):
        found = statistics_of(torch.from_numpy(rng.choice([-1.0, 1.0], (500, 1))))
        assert found.marks == ["degenerate"]
        hits += found.variance.lower <= 1.0 <= found.variance.upper
    assert hits >= stats.binom.ppf(1e-4, replicates, 0.94)


@pytest.mark.parametrize("k", [0.1, 0.4, 0.7, 1.2])
def test_pareto_k_finds_the_shape(k: float) -> None:
    """On the quantiles of a generalised Pareto law, where there is no sampling error but the fit's own."""
    N = 100_000
    u = (np.arange(N) + 0.5) / N
    values = np.sort(((1 - u) ** -k - 1) / k)[::-1]
    found = pareto_k(values[: tail_size(N) + 1].copy(), N)
    assert found == pytest.approx(k, abs=0.05)


@pytest.mark.parametrize(("place", "k"), json.loads((FIXTURES / "arviz_k.json").read_text()).items())
def test_pareto_k_agrees_with_arviz(place: str, k: float) -> None:
    law, size = place.split(",")
    values = np.sort(tails.sample(law, int(size)))[::-1]
    assert pareto_k(values[: tail_size(int(size)) + 1].copy(), int(size)) == pytest.approx(k, rel=1e-9)


def test_pareto_k_where_a_point_of_its_profile_is_the_exponential_law() -> None:
    """b_9 = (1 - sqrt(34 / 8.5)) / (3 quartile) + 1 / largest is exactly 0 for 20 values: 0 / 0 without its limit."""
    excess = np.array([0.2, 0.4, 0.6, 0.8, 1.0, *np.linspace(1.1, 2.8, 14), 3.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pareto_k(np.append(excess[::-1], 0.0), 100)
        near = pareto_k(np.append(excess[::-1] * (1 + 1e-9 * (excess[::-1] < 3)), 0.0), 100)
    assert found == pytest.approx(near, rel=1e-6)


def test_pareto_k_is_null_where_the_top_ties() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pareto_k(np.append(np.linspace(2, 1.1, 15), np.ones(6)), 100) is None  # the quartile of 20 is their 5th
    almost = 3 * (1 + 1e-15 * np.arange(200)[::-1])
    assert pareto_k(almost, 4000) is None
    assert pareto_k(np.ones(200), 4000) is None
    assert pareto_k(np.repeat([3.0, 2.0, 1.0], 100), 4000) is None
    assert pareto_k(np.array([3.0, 2.0]), 10) is None


def test_marks() -> None:
    rng = np.random.default_rng(0)
    normal = torch.from_numpy(rng.standard_normal((2000, 2)))
    assert statistics_of(normal).marks == []
    assert statistics_of(normal, rarest=29.0).marks == ["rare_outcome"]
    assert statistics_of(normal, rarest=30.0).marks == []
    heavy = statistics_of(torch.from_numpy(rng.standard_t(1.5, (2000, 1))))
    assert "heavy_tail" in heavy.marks
    one = normal.clone()
    one[7] = 30.0
    assert "one_draw_dominates" in statistics_of(one).marks


def test_draws_that_differ_by_rounding_have_no_variance() -> None:
    draws = torch.full((100, 1), 0.1, dtype=torch.float64)
    draws[::2] += 2 * EPS
    found = statistics_of(draws, torch.tensor([0.1], dtype=torch.float64))
    assert found.marks == ["zero_variance"]
    assert found.variance.value == found.variance.upper == 0
    assert found.unbiased_p == 1
    assert found.bias_sq is not None
    assert found.bias_sq.lower == 0
    biased = statistics_of(draws, torch.tensor([0.2], dtype=torch.float64))
    assert biased.unbiased_p == 1e-4
    assert biased.bias_sq is not None
    assert biased.bias_sq.lower <= 0.01 <= biased.bias_sq.upper
    assert biased.bias_sq.lower == pytest.approx(0.01)


def test_p_values_are_uniform_where_the_estimator_is_unbiased() -> None:
    """Kolmogorov-Smirnov at level 1e-4 over 500 replicates."""
    rng = np.random.default_rng(3)
    p = [
        statistics_of(torch.from_numpy(rng.standard_normal((400, 2))), torch.zeros(2, dtype=torch.float64)).unbiased_p
        for _ in range(500)
    ]
    assert stats.kstest(p, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("n", [6, 15, 40])
def test_median_rank_brackets_95_percent_and_no_more_than_needed(n: int) -> None:
    k = median_rank(n)
    assert 2 * stats.binom.cdf(k - 1, n, 0.5) <= 0.05 < 2 * stats.binom.cdf(k, n, 0.5)


def test_replicates_are_the_parts_of_variance_and_mse() -> None:
    draws, exact = correlated(1000, 3), torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    found = statistics_of(draws, exact)
    for name, centre in (("variance", draws.mean(0)), ("mse", exact)):
        direct = (draws - centre).square().sum(1)
        expected = [float(direct[k::64].mean()) for k in range(64)]
        assert found.replicates[name] == pytest.approx(expected, rel=1e-9)
    assert statistics_of(draws[:100], exact).replicates == {}


def test_equal_draws_that_may_hide_an_outcome_prove_nothing() -> None:
    """All draws equal, but an outcome of positive probability was never drawn: no bias is shown, none excluded."""
    draws, exact = torch.zeros(500, 1, dtype=torch.float64), torch.tensor([1e-4], dtype=torch.float64)
    found = statistics_of(draws, exact, rarest=0.1, certain=False)
    assert found.marks == ["rare_outcome", "zero_variance"]
    assert found.unbiased_p == 1
    assert found.bias_sq is not None
    assert (found.bias_sq.lower, found.bias_sq.upper) == (0, math.inf)
    assert (found.variance.lower, found.variance.upper) == (0, math.inf)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "weak"), [(10, 0.5), (200, 0.2)])
@pytest.mark.parametrize("bias", [0.0, 3.0, 10.0])
def test_bias_along_the_strongest_noise_is_covered(n: int, weak: float, bias: float) -> None:
    """One coordinate of sd 1, the others weak, the bias along the strong one, in units of sqrt(tr Sigma / N).

    The inverted noncentral chi^2 alone covers 55 to 85 % here. False-fail rate 1e-4 at a true coverage of 93 %.
    """
    rng, N, replicates = np.random.default_rng(7), 1000, 200
    scale = np.r_[1.0, np.full(n - 1, weak)]
    b = bias * math.sqrt((scale**2).sum() / N)
    exact = torch.zeros(n, dtype=torch.float64)
    exact[0] = b
    hits = 0
    for _ in range(replicates):
        found = statistics_of(torch.from_numpy(rng.standard_normal((N, n)) * scale), exact)
        assert found.bias_sq is not None
        assert found.unbiased_p is not None
        assert found.bias_sq.lower == 0 or found.unbiased_p < 0.025  # what is shown by one is shown by the other
        hits += found.bias_sq.lower <= b**2 <= found.bias_sq.upper
    assert hits >= stats.binom.ppf(1e-4, replicates, 0.93)


@pytest.mark.parametrize(("rows", "count"), [(16, 700), (16, 256), (64, 100), (512, 2048), (16, 250)])
def test_batches_that_hold_no_draw_are_left_out_and_change_no_bit(rows: int, count: int) -> None:
    torch.manual_seed(rows + count)
    h = torch.randn(count, 300, dtype=torch.float64)
    tree = Tree(-(-count // rows))
    frame = Frame(torch.zeros(300, dtype=torch.float64), None, 10_000, 3)
    plain = torch.zeros(frame.num_batches, 300, dtype=torch.float64)
    for number, part in enumerate(h.split(rows)):
        tree.add(number, block_moments(part, frame, number * rows))
    for first in range(0, count, frame.num_batches):
        part = h[first : first + frame.num_batches]
        plain[: len(part)] += part
    found = tree.total().batches
    assert len(found.sums) == min(count, frame.num_batches)
    assert torch.equal(found.whole(), plain) if count <= 700 else torch.allclose(found.whole(), plain, rtol=1e-14)


@pytest.mark.parametrize(("N", "n"), [(256, 1), (200, 7), (256, 300), (64, 40)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("known", [True, False])
def test_sums_by_kernel_are_those_of_torch(
    N: int, n: int, dtype: torch.dtype, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draws last or first, whole blocks or the last, shorter one."""
    draws = correlated(N, n, mean=3.0).to(dtype)
    shift, exact = draws[:50].double().mean(0), torch.full((n,), 2.5, dtype=torch.float64) if known else None
    frame = Frame(shift, exact, 4 * N, 20)
    last = draws.T.contiguous().T
    found = [block_moments(one, frame, 256) for one in (draws, last)]
    monkeypatch.setattr("varbench.bench.block_sums.HAS_KERNELS", False)
    expected = block_moments(draws, frame, 256)
    for one in found:
        for name in ("h", "h2", "h4", "h2h", "outer", "error", "error2", "top", "largest", "parts"):
            mine, other = getattr(one, name), getattr(expected, name)
            assert (mine is None) == (other is None), name
            if other is not None:
                torch.testing.assert_close(mine, other, rtol=1e-11, atol=1e-9, msg=name)
        torch.testing.assert_close(one.batches.whole(), expected.batches.whole(), rtol=1e-11, atol=1e-9)
        assert one.num_nonfinite == expected.num_nonfinite == 0


def test_a_kernel_counts_what_is_not_finite() -> None:
    draws = correlated(256, 3)
    draws[5, 1], draws[7, 2], draws[7, 0] = math.nan, math.inf, -math.inf
    found = block_moments(draws, Frame(torch.zeros(3, dtype=torch.float64), None, 256, 5), 0)
    assert found.num_nonfinite == 2
    draws[5, 1], draws[7, 2], draws[7, 0] = 1e200, 0.0, 0.0
    assert block_moments(draws, Frame(torch.zeros(3, dtype=torch.float64), None, 256, 5), 0).num_nonfinite == 0


@pytest.mark.parametrize("n", [1, 5, 100])
def test_the_first_draws_tell_the_directions_of_sigma(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With sum h h^T of the first 2,048 of 8,192 draws: tr Sigma to the bit, the rest as near as 2,048 draws are."""
    draws, exact = correlated(8192, n, mean=1.0), torch.full((n,), 1.5, dtype=torch.float64)
    whole = covariance(*moments_of(draws, exact))
    monkeypatch.setattr("varbench.bench.block_sums.COVARIANCE_DRAWS", 2048)
    moments, frame = moments_of(draws, exact)
    assert moments.outer is None
    assert moments.head is not None
    assert moments.head.count == 2048
    assert torch.equal(moments.head.h, moments_of(draws[:2048], exact)[0].h)
    found = covariance(moments, frame)
    assert found.trace == whole.trace
    assert found.fourth == pytest.approx(whole.fourth, rel=1e-3)
    assert found.spread == pytest.approx(whole.spread, rel=1e-2)
    assert found.square == pytest.approx(whole.square, rel=0.15)
    assert found.along == pytest.approx(whole.along, rel=0.3)
