"""Published results: every verdict can be reached, exact values hold, the committed page follows from its records."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from varbench import Bernoulli, Estimator, Problem, measure
from varbench.analysis.frame import Frame
from varbench.analysis.literature import exact
from varbench.analysis.literature.figure import figure
from varbench.analysis.literature.page import judged, main, render, write
from varbench.analysis.literature.result import Curve, Panel, Point, cell, meets_exact
from varbench.analysis.literature.results import RESULTS
from varbench.analysis.literature.verdict import Below, Bias, Claim, Equals, Outcome, Verdict, wider
from varbench.analysis.statistics import Estimate
from varbench.bench.records import kinds
from varbench.bench.study import read_study
from varbench.estimators import disarm
from varbench.estimators.catalogue import facts_of

REPORT = Path(__file__).parent.parent / "reports" / "literature"
STUDY = read_study("literature")


def one(value=1.0, half=0.1, marks=(), **more):
    """A record whose variance has an interval of value +- half."""
    known = {
        "problem": "p[k=1]", "estimator": "e", "config": {}, "status": "ok", "num_samples": 1, "marks": list(marks),
        "gradient_norm": 1.0, "variance": value, "variance_lower": value - half, "variance_upper": value + half,
    }  # fmt: skip
    return known | more


def biased(value, lower, upper, p, **more):
    return one(bias_sq=value, bias_sq_lower=lower, bias_sq_upper=upper, unbiased_p=p, **more)


@pytest.fixture(scope="module")
def committed():
    """The committed records, read back from the csv."""
    known = kinds()
    with (REPORT / "records.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            {key: _value(text, known[key][0]) for key, text in row.items() if text != ""}
            for row in csv.DictReader(file)
        ]
    return Frame.of([dict.fromkeys(known) | row for row in rows])


def _value(text, kind):
    return text if kind is str else json.loads(text) if text[0] in "[{" else kind(text)


@pytest.mark.parametrize(
    ("checks", "published", "verdict"),
    [
        ([Equals("", one(), 1.05)], True, Verdict.REPRODUCED),
        ([Equals("", one(), 1.05)], False, Verdict.NOT_PUBLISHED),
        ([Equals("", one(), 2.0)], True, Verdict.DIFFERS),
        ([Equals("", one(), 2.0)], False, Verdict.DIFFERS),
        ([Equals("", one(marks=["heavy_tail"]), 2.0)], True, Verdict.UNDECIDED),
        ([Equals("", one(marks=["degenerate"]), 2.0)], True, Verdict.DIFFERS),
        ([Equals("", one(0.0, 0.0), 0.0)], True, Verdict.REPRODUCED),
        ([Equals("", one(0.0, 0.0), 1e-3)], True, Verdict.DIFFERS),
        ([Equals("", one(), 1.2, half_unit=0.15)], True, Verdict.REPRODUCED),
        ([Below("", one(1.0), one(2.0))], True, Verdict.REPRODUCED),
        ([Below("", one(2.0), one(1.0))], True, Verdict.DIFFERS),
        ([Below("", one(1.0), one(1.1))], True, Verdict.UNDECIDED),
        ([Below("", one(1.1), one(1.0), strict=False)], True, Verdict.REPRODUCED),
        ([Below("", one(2.0), one(1.0), strict=False)], True, Verdict.DIFFERS),
        ([Below("", one(2.0, marks=["rare_outcome"]), one(1.0))], True, Verdict.UNDECIDED),
        ([Bias("", biased(0.01, 0.0, 0.2, 0.4), expected=False)], True, Verdict.REPRODUCED),
        ([Bias("", biased(0.3, 0.2, 0.4, 1e-4), expected=False)], True, Verdict.DIFFERS),
        ([Bias("", biased(0.3, 0.2, 0.4, 1e-4), expected=True)], True, Verdict.REPRODUCED),
        ([Bias("", biased(0.01, 0.0, 0.2, 0.4), expected=True)], True, Verdict.UNDECIDED),
        ([Below("", one(1.0), one(2.0)), Below("", one(1.0), one(1.1)), Equals("", one(), 3.0)], True, Verdict.DIFFERS),
    ],
)
def test_every_verdict_can_be_reached(checks, published, verdict):
    assert Claim("", published, checks).verdict(1) is verdict


def test_the_check_that_decides_is_the_one_shown():
    near, wrong, unclear = Equals("near", one(), 1.09), Equals("wrong", one(), 3.0), Below("", one(1.0), one(1.0))
    assert Claim("", True, [near, wrong, unclear]).tightest(1) is wrong
    assert Claim("", True, [near, unclear]).tightest(1) is unclear
    assert Claim("", True, [near, Equals("", one(), 1.0)]).tightest(1) is near


def test_a_claim_without_cells_is_an_error():
    with pytest.raises(ValueError, match="no check"):
        Claim("x", True, []).verdict(1)


def test_intervals_are_widened_for_their_number():
    """z(1 - 0.025 / 100) / z(0.975) = 3.4808 / 1.9600."""
    found = Estimate(1.0, 0.9, 1.1)
    assert wider(found, 1, False) == found
    assert wider(found, 100, False).upper == pytest.approx(1 + 0.1 * 3.480756 / 1.959964, rel=1e-6)
    assert wider(found, 100, True).lower == pytest.approx(0.9 ** (3.480756 / 1.959964), rel=1e-6)
    below = wider(Estimate(-1.0, 0.0, 2.0), 100, False)
    assert below.lower == -1.0, "an unclipped bias_sq below its interval does not turn it round"
    assert Equals("", one(), 1.15).outcome(1) is Outcome.FAILS
    assert Equals("", one(), 1.15).outcome(100) is Outcome.HOLDS


def test_a_cell_is_found_by_its_names_and_only_once():
    records = Frame.of([one(), one(problem="p[k=2]"), one(config={"k": 3}, estimator="other")])
    assert cell(records, "p", "e", k=2)["problem"] == "p[k=2]"
    assert cell(records, "p", "other", k=3)["estimator"] == "other"
    for names in ({}, {"k": 7}):
        with pytest.raises(LookupError, match="make literature"):
            cell(records, "p", "e", **names)


def test_exact_values_are_those_of_the_reference():
    """Numbers recomputed by others: shared/estimators lists them for these problems."""

    def square(x):
        return x**2

    values = [exact.normal(square, lambda x: 2 * x, *how) for how in (
        ("loc", "reinforce"), ("scale", "reinforce"), ("loc", "reparameterization"), ("scale", "reparameterization"),
        ("loc", "measure_valued"),
    )]  # fmt: skip
    assert values == pytest.approx([30, 136, 4, 12, 16 * (2 - np.pi / 2) / (2 * np.pi)], rel=1e-8)
    assert exact.quadratic_coins(0, 0.45).reinforce() == pytest.approx(0.0159390625, rel=1e-9)
    assert exact.quadratic_coins(2, 0.45).reinforce() == pytest.approx(0.0048271916, rel=1e-7)
    assert exact.quadratic_coins(0, 0.45).rloo(2) == pytest.approx(6.25e-4, rel=1e-9)
    assert exact.arm(0, 0.1) == pytest.approx(0.01 / 48, rel=1e-9)
    assert exact.disarm(0, 0.1) == pytest.approx(0, abs=1e-18)
    law = exact.shared_coins(0)
    assert exact.joint(*law).reinforce() == pytest.approx(0.43842, rel=1e-5)
    assert exact.joint(*law).rloo(2) == pytest.approx(0.007275, rel=1e-9)
    assert exact.unordered_pair(*law) == pytest.approx(0.0061125, rel=1e-9)


@pytest.mark.parametrize("S", [2, 3])
def test_rloo_is_exact_by_enumeration(S):
    """All 8^S sets of samples of three coins, uneven and with terms that differ."""
    p, f, score = exact.shared_coins(-1)
    mean, second = 0.0, 0.0
    for sample in np.ndindex(*(8,) * S):
        at = list(sample)
        g = ((f[at] - f[at].mean())[:, None] * score[at]).sum(0)[0] / (S - 1)
        mean, second = mean + p[at].prod() * g, second + p[at].prod() * g**2
    assert exact.joint(p, f, score).rloo(S) == pytest.approx(second - mean**2, rel=1e-10)


def test_separable_moments_are_those_of_the_joint_law():
    rng = np.random.default_rng(1)
    factors = [exact.choice(rng.dirichlet([1.0] * 3), rng.standard_normal(3)) for _ in range(2)]
    (p, f, s), (q, g, t) = factors
    score = np.concatenate([np.repeat(s, 3, 0), np.tile(t, (3, 1))], 1)
    both = exact.joint(np.outer(p, q).ravel(), (f[:, None] + g).ravel(), score)
    assert vars(exact.separable(factors)) == pytest.approx(vars(both), rel=1e-10)


def test_a_wrong_published_value_differs(committed):
    coin = cell(committed, "bernoulli_quadratic", "rloo", 2, dim=1, logit=0, target=0.45)
    assert Claim("", True, [Equals("", coin, 6.25e-4)]).verdict(400) is Verdict.REPRODUCED
    assert Claim("", True, [Equals("", coin, 1.25e-3)]).verdict(400) is Verdict.DIFFERS
    assert (
        Claim("", True, [Below("", coin, cell(committed, "bernoulli_quadratic", "disarm", 2, dim=1, logit=0))]).verdict(
            400
        )
        is Verdict.DIFFERS
    )


def test_a_wrong_twin_changes_the_verdict():
    """DisARM without its 1/2: still in proportion to the gradient, four times the second moment."""

    def doubled(*given, **config):
        return 2 * disarm.combine(*given, **config)

    logit = torch.ones(1, dtype=torch.float64)
    problem = Problem("coin", Bernoulli(logit), lambda b: (b - 0.45).square().sum(-1))
    twin = Estimator(facts_of("disarm"), disarm.sample, doubled)
    true, wrong = (
        measure(problem, how, num_draws=20_000, num_samples=2, timing=False).record() for how in ("disarm", twin)
    )
    for field, value in (("variance", exact.disarm(1, 0.1)), ("bias_sq", 0.0)):
        assert Claim("", True, [Equals("", true, value, field)]).verdict(400) is Verdict.REPRODUCED
        assert Claim("", True, [Equals("", wrong, value, field)]).verdict(400) is Verdict.DIFFERS


def test_there_are_at_least_twelve_results_with_claims_of_their_own(committed):
    assert len(RESULTS) >= 12
    assert len({result.name for result in RESULTS}) == len(RESULTS)
    found = judged(committed)
    assert all(one.claims and one.result.panels(committed) for one in found)
    assert found[0].number == sum(len(claim.checks) for one in found for claim in one.claims)


def test_committed_records_are_those_of_the_study(committed):
    asked = Counter((c.problem, c.estimator, c.num_samples, c.num_draws, json.dumps(c.config)) for c in STUDY.cells())
    fields = ("problem", "estimator", "num_samples", "num_draws")
    assert asked == Counter((*(r[name] for name in fields), json.dumps(r["config"])) for r in committed)
    assert set(committed.values("status")) == {"ok"}
    assert committed.values("seconds_per_draw") == (None,)
    assert sum(path.stat().st_size for path in REPORT.rglob("*") if path.is_file()) < 2_000_000


def test_committed_verdicts_follow_from_the_committed_records(committed):
    text = (REPORT / "index.html").read_text(encoding="utf-8")
    assert text == render(committed, STUDY.description()), "run 'make literature'"
    rows = [row for one in judged(committed) for row in one.rows()]
    shown = re.findall(r'<td class="number">(\d+ of \d+)</td><td>([a-z ]+)</td></tr>', text)
    assert shown == [(row["held"], row["verdict"]) for row in rows]


def test_the_page_is_the_same_for_the_same_records_and_changes_with_them(committed, tmp_path):
    path = write(committed, STUDY.description(), tmp_path)
    assert path.read_bytes() == (REPORT / "index.html").read_bytes()
    moved = [
        dict(r) | ({key: 9 * r[key] for key in ("variance", "variance_lower", "variance_upper")}) for r in committed
    ]
    verdicts = [claim.verdict(one.number) for one in judged(Frame.of(moved)) for claim in one.claims]
    assert verdicts.count(Verdict.DIFFERS) > 10, "exact values are not moved with the records"


@pytest.mark.parametrize("tau", [0.1, 0.2, 0.5, 1, 2])
def test_no_eta_lowers_the_variance_of_rebar_on_the_even_coin(tau):
    """The page says so: the variance is a parabola in eta, known from three of its points."""
    at_minus_1, at_0, at_1 = (exact.rebar(0.0, 0.499, tau, eta) for eta in (-1.0, 0.0, 1.0))
    slope, curvature = (at_1 - at_minus_1) / 2, (at_1 + at_minus_1) / 2 - at_0
    assert 0 <= slope**2 / (4 * curvature) < 1e-9 * at_0
    assert exact.rebar(0.0, 0.499, tau, 0.5) == pytest.approx(at_0 + slope / 2 + curvature / 4, rel=1e-9)


def test_what_is_missing_says_what_to_do(committed, tmp_path, capsys):
    with pytest.raises(LookupError, match="make literature"):
        judged(Frame.of(list(committed)[1:]))
    assert main([str(tmp_path / "none.db"), "-o", str(tmp_path)]) == 2
    assert "no file" in capsys.readouterr().err


def test_a_figure_draws_what_reaches_zero_as_a_limit():
    points = [Point(1, one(0.0, 0.0), 0.0), Point(2, one(2.0), 2.0)]
    drawn = figure([Panel("title", "x", [Curve("e", points)])], 10)
    (ax,) = drawn.axes
    assert ax.get_yscale() == "log"
    assert [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert meets_exact("", [Curve("e", points)]).verdict(10) is Verdict.NOT_PUBLISHED
