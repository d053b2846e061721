"""varbench recommend: the search chooses right, says what it cost, and speaks to a person."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch

from varbench import Bernoulli, Categorical, InputError, Problem
from varbench.analysis import recommend
from varbench.bench import search_proof
from varbench.bench.candidates import Budget, candidates
from varbench.bench.cells import measure_requests
from varbench.bench.exact import Truth, truth
from varbench.bench.meter import Meter
from varbench.bench.records import Measurement
from varbench.bench.resolve import loaded_estimator, problem_of
from varbench.bench.search import TAIL_DRAWS, Search, search
from varbench.command_line import ended
from varbench.estimators.catalogue import CATALOGUE

MINE = """
import torch
from varbench import Bernoulli, Estimator, Facts, Problem

logits = torch.tensor([-1.0, 0.5, 0.2], dtype=torch.float64)
problem = Problem(name="coins", node=Bernoulli(logits), cost=lambda x: (x.sum(-1) - 1.2).square())


def sample(node, noise, S):
    return node.draw(noise, S)


def halve(node, noise, points, values, slopes, *, by=None):
    score = node.score(points)
    return (values.unsqueeze(-1) * score).mean(1) / by


def known(node, noise, points, values, slopes):
    x = node.outcomes()
    gradient = torch.autograd.functional.jacobian(
        lambda t: (node.with_theta(t).log_prob(x).exp() * problem.cost(x)).sum(), node.theta
    )
    return gradient.expand(points.shape[0], -1)


