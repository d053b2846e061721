"""Comparisons on common noise: the paired limit covers, pairing helps, and what cannot be bounded is not."""

import math

import numpy as np
import pytest

from varbench.bench.paired import Score, excess, optimistic, standard_error
from varbench.bench.records import NUM_REPLICATES as B


def scored(parts: np.ndarray, apart: float = 0.0) -> Score:
    return Score(float(parts.mean()), parts, apart, settled=True)


def test_the_limit_is_fiellers() -> None:
    rng = np.random.default_rng(0)
    first, other = scored(1 + 0.3 * rng.standard_normal(B)), scored(2 + 0.3 * rng.standard_normal(B))
    r = 1 + excess(first, other, 0.01)
    difference = first.parts - r * other.parts  # type: ignore[operator]
    t = difference.mean() / (difference.std(ddof=1) / math.sqrt(B))
    assert t == pytest.approx(-2.3870, abs=1e-3)  # the 1 % point of Student's t with 63 degrees of freedom


def test_pairing_shows_what_two_intervals_do_not() -> None:
    noise = np.random.default_rng(1).standard_normal(B)
    first, other = scored(1.00 + 0.3 * noise), scored(1.05 + 0.3 * noise)
    assert excess(first, other, 0.01) < 0
    assert excess(first, other, 0.01, paired=False) > 0.1


def test_one_thing_under_two_names_has_no_excess() -> None:
    one = scored(1 + np.random.default_rng(2).standard_normal(B))
    assert excess(one, one, 0.01) == 0
    assert excess(Score(0.0, None, 0.0, True), Score(0.0, None, 0.0, True), 0.01) == 0


def test_there_is_no_limit_above_what_may_be_zero_or_is_not_settled() -> None:
    one = scored(np.full(B, 1.0), 1e-6)
    assert excess(one, Score(1e-3, None, 1.0, True), 0.01) == math.inf
    assert excess(one, Score(5.0, None, 0.0, False), 0.01) == math.inf
    assert excess(Score(5.0, None, math.inf, True), one, 0.01) == math.inf


def test_the_limit_covers_at_its_level() -> None:
    # 2,000 pairs of correlated chi^2 parts of mean 1 and 2: the true ratio lies above the 5 % limit in 5 % of them,
    # to within 4.5 binomial standard errors (false-fail rate 1e-5), skewness left aside
    rng = np.random.default_rng(3)
    z = rng.standard_normal((2000, B, 32))
    other = 0.8 * z + 0.6 * rng.standard_normal(z.shape)
    above = [
        excess(scored((a**2).mean(1)), scored(2 * (b**2).mean(1)), 0.05) < -0.5 for a, b in zip(z, other, strict=True)
    ]
    assert 0.028 < np.mean(above) < 0.072


def test_the_optimistic_end_is_two_standard_errors_below() -> None:
    one = scored(np.random.default_rng(4).standard_normal(B), apart=0.5)
    assert standard_error(one) ** 2 == pytest.approx(0.5 + one.parts.var(ddof=1) / B)  # type: ignore[union-attr]
    assert optimistic(one) == one.value - 2 * standard_error(one)
