"""Estimators that learn: fitted once, counted, frozen, and on noise that no draw shares."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from varbench import Bernoulli, Estimator, Facts, Problem, measure
from varbench.bench.draws import request
from varbench.bench.fitting import fitted
from varbench.estimators.errors import InputError
from varbench.estimators.estimator import independent, weighted

FACTS = Facts("baselined", ("bernoulli",), ("values",), True, "here", config={"rows": 64})
PROBLEM = Problem(
    name="two", node=Bernoulli(torch.tensor([0.5, -1.0]).double()), cost=lambda x: (x.sum(-1) - 0.3).square() + 5
)


def fit(node: Any, evaluate: Any, stream: Any, S: int, *, rows: int) -> Tensor:
    values, _ = evaluate(node.draw(stream(0, rows), S))
    return values.mean()


def combine(node: Any, noise: Any, x: Tensor, values: Tensor, slopes: Any, *, state: Tensor) -> Tensor:
    return weighted(values - state, node.score(x)).mean(1)


BASELINED = Estimator(FACTS, independent, combine, fit)


def test_a_fit_is_counted_and_its_state_is_used() -> None:
    found = measure(PROBLEM, BASELINED, num_draws=4096, num_samples=2, rows=32)
    assert found.fit_values == 64
    assert found.fit_seconds is not None
    assert found.fit_seconds > 0
    assert found.unbiased_p is not None
    assert found.unbiased_p > 1e-3
    plain = measure(PROBLEM, "reinforce", num_draws=4096, num_samples=2, timing=False)
    assert plain.fit_values is None
    assert plain.fit_seconds is None
    assert found.variance is not None
    assert plain.variance is not None
    assert found.variance < plain.variance / 10, "five is subtracted"


def test_the_same_seed_fits_the_same_state_on_noise_of_its_own() -> None:
    states = [fitted(PROBLEM, request(PROBLEM, BASELINED, {"rows": 8}, 1), seed).state for seed in (0, 0, 1)]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])
    seen: list[str] = []

    def spy(node: Any, evaluate: Any, stream: Any, S: int, *, rows: int) -> Tensor:
        seen.append(stream(0, rows).problem)
        return torch.zeros(())

    fitted(PROBLEM, request(PROBLEM, replace(BASELINED, fit=spy), {"rows": 8}, 1), 0)
    assert seen == ["two (fit)"]


def test_a_state_without_a_fit_and_a_fit_without_a_state_are_refused() -> None:
    with pytest.raises(ValueError, match="exactly if there is a fit"):
        Estimator(FACTS, independent, combine)
    with pytest.raises(ValueError, match="exactly if there is a fit"):
        Estimator(FACTS, independent, lambda node, noise, x, values, slopes, *, rows: x, fit)


def test_a_fit_that_fails_is_named() -> None:
    def broken(node: Any, evaluate: Any, stream: Any, S: int, *, rows: int) -> Tensor:
        raise ZeroDivisionError("no rows")

    with pytest.raises(InputError, match="'baselined': fit raised ZeroDivisionError: no rows"):
        measure(PROBLEM, replace(BASELINED, fit=broken), num_draws=100)
