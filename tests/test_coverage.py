"""Coverage: laws and exact moments, counting, judging, the file of counts, the command and its page."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy import stats

from varbench.analysis.coverage.cells import Cell, Rate, Verdict, cells_of, comparisons, judged
from varbench.analysis.coverage.marks import worths
from varbench.analysis.coverage.page import as_csv, render, write
from varbench.bench.coverage import laws, tallies
from varbench.bench.coverage.cases import Case, cases, known
from varbench.bench.coverage.counting import coverage, plain, tally
from varbench.bench.draws import request
from varbench.bench.measure import measure
from varbench.bench.records import MARKS, Measurement
from varbench.commands.coverage import ratio_interval
from varbench.estimators.errors import InputError
from varbench.estimators.noise import PhiloxNoise

REPORT = Path(__file__).parents[1] / "reports" / "coverage"
COIN = Case("bernoulli_quadratic[target=0.45,logit=2]", 200, "rloo", "reinforce", 2, paired=True)
LAW = Case("normal", 200, paired=True)


def never(one: Measurement, other: Measurement) -> tuple[float, float]:
    return 0.0, 1e-9


def wide(one: Measurement, other: Measurement) -> tuple[float, float]:
    return 0.0, math.inf


def quiet(what: str, count: int) -> None:
    pass


@pytest.mark.parametrize("law", laws.LAWS)
def test_laws_have_mean_0_and_variance_1(law: str) -> None:
    """Within 5 standard errors of 2e5 draws, fourth moments estimated: false-fail rate below 1e-4 but for lognormal."""
    noise = PhiloxNoise(3, law, 0, 200_000)
    x = laws.LAWS[law][0](noise, 1, "draws")[:, 0]
    assert abs(float(x.mean())) < 5 / math.sqrt(len(x))
    assert abs(float(x.var()) - 1) < 5 * float(x.square().std()) / math.sqrt(len(x))


def test_a_partner_is_correlated_and_four_times_as_noisy() -> None:
    problem = laws.problem_of("partner", 2)
    one, other = (request(problem, e, {}, 1) for e in laws.pair_of("normal", "steep", torch.zeros(2).double()))
    noise = PhiloxNoise(1, "partner", 0, 100_000)
    g, h = (r.combine(problem, noise, None, None, None) for r in (one, other))  # type: ignore[arg-type]
    assert float(h.var(0).sum() / g.var(0).sum()) == pytest.approx(laws.RATIO, rel=0.03)
    assert float(torch.corrcoef(torch.stack([g[:, 0], h[:, 0]]))[0, 1]) == pytest.approx(0.8, abs=0.01)
    assert float(g[:, 1].var()) == pytest.approx(0.25, rel=0.03)


def test_exact_moments_of_catalogued_cases() -> None:
    """REINFORCE on the coin: its variance by hand; pathwise on (x)^2, x ~ N(1, 1): Var of 2x and 2x e by moments."""
    p = 1 / (1 + math.exp(-2))
    draws = {1: (0.55**2) * (1 - p), 0: (0.45**2) * -p}
    mean = p * draws[1] + (1 - p) * draws[0]
    by_hand = p * draws[1] ** 2 + (1 - p) * draws[0] ** 2 - mean**2
    found = known(Case(COIN.what, 200, "reinforce"))
    assert found.variance == pytest.approx(by_hand, rel=1e-12)
    assert found.bias_sq == pytest.approx(0, abs=1e-30)
    normal = known(Case("normal_square[k=0]", 200, "reparameterization"))
    # f' = 2 x = 2 (1 + e); d/dmu has variance 4; 2 (1 + e) e has variance 4 (Var e + Var e^2) = 12
    assert normal.variance == pytest.approx(16, rel=1e-9)


def test_every_case_is_another_and_fits_the_page() -> None:
    every = cases()
    assert len({tuple(asdict(case).values()) for case in every}) == len(every)
    assert {case.num_draws for case in every} >= {200, 1_000, 10_000, 100_000}
    assert {case.dim for case in every} >= {1, 10, 100, 1_000}


def test_counts_do_not_depend_on_workers_or_on_their_parts() -> None:
    alone = dict(coverage([LAW, COIN], 300, 1, ratio_interval, quiet))
    assert dict(coverage([LAW, COIN], 300, 2, ratio_interval, quiet)) == alone
    assert tally(LAW, 1_000_000, 100, ratio_interval) + tally(LAW, 1_000_100, 200, ratio_interval) == alone[LAW]


def test_counting_tells_right_from_wrong_intervals() -> None:
    """95 % of 400: 380 +- 4.4; a miss by five standard deviations has probability 6e-7. A wrong ratio never holds."""
    found = tally(LAW, 0, 400, never)
    assert found.held["ratio"] == 0
    assert abs(found.held["variance"] - 380) < 22
    assert tally(LAW, 0, 50, wide).held["ratio"] == 50
    assert found.refuted["0.05"] < 45


def test_a_wrong_truth_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A twin whose exact variance is 3/2 of it is held by few intervals."""
    right = known(LAW)
    wrong = type(right)(right.problem, right.requests, right.truth, 1.5 * right.variance, 0.0, right.ratio)
    monkeypatch.setattr("varbench.bench.coverage.counting.known", lambda case: wrong)
    assert tally(LAW, 0, 200, wide).held["variance"] < 60


