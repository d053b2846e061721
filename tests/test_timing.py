"""How many rows a timed block gets, in how few untimed ones that is found, and what need not be measured twice."""

import pytest

from varbench.bench import timing
from varbench.bench.draws import request
from varbench.bench.fitting import fitted
from varbench.bench.memory import peak_bytes
from varbench.bench.resolve import estimator_of, problem_of
from varbench.estimators.catalogue import CATALOGUE


@pytest.mark.parametrize("overhead", [0.0, 1e-4, 3e-3])
@pytest.mark.parametrize("row", [1e-8, 1e-6, 1e-4, 9e-3, 4e-2])
def test_few_untimed_runs_find_the_rows_that_fill_a_block(
    overhead: float, row: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[float] = []

    def run(problem: object, one: object, seed: int, block: int, rows: int) -> tuple[float, float]:
        taken.append(overhead + row * rows)
        return taken[-1], 0.0

    monkeypatch.setattr(timing, "_time", run)
    problem = problem_of("bernoulli_quadratic")
    rows, rounds = timing._warm_up(problem, request(problem, *estimator_of("rloo"), None), 0, timing.ROUNDS)
    block = overhead + row * rows
    assert rows == 4096 or 2 * block > timing.LONGEST
    assert (rows == 1 and rounds == timing.FEWEST) or (block <= timing.LONGEST and rounds == timing.ROUNDS)
    assert sum(taken) <= 3 * max(block, 2 * timing.LONGEST)


def test_a_jump_beyond_the_time_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that leave the cache take longer than those before them promised."""
    monkeypatch.setattr(timing, "_time", lambda *a: (1e-6 * a[-1] * (1 if a[-1] < 4096 else 9), 0.0))
    problem = problem_of("bernoulli_quadratic")
    rows, rounds = timing._warm_up(problem, request(problem, *estimator_of("rloo"), None), 0, timing.ROUNDS)
    assert 1024 <= rows < 4096
    assert rounds == timing.ROUNDS


@pytest.mark.parametrize("name", ["bernoulli_quadratic[dim=3]", "polynomial[dim=3,classes=3]"])
@pytest.mark.parametrize("temperatures", [(0.1, 0.5), (0.7, 3.0)], ids=["powers", "exponentials"])
def test_memory_does_not_depend_on_the_temperature_of_a_program(name: str, temperatures: tuple[float, float]) -> None:
    """That is why it is measured once for a program."""
    for facts in CATALOGUE.values():
        family = problem_of(name).node.family
        if "temperature" not in facts.config or family not in facts.families or "mean" not in facts.objectives:
            continue
        others = {key: 1.0 for key, default in facts.config.items() if default is None}
        peaks = set()
        for temperature in temperatures:
            problem = problem_of(name)  # anew: a node keeps its probabilities once they are asked for
            chosen = estimator_of(facts.name, **{**others, "temperature": temperature})
            peaks.add(peak_bytes(problem, fitted(problem, request(problem, *chosen, None), 0), 0))
        assert len(peaks) == 1, facts.name


def test_programs_are_told_apart_by_all_but_the_temperature() -> None:
    problem = problem_of("polynomial[dim=3,classes=3]")
    made = [
        request(problem, *estimator_of(*given), S)
        for given, S in [
            (("straight_through[temperature=0.5]",), None),
            (("straight_through[temperature=0.25]",), None),
            (("straight_through[temperature=2]",), None),
            (("straight_through[temperature=2]",), 4),
            (("straight_through[identity=true]",), None),
            (("gumbel_rao[temperature=2]",), None),
            (("gumbel_rao[temperature=2,conditional_samples=3]",), None),
        ]
    ]
    programs = [one.program for one in made]
    assert programs[0] == programs[1]
    assert len(set(programs)) == 6
    assert list(timing._programs(made).values()) == [made[0], *made[2:]]
