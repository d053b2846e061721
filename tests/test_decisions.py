"""What to choose: the front, who leads when, what an accuracy costs, where two cross, and the best temperature."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from varbench.analysis import decide, tables
from varbench.analysis.frame import Frame
from varbench.analysis.front import Cell, cells_of, cost_to_reach, crossover, front_of, leads_of
from varbench.analysis.optimum import optimum
from varbench.analysis.series import Series
from varbench.analysis.statistics import Estimate
from varbench.analysis.style import style_of
from varbench.bench.records import NUM_REPLICATES
from varbench.command_line import ended
from varbench.commands.recorded import records_of

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "reports" / "temperature" / "records.csv"


def cell(
    name: str, bias: float, variance: float, price: float = 1.0, bias_half: float = 0.0, variance_half: float = 0.0
) -> Cell:
    series = Series(name, name, style_of(name, 0), Frame(()))
    record = {"estimator": name, "num_samples": 1, "config": {}}
    return Cell(
        series,
        record,
        name,
        Estimate(bias, max(0.0, bias - bias_half), bias + bias_half),
        Estimate(variance, variance - variance_half, variance + variance_half),
        Estimate(price, price, price),
    )


def test_the_front_and_its_leads_are_those_of_a_search_over_budgets() -> None:
    rng = np.random.default_rng(0)
    cells = [cell(f"c{i}", b, v, p) for i, (b, v, p) in enumerate(rng.lognormal(0, 2, (40, 3)))]
    front = front_of(cells)
    for one in cells:
        beaten = any(o.shown_bias <= one.shown_bias and o.work.value <= one.work.value for o in cells if o is not one)
        assert (one in front) is not beaten
    leads = leads_of(front)
    for budget in np.logspace(2, 9, 300):  # beyond the dearest draw
        best = min(cells, key=lambda one: one.shown_bias + one.work.value / budget)
        (leader,) = (lead.cell for lead in leads if lead.start <= budget < lead.until)
        assert leader is best


def test_a_bias_that_is_not_shown_counts_as_none_on_the_front() -> None:
    shy, shown = cell("shy", 0.5, 2.0, bias_half=1.0), cell("shown", 0.1, 1.0, bias_half=0.01)
    assert front_of([shy, shown]) == [shown, shy]


def test_the_cost_to_reach_an_accuracy_is_the_least_whole_number_of_draws() -> None:
    one = cell("one", 0.1, 1.0, 3.0)
    cost = cost_to_reach(one, 0.15).value
    n = cost / 3.0
    assert n == 20  # 0.1 + 1 / 20 = 0.15
    assert 0.1 + 1 / (n - 1) > 0.15
    assert cost_to_reach(one, 0.1).value == math.inf
    assert cost_to_reach(cell("two", 0.1, 1.0, bias_half=0.2), 0.2).upper == math.inf
    assert cost_to_reach(cell("three", 0.0, 1e-9), 0.2).value == 1


def test_at_the_crossover_two_averages_have_the_same_mse() -> None:
    unbiased, biased = cell("u", 0.0, 12.0, 2.0, 0.0, 1.0), cell("b", 0.25, 1.0, 3.0, 0.05, 0.1)
    found = crossover(unbiased, biased)
    assert found is not None
    assert unbiased.work.value / found.value == pytest.approx(0.25 + biased.work.value / found.value)
    assert found == Estimate(21 / 0.25, (22 - 3.3) / 0.3, (26 - 2.7) / 0.2)


def test_no_crossover_is_shown_where_the_bias_is_not() -> None:
    assert crossover(cell("u", 0.0, 12.0), cell("b", 0.25, 1.0, bias_half=0.25)) is None
    behind = crossover(cell("u", 0.0, 1.0), cell("b", 0.25, 9.0))
    assert behind == Estimate(0.0, 0.0, 0.0)


def sweep(noise: float, paired: bool) -> list[dict[str, object]]:
    """Five temperatures: variance 1 / tau, squared bias tau^2 / 100, and noise that all of them share."""
    rng = np.random.default_rng(1)
    shared = rng.standard_normal(NUM_REPLICATES)
    found = []
    for tau in (0.25, 0.5, 1.0, 2.0, 4.0):
        spread = (1 + noise * shared) / tau
        bias_sq, variance = tau**2 / 100, float(spread.mean())
        half = 1.96 * spread.std(ddof=1) / math.sqrt(NUM_REPLICATES)
        found.append(
            {
                **dict.fromkeys(("problem", "estimator", "family", "target", "dtype", "device"), "x"),
                **{"config": {"temperature": tau}, "num_draws": 10**6, "num_samples": 1, "num_points": 1, "seed": 0},
                **{"status": "ok", "marks": [], "exact_method": "enumeration"},
                **{"bias_sq": bias_sq, "bias_sq_lower": bias_sq, "bias_sq_upper": bias_sq},
                **{"variance": variance, "variance_lower": variance - half, "variance_upper": variance + half},
                "replicates": {"variance": list(spread), "mse": list(spread + bias_sq)} if paired else {},
            }
        )
    return found


@pytest.mark.parametrize("n", [1, 10, 50, 800, 10**5])
def test_the_optimum_is_the_best_of_the_formula(n: int) -> None:
    best = min((0.25, 0.5, 1.0, 2.0, 4.0), key=lambda tau: tau**2 / 100 + 1 / tau / n)
    found = optimum(sweep(1e-6, paired=True), n)
    assert found.lower == found.best == found.upper == best
    assert found.mse == pytest.approx(best**2 / 100 + 1 / best / n, rel=1e-5)


def test_common_noise_narrows_the_interval_of_the_optimum() -> None:
    apart, together = (optimum(sweep(0.4, paired), 100) for paired in (False, True))
    assert apart.best == together.best
    assert together.upper - together.lower < apart.upper - apart.lower


def test_an_export_gives_back_the_records_of_its_store(tmp_path: Path) -> None:
    records = records_of(COMMITTED)
    assert tables.as_csv(records) == COMMITTED.read_text(encoding="utf-8")
    assert isinstance(records[0]["config"], dict)
    assert isinstance(records[0]["num_draws"], int)
    assert json.loads(json.dumps(records[0])) == records[0]


@pytest.mark.parametrize(
    ("text", "said"), [(None, "cannot read"), ("a,b\n1,2\n", "no csv export"), ("", "no csv export")]
)
def test_what_is_no_export_is_told_so(
    text: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "x.csv").write_text(text)
    assert ended(["decide", str(tmp_path / "x.csv")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_what_is_known_to_be_unbiased_has_no_bias_in_the_table() -> None:
    frame = Frame.of(records_of(COMMITTED)).where(problem="polynomial[classes=4,degree=3,dim=32]")
    measured = [one for one in cells_of(frame, "evaluations") if one.record["estimator"] == "rloo"]
    believed = [one for one in cells_of(frame, "evaluations", {"rloo"}) if one.record["estimator"] == "rloo"]
    assert any(one.bias_sq.upper > 0 for one in measured)
    assert all(one.bias_sq == Estimate(0.0, 0.0, 0.0) for one in believed)
    text = decide.as_text(decide.decided(frame, "seconds", 0.01, {"rloo", "reinforce"}))
    assert "unbiased, has less mse, in seconds" in text
    assert "enumerate" not in text  # an oracle is no choice


def test_a_crossing_says_whether_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [
        cell("known", 0.0, 4.0),
        cell("ahead", 0.5, 1.0, bias_half=0.1),
        cell("behind", 0.5, 9.0, bias_half=0.1),
        cell("shy", 0.5, 1.0, bias_half=0.6),
    ]
    monkeypatch.setattr(decide, "cells_of", lambda *_: cells)
    found = decide.decided(Frame.of([{"problem": "toy"}]), "evaluations", 0.1, {"known"})
    assert {one["cell"]: one["status"] for one in found["crossovers"]} == {
        "ahead": "crossing",
        "behind": "never_ahead",
        "shy": "none_shown",
    }
    assert "none shown: its bias is not" in decide.as_text(found)
    assert found["unbiased"] == "known"


def test_decide_as_json_is_strict(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["decide", str(COMMITTED), "--filter", "problem=normal_cos*", "--accuracy", "1e-9", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out, parse_constant=lambda c: pytest.fail(f"{c} in JSON"))
    assert found["problem"] == "normal_cos[k=1]"
    assert found["costs"][0]["value"] <= found["costs"][-1]["value"]