def test_a_case_that_ends_by_itself_counts_its_draws() -> None:
    case = Case("normal", 2**14, precision=0.05)
    found = tally(case, 0, 5, wide)
    assert found.draws == 5 * 2**13
    assert found.capped == 0
    assert tally(Case("normal", 2**12, precision=0.001), 0, 3, wide).capped == 3


def row(held: int, marked: int = 0, bias: float = 0.0, degenerate: int = 0, **more: Any) -> dict[str, Any]:
    """Counts over 10,000 replicates, all of them alike for each interval."""
    n, names = 10_000, ("variance", "bias_sq", "mse")
    return {
        **plain(Case("normal", 1_000, bias=bias), tally(Case("normal", 200), 0, 1, wide)),
        "num_draws": 1_000, "truths": {"variance": 1.0, "bias_sq": bias**2 / 1_000, "ratio": None},
        "replicates": n, "held": dict.fromkeys(names, held), "marked": dict.fromkeys(names, marked),
        "held_unmarked": dict.fromkeys(names, max(0, held - marked)),
        "marks": dict.fromkeys(MARKS, 0) | {"degenerate": degenerate},
        "refuted": {"0.05": 500, "0.01": 100, "0.001": 9},
        "commit": "c", "versions": {"python": "3"}, **more,
    }  # fmt: skip


def verdict_of(interval: str, **counts: Any) -> Verdict:
    (found,) = (one for one in judged(cells_of([row(**counts)])) if one.cell.interval == interval)
    return found.verdict


def test_verdicts() -> None:
    assert verdict_of("variance", held=9_500) is Verdict.COVERS
    assert verdict_of("variance", held=9_330) is Verdict.COVERS  # 0.8 standard deviations below 93.5 %
    assert verdict_of("variance", held=9_200) is Verdict.TOO_SHORT
    assert verdict_of("variance", held=9_200, marked=5_000) is Verdict.MARKED
    assert verdict_of("variance", held=9_200, marked=4_999) is Verdict.TOO_SHORT
    assert verdict_of("variance", held=9_800) is Verdict.TOO_LONG
    assert verdict_of("variance", held=9_800, degenerate=6_000) is Verdict.COVERS
    assert verdict_of("bias_sq", held=9_800, bias=1.0) is Verdict.COVERS
    assert verdict_of("bias_sq", held=9_800, bias=3.0) is Verdict.TOO_LONG
    assert verdict_of("bias_sq", held=0, bias=0.0) is Verdict.TOO_SHORT


def test_the_committed_rates_hold_what_is_promised() -> None:
    """From the counts themselves: no interval of an unmarked case is shown to cover less than 93.5 %."""
    with (REPORT / "cells.csv").open(encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if int(line["marked"]) < int(line["replicates"]) / 2]
    assert len(lines) > 200
    for line in lines:
        assert int(line["replicates"]) >= 10_000
        p = stats.binom.cdf(int(line["held"]), int(line["replicates"]), 0.935)
        assert p > 0.05 / len(lines), line


def test_comparisons_are_those_that_are_made() -> None:
    cells = cells_of([row(9_500), row(9_500, marked=9_000), row(9_500, bias=5.0)])
    assert comparisons(cells) == 2 + 2 + 1 + 0 + 2 + 2 + 2


def test_rates_have_exact_ends() -> None:
    """One of 20: 0.0013 and 0.2487 (Clopper and Pearson's own table)."""
    assert Rate(1, 20).interval == pytest.approx((0.00127, 0.24873), abs=1e-5)
    assert Rate(0, 20).interval == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert Rate(20, 20).interval == pytest.approx((0.025 ** (1 / 20), 1))


def test_marks_are_worth_what_they_find() -> None:
    failing, holding = row(8_000, marked=9_000), row(9_500, marked=100)
    any_mark = worths(cells_of([failing, holding]))[0]
    assert any_mark.sensitivity.value == pytest.approx(0.9)
    assert any_mark.false_marks.value == pytest.approx(0.01)


