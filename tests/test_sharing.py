"""Cells that meet the same points are measured at once, say so, and get the numbers that they would get alone."""

import dataclasses
import json
import operator
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch

from varbench import Categorical, Problem
from varbench.bench import executors
from varbench.bench.cells import measure_requests
from varbench.bench.draws import groups, request
from varbench.bench.exact import truth
from varbench.bench.records import Measurement
from varbench.bench.resolve import estimator_of, problem_of
from varbench.bench.sharing import lot_of, points_key
from varbench.bench.study import Cell
from varbench.bench.workers import executor
from varbench.estimators.catalogue import CATALOGUE
from varbench.estimators.errors import CostError

COINS = "bernoulli_quadratic[dim=3,logit=1,target=0.45]"
CHOICES = "polynomial[classes=3,degree=3,dim=4]"
ASKED = (
    "reinforce", "straight_through[temperature=0.5]", "straight_through[temperature=2]", "reinmax",
    "gumbel_rao[temperature=0.5]", "gumbel_rao[temperature=2]", "st_gumbel_softmax[temperature=0.5]",
    "st_gumbel_softmax[temperature=2]", "gumbel_softmax[temperature=0.5]", "gumbel_softmax[temperature=2]",
)  # fmt: skip


def _cells(problem: str, S: int = 1, draws: int = 3000, asked: tuple[str, ...] = ASKED) -> list[Cell]:
    made = [estimator_of(name) for name in asked]
    return [Cell(problem, one.facts.name, config, S, draws, 0, None) for one, config in made]


@pytest.mark.parametrize("problem", [COINS, CHOICES])
def test_a_lot_is_all_estimators_whose_points_are_the_same(problem: str) -> None:
    cells = _cells(problem)
    lots = executors._lots(cells)
    assert sorted([cells.index(cell) for cell in lot] for lot in lots) == [[0, 1, 2, 3, 4, 5], [6, 7], [8], [9]]


@pytest.mark.parametrize("problem", [COINS, CHOICES])
@pytest.mark.parametrize("S", [1, 3])
def test_cells_of_a_lot_get_what_they_get_alone(problem: str, S: int) -> None:
    cells = _cells(problem, S)
    together = {o.key: o for lot in executors._lots(cells) for o in executors.measure_cells(lot)}
    for cell in cells:
        (alone,) = executors.measure_cells([cell])
        assert json.dumps(together[cell.key].record) == json.dumps(alone.record)
        assert together[cell.key].replicates == alone.replicates


@pytest.mark.parametrize("problem", [COINS, CHOICES])
def test_equal_keys_say_that_points_are_shared_and_others_that_they_are_not(problem: str) -> None:
    bound = problem_of(problem)
    requests = []
    for facts in CATALOGUE.values():
        if bound.node.family in facts.families and "mean" in facts.objectives:
            config = {key: 1.0 for key, default in facts.config.items() if default is None}
            requests.append(request(bound, *estimator_of(facts.name, **config), facts.min_samples))
    requests += [request(bound, *estimator_of(name), S) for name in ASKED for S in (1, 4)]
    told: dict[str, list[int]] = {}
    for place, one in enumerate(requests):
        told.setdefault(points_key(bound, one, 0), []).append(place)
    assert list(told.values()) == groups(requests)
    assert not told.keys() & {points_key(bound, one, 1) for one in requests}
    assert not told.keys() & {points_key(problem_of("bernoulli_quadratic"), one, 0) for one in requests}


def test_a_nameless_sampler_is_told_from_another() -> None:
    bound = problem_of(COINS)
    rloo, _ = estimator_of("rloo")
    keys = set()
    for name in ("one", "other"):
        facts = dataclasses.replace(rloo.facts, name=name)
        own = dataclasses.replace(rloo, facts=facts, sample=lambda node, noise, S: node.draw(noise, S))
        keys.add(points_key(bound, request(bound, own, {}, 2), 0))
    assert len(keys) == 2


def test_what_needs_values_alone_outlives_slopes_that_fail() -> None:
    node = Categorical(torch.zeros(2, 3, dtype=torch.float64))
    problem = Problem("no slopes", node, lambda x: x.detach().square().sum((-1, -2)) + x.detach()[..., 0, 0])
    requests = [request(problem, *estimator_of(name), 1) for name in ("straight_through", "reinforce", "reinmax")]
    found = measure_requests(problem, requests, truth(problem), num_draws=500, seed=0)
    assert [type(one) for one in found] == [CostError, Measurement, CostError]
    (alone,) = measure_requests(problem, requests[1:2], truth(problem), num_draws=500, seed=0)
    assert isinstance(found[1], Measurement)
    assert isinstance(alone, Measurement)
    assert found[1].record() == alone.record()


def test_an_unknown_estimator_is_a_lot_of_its_own() -> None:
    assert lot_of(Cell(COINS, "none of these", {}, 1, 10, 0, None)) != lot_of(Cell(COINS, "rloo", {}, 1, 10, 0, None))


def test_long_lots_come_first_and_wait_for_their_truths() -> None:
    cells = [*_cells(COINS), *_cells(CHOICES), *_cells(CHOICES, S=16)]
    lots = executors._lots(cells)
    assert lots[0][0].num_samples == 16
    truths: dict[str, Mapping[str, Any]] = {}
    tasks = executors._tasks(lots, truths)
    first, second = next(tasks), next(tasks)
    assert first is not None
    assert second is not None
    assert (first[1], second[1]) == (None, None)
    assert next(tasks) is None
    truths[second[0][0].truth_key] = {}
    begun = [next(tasks) for _ in range(4)]
    assert {task[0][0].problem for task in begun if task} == {COINS}
    assert next(tasks) is None
    truths[first[0][0].truth_key] = {}
    assert [task[0] for task in tasks if task] == [lot for lot in lots if lot[0].problem == CHOICES]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_map_waits_for_results_that_its_arguments_wait_for(workers: int) -> None:
    known: list[int] = []

    def arguments() -> Iterator[tuple[int] | None]:
        yield (3,)
        while not known:
            yield None
        yield (known[0],)

    with executor(workers) as mapped:
        for result in mapped(operator.neg, arguments()):
            known.append(result)
    assert known == [-3, 3]
