"""Plausible mistakes, each caught by the very check that the right estimator passes."""

from dataclasses import replace

import pytest

from varbench.estimators.catalogue import CATALOGUE
from varbench.estimators.estimator import Estimator, load

from . import proofs  # noqa: F401  (enters the twins)
from .exact_moments import assert_unbiased, polynomial
from .proofs.core import rloo_with_the_score_of_one_sample
from .twins import COIN, TWINS, Check, draws_independently


@pytest.mark.parametrize(("right", "wrong", "check"), TWINS)
def test_check_passes_the_estimator_and_catches_its_twin(right: Estimator, wrong: Estimator, check: Check) -> None:
    check(right)
    with pytest.raises(AssertionError, match=r"not close|is not|vary"):
        check(wrong)


def test_variance_catches_what_the_mean_does_not() -> None:
    assert_unbiased(replace(load("rloo"), combine=rloo_with_the_score_of_one_sample), COIN, polynomial(COIN, 3), 2)


# its nodes draw by rejection, row by row
SLOW = {"implicit"}
RANDOM = [
    pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW))
    for name, facts in CATALOGUE.items()
    if not facts.deterministic
]


@pytest.mark.parametrize("name", RANDOM)
def test_draws_are_independent(name: str) -> None:
    draws_independently(load(name))