about = dict(families=("bernoulli",), needs=("values",), source="me")
halved = Estimator(Facts(name="halved", unbiased=True, config={"by": None}, **about), sample, halve)
exactly = Estimator(Facts(name="exactly", unbiased=False, **about), sample, known)
"""


def coins(smooth: str = "everywhere") -> Problem:
    logits = torch.tensor([-1.0, 0.5, 0.2], dtype=torch.float64)
    return Problem(name="coins", node=Bernoulli(logits), cost=lambda x: (x.sum(-1) - 1.2).square(), smooth=smooth)


def without_truth() -> Problem:
    logits = torch.linspace(-1, 1, 48, dtype=torch.float64).reshape(12, 4)  # 2^24 outcomes: beyond enumeration

    def cost(x: torch.Tensor) -> torch.Tensor:
        z = x[..., 1] - x[..., 2]
        return torch.tanh(z.sum(-1)) + (z[..., :-1] * z[..., 1:]).sum(-1)

    return Problem(name="without truth", node=Categorical(logits), cost=cost)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "budget"),
    [("polynomial[dim=8,classes=4,degree=3]", 10.0), ("normal_cos", 500.0), ("shared_bernoulli", 6.0)],
)
def test_the_choice_is_right(name: str, budget: float) -> None:
    # fixed seeds, so it never flickers; docs/recommend-proof.md has the rates of many seeds
    found = search_proof.proven(problem_of(name), Budget(budget), range(3), precise=0.03)
    assert found.right == found.runs == 3


def test_the_proof_catches_a_search_that_looks_at_one_estimator_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def blinkered(problem: Problem, budget: Budget, *, seed: int, exact: Truth) -> Search:
        only = [one for one in candidates(problem) if one.request.estimator.facts.name == "reinforce"]
        return search(problem, budget, seed=seed, grid=only, exact=exact)

    monkeypatch.setattr(search_proof, "search", blinkered)
    assert search_proof.proven(coins(), Budget(20.0), range(2), precise=0.1).right == 0


def test_what_is_right_counts_the_error_of_the_judge_against_the_choice() -> None:
    judged = search_proof.Judged({("a", "", 1): 1.0, ("b", "", 1): 1.09}, {("a", "", 1): 0.0, ("b", "", 1): 0.01}, 1.1)
    assert judged.right(("a", "", 1))
    assert not judged.right(("b", "", 1))
    assert judged.imprecision == pytest.approx(0.01 / 1.1)


def test_the_interval_of_a_rate_is_that_of_clopper_and_pearson() -> None:
    verdict = search_proof.Verdict("p", 1.0, 9, 20, 20, 1.0, 0.0, {}, 0.0)
    assert verdict.interval[0] == pytest.approx(0.025 ** (1 / 20))  # P(20 of 20) = p^20
    assert verdict.interval[1] == 1


def test_mse_within_a_budget_is_the_formula() -> None:
    found = search(coins(), Budget(12.0))
    for one in found.choices:
        record = one.found
        values, slopes = record.cost_values_per_draw, record.cost_slopes_per_draw
        assert values is not None
        assert slopes is not None
        assert record.bias_sq is not None
        assert record.variance is not None
        assert one.priced.price.value == one.priced.evaluations == values + 2 * slopes
        assert one.num_averaged == math.floor(12.0 / one.priced.evaluations) >= 1
        bias_sq = 0.0 if one.unbiased else max(record.bias_sq, 0.0)
        assert one.mse == pytest.approx(bias_sq + record.variance / one.num_averaged, rel=1e-12)
        assert one.end("lower") <= one.mse <= one.end("upper")
    settled = [ratio for one, ratio in zip(found.choices, found.ratios, strict=True) if one.score.settled]
    assert settled == sorted(settled)
    assert settled[0] == 1
    assert len(found.choices) == found.num_looked


def test_the_grid_leaves_out_oracles_second_names_and_what_is_fitted() -> None:
    names = {one.request.estimator.facts.name for one in candidates(coins())}
    assert {"reinforce", "rloo", "disarm", "gumbel_softmax", "straight_through", "reinmax"} <= names
    assert not any(CATALOGUE[name].oracle or CATALOGUE[name].alias_of for name in names)
    assert not {"rebar_fitted", "relax", "reinforce_constant"} & names


@pytest.mark.parametrize(
    "name", ["polynomial[dim=2,classes=3,degree=3]", "shared_bernoulli", "normal_cos", "gaussian_elbo"]
)
def test_who_makes_do_with_one_sample_averages_over_independent_ones(name: str) -> None:
    # S = 4 is no candidate of theirs: its variance is a quarter of that of S = 1; 6 standard errors, for 20 estimators
    problem = problem_of(name)
    ones = [one.request for one in candidates(problem) if one.unbiased and one.request.num_samples == 1]
    fours = [dataclasses.replace(one, num_samples=4) for one in ones]
    unknown = Truth(None, None, "not asked for")
    for one, four in zip(
        *(measure_requests(problem, r, unknown, num_draws=4000, seed=0) for r in (ones, fours)), strict=True
    ):
        assert isinstance(one, Measurement)
        assert isinstance(four, Measurement)
        assert one.variance is not None
        assert four.variance is not None
        half = sum(((m.variance_upper or 0) - (m.variance or 0)) * k for m, k in ((one, 1), (four, 4)))
        assert abs(4 * four.variance - one.variance) <= 3 * half + 1e-20, one.estimator


def test_a_black_box_is_offered_values_only() -> None:
    found = search(coins(smooth="no"), Budget(20.0))
    assert all(one.priced.candidate.request.estimator.facts.needs == ("values",) for one in found.choices)


def test_a_meter_counts_a_backward_pass_twice() -> None:
    meter = Meter(coins())
    x = torch.zeros(5, 3, dtype=torch.float64)
    meter.problem.cost(x)
    assert meter.evaluations == 5
    meter.problem.cost(x.requires_grad_())
    assert meter.evaluations == 5 + 15


class Ticking:
    """A clock that a slow cost moves on: no test waits for it."""

    def __init__(self, seconds_a_point: float) -> None:
        self.now, self.pace = 0.0, seconds_a_point

    def __call__(self) -> float:
        return self.now

    def cost(self, x: torch.Tensor) -> torch.Tensor:
        self.now += self.pace * x.shape[0]
        return (x.sum(-1) - 1.2).square()

    def problem(self) -> Problem:
        logits = torch.linspace(-1, 1, 9, dtype=torch.float64)  # 512 outcomes: at 0.1 s each too many to sum over
        return Problem(name="slow", node=Bernoulli(logits), cost=self.cost, smooth="no")


@pytest.mark.parametrize(("pace", "max_seconds"), [(0.1, 30.0), (0.02, 5.0)])
def test_a_slow_cost_keeps_to_the_time_and_it_says_how_little_it_saw(pace: float, max_seconds: float) -> None:
    clock = Ticking(pace)
    found = search(clock.problem(), Budget(20.0), max_seconds=max_seconds, clock=clock)
    assert clock.now <= max_seconds + 0.6  # a piece of half a second may have begun
    assert found.evaluations == pytest.approx(clock.now / pace)
    assert found.num_looked > 0
    assert found.num_late > 0
    assert "not looked at, for want of time" in recommend.as_text("slow", 20, "evaluations", found.plain())


def test_a_hopelessly_slow_cost_is_told_so() -> None:
    clock = Ticking(20.0)
    with pytest.raises(InputError, match="--max-seconds"):
        search(clock.problem(), Budget(20.0), max_seconds=30.0, clock=clock)
    assert clock.now <= 60


def test_a_budget_in_seconds_of_a_slow_cost_keeps_to_the_time() -> None:
    clock = Ticking(0.1)
    found = search(clock.problem(), Budget(2.0, "seconds"), max_seconds=30.0, clock=clock)
    assert clock.now <= 30.6
    assert all(one.priced.price.value == pytest.approx(0.1 * one.priced.evaluations) for one in found.choices)


def test_without_a_truth_bias_is_against_a_reference() -> None:
    problem = without_truth()
    assert truth(problem).gradient is None
    found = search(problem, Budget(30.0), max_seconds=30.0)
    assert str(found.exact.method).startswith("reference")
    assert found.exact.error_trace > 0
    assert found.evaluations > int(str(found.exact.method).rpartition("=")[2][:-1])  # the reference's among them
    assert all(math.isfinite(one.mse) for one in found.choices)


def test_a_leader_of_heavy_tails_is_not_trusted_on_few_draws() -> None:
    # seed 12: 256 draws of reinforce hide most of its variance, which is twice that of reparameterization
    found = search(problem_of("laplace_square"), Budget(6.0), seed=12)
    assert found.choices[0].found.estimator == "reparameterization"
    assert found.rounds[-1][1] >= TAIL_DRAWS


def test_the_same_seed_gives_the_same_choice() -> None:
    first, second = (search(coins(smooth="no"), Budget(12.0), seed=3).plain()["choices"] for _ in range(2))
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


@pytest.mark.parametrize("budget", ["20evals", "500evals"])
def test_the_line_can_be_pasted(
    budget: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    words = ["mine.py:problem", "--estimator", "mine.py:halved[by=2]", "--budget", budget]
    assert ended(["recommend", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = {"halved": "mine.py:halved[by=2]"}
    for one in found["choices"][:3]:
        exec(recommend.line_of("mine.py:problem", one, names), {})
        said, _, mse = capsys.readouterr().out.rpartition(":")
        assert said == "mse of n averaged draws"
        # 10,000 draws more: twice the interval's half-width, at 256 draws, is over 3.8 standard errors
        assert float(mse) == pytest.approx(one["mse"], abs=2.2 * (one["mse_upper"] - one["mse_lower"]) / 2 + 1e-12)
    assert found["line"] == recommend.line_of(
        "mine.py:problem", found["choices"][0], {"halved": "mine.py:halved[by=2]"}
    )


def test_an_estimator_of_the_users_is_a_candidate_and_not_taken_at_its_word(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    bound = problem_of("mine.py:problem")
    halved, exactly = (loaded_estimator(f"mine.py:{name}") for name in ("halved", "exactly"))
    own = [one for one in candidates(bound, [(halved, {"by": 2}), (exactly, {})]) if not one.unbiased]
    assert {"halved", "exactly"} <= {one.request.estimator.facts.name for one in own}
    assert ended(["recommend", "mine.py:problem", "--budget", "5evals", "--estimator", "mine.py:exactly"]) == 0
    assert capsys.readouterr().out.startswith("exactly with S = 1")  # no variance, no bias: it must win


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mine.py:problem", "--estimator", "mine.py:halved"], "needs by"),
        (["mine.py:problem", "--estimator", "mine.py:halved[by=2,bye=2]"], "no parameter 'bye'"),
        (["mine.py:problem", "--estimator", "mine.py:problem"], "is a Problem"),
        (["normal_cos", "--estimator", "mine.py:exactly"], "defined on bernoulli"),
        (["mine.py:problem", "--estimator", "relax"], "fitted first"),
    ],
)
def test_an_estimator_that_cannot_be_a_candidate(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    assert ended(["recommend", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("looked", "upper", "said"),
    [
        (9, 0.0, "shown to be the best of the 9"),
        (9, 0.034, "within 3.4%"),
        (9, None, "no bound"),
        (1, 0.0, "not known"),
    ],
)
def test_regret_in_words(looked: int, upper: float | None, said: str) -> None:
    assert said in recommend.regret({"num_looked": looked, "regret_upper": upper})


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