def test_misled_is_neither_marked_nor_right() -> None:
    cell = Cell(row(9_000, marked=2_000) | {"held_unmarked": {"variance": 7_500}}, "variance")
    assert cell.misled.value == pytest.approx(0.05)


def test_a_line_that_was_cut_off_is_counted_again(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    found = tally(LAW, 0, 5, wide)
    tallies.append(path, plain(LAW, found))
    tallies.append(path, plain(COIN, found))
    path.write_bytes(path.read_bytes()[:-9])
    assert tallies.left([LAW, COIN], tallies.read(path), 5) == [COIN]
    tallies.append(path, plain(COIN, found))
    rows = tallies.read(path)
    assert [one["what"] for one in tallies.latest([COIN, LAW], rows)] == [COIN.what, LAW.what]
    assert tallies.left([LAW, COIN], rows, 5) == []
    assert tallies.left([LAW, COIN], rows, 6) == [LAW, COIN]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "varbench", "coverage", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    asked = ["--replicates", "30", "--filter", "laplace"]
    command = [sys.executable, "-m", "varbench", "coverage", *asked, "--workers", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    path = tmp_path / "coverage.jsonl"
    while not path.exists():
        time.sleep(0.05)
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = run(*asked, "--page", "page", "--json", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    rows = json.loads(again.stdout)
    whole = run(*asked, "--out", "whole.jsonl", "--json", cwd=tmp_path)
    counts = [[{k: v for k, v in one.items() if k != "commit"} for one in json.loads(whole.stdout)], rows]
    assert counts[0] == [{k: v for k, v in one.items() if k != "commit"} for one in rows]
    assert "laplace" in (tmp_path / "page" / "index.html").read_text()


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "coverage.jsonl").write_text("[]\n")
    found = run("--replicates", "1", "--filter", "laplace", cwd=tmp_path)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "line 1" in found.stderr
    assert "no case" in run("--filter", "nothing like it", "--out", "new.jsonl", cwd=tmp_path).stderr


def test_the_page_says_what_fails(tmp_path: Path) -> None:
    rows = [row(9_500), row(9_000, what="laplace", name="laplace, bad")]
    assert "laplace, bad, N = 1,000, variance: 90.0 %" in render(rows)
    assert "none are shown to cover under 93.5 %" in render(rows[:1])
    path = write(rows, tmp_path)
    assert path.read_text() == render(rows)
    assert (tmp_path / "cells.csv").read_text().count("\n") == 1 + 6
    assert as_csv(rows).splitlines()[1].startswith('"normal, D = 1')


@pytest.mark.parametrize("precision", [0.05, 0.1])
def test_precision_ends_at_two_passes_and_gives_the_same_bits(precision: float) -> None:
    found = measure("bernoulli_quadratic[logit=1]", "rloo", precision=precision, timing=False)
    fixed = measure("bernoulli_quadratic[logit=1]", "rloo", num_draws=found.num_draws, timing=False)
    assert found.record() == fixed.record()
    for draws, passes in ((found.num_draws, True), (found.num_draws // 2, True), (found.num_draws // 4, False)):
        if draws >= 4096:
            one = measure("bernoulli_quadratic[logit=1]", "rloo", num_draws=draws, timing=False)
            assert one.variance is not None
            assert one.variance_upper is not None
            assert one.variance_lower is not None
            half = (one.variance_upper - one.variance_lower) / 2 / one.variance
            assert (half <= precision) is passes


def test_precision_waits_for_marks_and_for_its_cap() -> None:
    heavy = measure("normal_square[k=0]", "reinforce", precision=0.5, max_draws=8_192, timing=False)
    assert heavy.num_draws == 8_192
    assert heavy.marks
    alone = measure("bernoulli_quadratic", "enumerate", precision=0.02, timing=False)
    assert alone.num_draws == 4_096


@pytest.mark.parametrize("precision", [0, 1, -0.1, math.nan, True, "0.1"])
def test_no_number_of_draws_meets_that_precision(precision: Any) -> None:
    with pytest.raises(InputError, match="precision="):
        measure("bernoulli_quadratic", "rloo", precision=precision)


def test_precision_on_the_command_line() -> None:
    command = [sys.executable, "-m", "varbench", "measure", "normal_square", "reinforce", "--no-timing"]

    def said(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *more], capture_output=True, text=True, check=False)

    missed = said("--precision", "0.02", "--max-draws", "4096")
    assert missed.returncode == 1
    assert "not reached at 4,096 draws" in missed.stderr
    assert "heavy_tail" in missed.stderr
    both = said("--precision", "0.1", "--draws", "10")
    assert (both.returncode, both.stderr.count("\n")) == (2, 1)
    assert said("--max-draws", "5000").returncode == 2
