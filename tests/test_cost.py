"""How the harness calls a cost: what it checks, counts and copies."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from varbench import Bernoulli, Problem
from varbench.bench import cost
from varbench.bench.cost import Evaluator
from varbench.estimators.errors import CostError
from varbench.estimators.noise import PhiloxNoise

NODE = Bernoulli(torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64))


def points(rows: int = 10) -> Tensor:
    return NODE.draw(PhiloxNoise(0, "p", 0, rows), 2)


def evaluator(f: Callable[[Tensor], Tensor]) -> Evaluator:
    return Evaluator(Problem("p", NODE, f))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("slopes", [False, True])
def test_a_value_that_is_not_finite_is_refused(bad: float, slopes: bool) -> None:
    def f(b: Tensor) -> Tensor:
        value = b.square().sum(-1)
        return torch.where(torch.arange(len(value)) == 7, bad, value)

    with pytest.raises(CostError, match="returned NaN or infinity at a point of the bernoulli node"):
        evaluator(f)(points(), slopes=slopes)


def test_what_is_largest_is_kept_over_calls() -> None:
    scales = iter([2.0, 5.0, 1.0])
    evaluate = evaluator(lambda b: -next(scales) * (b - 3).sum(-1))
    for _ in range(3):
        evaluate(points(), slopes=True)
    assert evaluate.largest_slope == 5
    assert evaluate.largest_value == 5 * (3 - points()).sum(-1).max()


@pytest.mark.parametrize("entries", [cost.CHUNK_ENTRIES, 12])  # all rows at once, or four at a time
def test_a_cost_may_return_the_same_memory_twice(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "CHUNK_ENTRIES", entries)
    memory = torch.empty(20, dtype=torch.float64)
    evaluate = evaluator(lambda b: torch.sum(b, -1, out=memory[: len(b)]))
    (first, _), (second, _) = evaluate(torch.zeros(10, 2, 3)), evaluate(torch.ones(10, 2, 3))
    assert (first == 0).all()
    assert (second == 3).all()


@pytest.mark.parametrize("entries", [cost.CHUNK_ENTRIES, 12])
def test_slopes_lie_in_rows_whatever_the_backward_pass_returned(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "CHUNK_ENTRIES", entries)
    _, slopes = evaluator(lambda b: 2 * b.sum(-1))(points(), slopes=True)  # torch returns one number, expanded
    assert slopes is not None
    assert slopes.is_contiguous()
    assert torch.equal(slopes, torch.full((10, 2, 3), 2.0, dtype=torch.float64))
