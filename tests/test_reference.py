"""An estimated truth: its run can be had again, and its error enters the intervals."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats

from varbench import Bernoulli, Problem
from varbench.bench.block_sums import block_moments
from varbench.bench.exact import Truth, truth
from varbench.bench.intervals import statistics
from varbench.bench.moments import Frame
from varbench.bench.reference import known_truth
from varbench.bench.resolve import problem_of
from varbench.bench.tails import tail_size
from varbench.bench.tree import Tree

WIDE = Problem("wide", Bernoulli(torch.zeros(30, dtype=torch.float64)), lambda b: b.mean(-1).square())


def exact_gradient_of_wide() -> torch.Tensor:
    """E (mean b)^2 = (sum p q + (sum p)^2) / D^2: the gradient of each logit is p q (1 - 2 p + 2 sum p) / D^2."""
    return torch.full((30,), 0.25 * (2 * 15.0) / 900, dtype=torch.float64)


def test_a_known_gradient_needs_no_run() -> None:
    problem = problem_of("shared_bernoulli")
    assert known_truth(problem, 0).method == truth(problem).method == "factorized_enumeration"


def test_a_run_finds_the_gradient_within_its_own_error() -> None:
    """|mean - exact|^2 against its expectation tr C; 10 times it has probability below 1e-9 for 30 entries."""
    found = known_truth(WIDE, 0, max_draws=2**14)
    assert found.gradient is not None
    assert found.method == "reference[estimator=rloo,num_samples=4,num_draws=16384]"
    distance = float((found.gradient - exact_gradient_of_wide()).square().sum())
    assert 0 < distance < 10 * found.error_trace
    assert 0 < found.error_square < found.error_trace**2


def test_the_same_number_of_draws_gives_the_same_bits() -> None:
    one, two = (known_truth(WIDE, 3, max_draws=2**13) for _ in range(2))
    assert one.gradient is not None
    assert two.gradient is not None
    assert torch.equal(one.gradient, two.gradient)
    other = known_truth(WIDE, 4, max_draws=2**13)
    assert other.gradient is not None
    assert not torch.equal(one.gradient, other.gradient)


def test_the_clock_ends_a_run_at_a_power_of_two() -> None:
    ticks = iter(range(100))
    found = known_truth(WIDE, 0, max_draws=2**20, max_seconds=7, clock=lambda: float(next(ticks)))
    assert found.method == "reference[estimator=rloo,num_samples=4,num_draws=32768]"


def replicate(rng: np.random.Generator, N: int, M: int, bias: float) -> tuple[bool, bool, float]:
    """Whether the intervals of bias_sq and mse hold the truth where the reference has M draws; and the p-value."""
    mix = np.array([[1.0, 0.6], [0.0, 0.8]])
    C = mix.T @ mix / M
    reference = torch.from_numpy(rng.standard_normal(2) @ mix / np.sqrt(M))
    draws = torch.from_numpy(rng.standard_normal((N, 2)) @ mix + [bias, 0.0])
    frame = Frame(draws.mean(0), reference, N, tail_size(N) + 1, float(np.trace(C)), float((C**2).sum()))
    tree = Tree(1)
    tree.add(0, block_moments(draws, frame, 0))
    found = statistics(tree.total(), frame, 1e-16, None, True)
    assert found.bias_sq is not None
    assert found.mse is not None
    assert found.unbiased_p is not None
    mse = bias**2 + float((mix**2).sum())
    return (
        found.bias_sq.lower <= bias**2 <= found.bias_sq.upper,
        found.mse.lower <= mse <= found.mse.upper,
        found.unbiased_p,
    )


@pytest.mark.parametrize(("M", "bias"), [(300, 0.0), (300, 0.3), (3000, 0.1)])
def test_intervals_cover_with_an_estimated_truth(M: int, bias: float) -> None:
    """At N = 1,000 and a reference shorter, or not much longer: without its error bias_sq would cover 60 %.

    With true coverage 95 % a test fails with probability 2e-4.
    """
    rng, replicates = np.random.default_rng(1), 600
    found = [replicate(rng, 1000, M, bias) for _ in range(replicates)]
    for hits in (sum(bias_hit for bias_hit, _, _ in found), sum(mse_hit for _, mse_hit, _ in found)):
        assert hits >= stats.binom.ppf(1e-4, replicates, 0.95)
    if bias == 0:
        rejected = sum(p < 0.05 for _, _, p in found)
        assert rejected <= stats.binom.ppf(1 - 1e-4, replicates, 0.05)


def test_without_its_error_an_estimated_truth_would_show_a_bias_that_is_not_there() -> None:
    """The twin of the test above: the reference's error forgotten."""
    rng = np.random.default_rng(1)
    draws = torch.from_numpy(rng.standard_normal((100_000, 2)))
    reference = torch.tensor([0.1, 0.0], dtype=torch.float64)  # off by its own error of 1/100 each
    blind = Frame(draws.mean(0), reference, len(draws), tail_size(len(draws)) + 1)
    aware = dataclasses.replace(blind, error_trace=0.02, error_square=0.0002)
    p = []
    for frame in (blind, aware):
        tree = Tree(1)
        tree.add(0, block_moments(draws, frame, 0))
        p.append(statistics(tree.total(), frame, 1e-16, None, True).unbiased_p)
    assert p[0] == 1e-4
    assert p[1] is not None
    assert p[1] > 0.1


def test_an_exact_truth_has_no_error() -> None:
    assert Truth(torch.zeros(1), "closed_form").error_trace == 0
