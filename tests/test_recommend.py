"""varbench recommend: the search chooses right, says what it cost, and speaks to a person."""

import json
import math
from pathlib import Path

import pytest
import torch

from varbench import Bernoulli, Categorical, Problem
from varbench.analysis import recommend
from varbench.bench import search_proof
from varbench.bench.candidates import Budget, Meter, candidates
from varbench.bench.exact import truth
from varbench.bench.resolve import problem_of
from varbench.bench.search import Search, search
from varbench.command_line import ended
from varbench.estimators.catalogue import CATALOGUE


def coins(smooth: str = "everywhere") -> Problem:
    logits = torch.tensor([-1.0, 0.5, 0.2], dtype=torch.float64)
    return Problem(name="coins", node=Bernoulli(logits), cost=lambda x: (x.sum(-1) - 1.2).square(), smooth=smooth)


def without_truth() -> Problem:
    logits = torch.linspace(-1, 1, 48, dtype=torch.float64).reshape(12, 4)  # 2^24 outcomes: beyond enumeration

    def cost(x: torch.Tensor) -> torch.Tensor:
        z = x[..., 1] - x[..., 2]
        return torch.tanh(z.sum(-1)) + (z[..., :-1] * z[..., 1:]).sum(-1)

    return Problem(name="without truth", node=Categorical(logits), cost=cost)


@pytest.mark.parametrize(
    ("name", "budget"),
    [("polynomial[dim=8,classes=4,degree=3]", 20.0), ("normal_cos", 100.0), ("shared_bernoulli", 6.0)],
)
def test_the_choice_is_right(name: str, budget: float) -> None:
    # fixed seeds, so it never flickers; `python -m varbench.bench.search_proof` runs 200 and was right in all of them
    found = search_proof.proven(problem_of(name), Budget(budget), range(3), judged_draws=2**14)
    assert found.right == found.runs == 3


def test_the_proof_catches_a_search_that_looks_at_one_estimator_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def blinkered(problem: Problem, budget: Budget, *, seed: int) -> Search:
        only = [one for one in candidates(problem) if one.estimator.facts.name == "reinforce"]
        return search(problem, budget, seed=seed, requests=only)

    monkeypatch.setattr(search_proof, "search", blinkered)
    name = "polynomial[dim=8,classes=4,degree=3]"
    assert search_proof.proven(problem_of(name), Budget(20.0), range(2), judged_draws=2**12).right == 0


def test_mse_within_a_budget_is_the_formula() -> None:
    found = search(coins(), Budget(12.0))
    for one in found.choices:
        record = one.found
        values, slopes = record.cost_values_per_draw, record.cost_slopes_per_draw
        assert values is not None
        assert slopes is not None
        assert record.bias_sq is not None
        assert record.variance is not None
        assert one.cost == values + 2 * slopes
        assert one.num_averaged == math.floor(12.0 / one.cost) >= 1
        bias_sq = 0.0 if one.unbiased else max(record.bias_sq, 0.0)
        assert one.mse == pytest.approx(bias_sq + record.variance / one.num_averaged, rel=1e-12)
        assert one.lower <= one.mse <= one.upper
    assert [one.mse for one in found.choices] == sorted(one.mse for one in found.choices)


def test_the_grid_leaves_out_oracles_second_names_and_what_is_fitted() -> None:
    names = {one.estimator.facts.name for one in candidates(coins())}
    assert {"reinforce", "rloo", "disarm", "gumbel_softmax", "straight_through", "reinmax"} <= names
    assert not any(CATALOGUE[name].oracle or CATALOGUE[name].alias_of for name in names)
    assert not {"rebar_fitted", "relax", "reinforce_constant"} & names


def test_a_black_box_is_offered_values_only() -> None:
    found = search(coins(smooth="no"), Budget(20.0))
    assert all(one.request.estimator.facts.needs == ("values",) for one in found.choices)


def test_a_meter_counts_a_backward_pass_twice() -> None:
    meter = Meter(coins())
    x = torch.zeros(5, 3, dtype=torch.float64)
    meter.problem.cost(x)
    assert meter.evaluations == 5
    meter.problem.cost(x.requires_grad_())
    assert meter.evaluations == 5 + 15


def test_without_a_truth_bias_is_against_a_reference() -> None:
    problem = without_truth()
    assert truth(problem).gradient is None
    found = search(problem, Budget(30.0), max_seconds=6.0)
    assert str(found.exact.method).startswith("reference")
    assert found.exact.error_trace > 0
    assert found.evaluations > 2**10 * 4  # the reference is part of what the search took
    assert all(math.isfinite(one.mse) for one in found.choices)


def test_the_same_seed_gives_the_same_choice() -> None:
    first, second = (search(coins(), Budget(12.0), seed=3).plain()["choices"] for _ in range(2))
    assert [one["mse"] for one in first] == [one["mse"] for one in second]


def test_json_and_words(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert ended(["recommend", "normal_cos", "--budget", "100evals", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unit"] == "evaluations"
    assert found["budget"] == 100
    assert found["choices"][0]["unbiased"]
    assert found["evaluations"] > 0
    assert found["rounds"][0][0] == found["num_candidates"]
    assert ended(["recommend", "normal_cos", "--budget", "100evals"]) == 0
    text = capsys.readouterr().out
    assert found["line"] in text
    assert "unbiased" in text
    assert "screening, apart from the budget" in text


def test_the_line_can_be_pasted() -> None:
    import varbench

    found = search(coins(), Budget(12.0)).plain()
    line = recommend.line_of("shared_bernoulli", found["choices"][0])
    measured = eval(line.replace(")", ", num_draws=100, timing=False)"), {"varbench": varbench})
    assert measured.estimator == found["choices"][0]["estimator"]


@pytest.mark.parametrize(
    ("mse", "upper"), [([(1.0, 0.9, 1.1), (1.5, 1.2, 1.8)], 0.0), ([(1.0, 0.9, 1.1), (1.1, 1.0, 1.2)], 0.1)]
)
def test_regret(mse: list[tuple[float, float, float]], upper: float) -> None:
    names = ("mse", "mse_lower", "mse_upper")
    found = recommend.regret([dict(zip(names, one, strict=True)) for one in mse])
    assert found["upper"] == pytest.approx(upper)


def test_seconds_are_a_budget(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["recommend", "normal_cos", "--budget", "1ms", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first = found["choices"][0]
    assert found["unit"] == "seconds"
    assert first["cost_per_draw"] == first["record"]["seconds_per_draw"] <= 1e-3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["normal_cos", "--budget", "3bananas"], "1000evals"),
        (["normal_cos", "--budget", "0evals"], "1000evals"),
        (["normal_cos", "--budget", "0.5evals"], "the cheapest"),
        (["normal_cosine"], "normal_cos"),
    ],
)
def test_what_cannot_be_said_yes_to(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["recommend", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
