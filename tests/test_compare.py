"""Comparisons: intervals and p-values against known laws, matching rules, thresholds, outputs, bad input."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from varbench.analysis.comparison import export as comparison_export
from varbench.analysis.comparison import text as comparison_text
from varbench.analysis.comparison.cells import Cell, Side, matched
from varbench.analysis.comparison.compare import Comparison, Row, Rule, compare, failures
from varbench.analysis.comparison.ratios import Ratio, T, Z, geometric_mean, ratio_of, student_p
from varbench.bench.block_sums import block_moments
from varbench.bench.executors import measure_cells
from varbench.bench.intervals import statistics
from varbench.bench.moments import Frame
from varbench.bench.specs import full_name
from varbench.bench.store import Store
from varbench.bench.study import Cell as StudyCell
from varbench.bench.tails import tail_size
from varbench.bench.tree import Tree
from varbench.command_line import ended

EXACT = torch.zeros(2, dtype=torch.float64)


def cell(draws: NDArray[np.float64], exact: torch.Tensor | None = EXACT, **fields: Any) -> Cell:
    """A cell as the harness would store it, from draws [N, n]."""
    g = torch.from_numpy(draws)
    frame = Frame(g[:64].mean(0), exact, len(g), tail_size(len(g)) + 1)
    tree = Tree(1)
    tree.add(0, block_moments(g, frame, 0))
    found = statistics(tree.total(), frame, 2.0**-52 * float(g.abs().max()), None, True)
    record: dict[str, Any] = {
        "problem": "p", "estimator": "e", "config": {}, "num_samples": 1, "num_draws": len(g), "seed": 0,
        "dtype": "float64", "device": "cpu", "threads": 1, "status": "ok", "reason": None, "marks": found.marks,
        "commit": "c0ffee", "gradient_mean": found.mean.tolist(), "seconds_per_draw": None, "mse": None,
    }  # fmt: skip
    for name in ("variance", "mse", "bias_sq"):
        interval = getattr(found, name)
        if interval is not None:
            record |= {name: interval.value, f"{name}_lower": interval.lower, f"{name}_upper": interval.upper}
    return Cell(json.dumps(fields, sort_keys=True), {**record, **fields}, found.replicates)


def bare(value: float = 1.0, lower: float = 0.8, upper: float = 1.25, **fields: Any) -> Cell:
    """A cell without draws: a variance and its interval, and seconds."""
    numbers = {
        f"{name}{end}": x
        for name in ("variance", "seconds_per_draw")
        for end, x in (("", value), ("_lower", lower), ("_upper", upper))
    }
    record = {**cell(np.zeros((200, 2))).record, **numbers, "marks": [], **fields}
    return Cell(json.dumps(fields, sort_keys=True), record)


def ratio(a: Cell, b: Cell, metric: str = "variance") -> Ratio:
    return ratio_of(a.record, b.record, a.replicates, b.replicates, metric)


def whole(cells: list[Cell]) -> Side:
    return Side("x.db", cells)


# the numbers


def test_students_t_is_scipys() -> None:
    assert pytest.approx(stats.t.ppf(0.975, 63), abs=1e-12) == T
    assert pytest.approx(stats.norm.ppf(0.975), abs=1e-12) == Z
    for t in [0.0, 1e-9, 0.3, 1.0, -T, 2.5, 4.0, 8.0, 40.0, 1e9]:
        assert student_p(t) == pytest.approx(2 * stats.t.sf(abs(t), 63), abs=1e-13)


COVERED = 400


@pytest.mark.parametrize(
    ("metric", "common"), [("variance", 0.0), ("variance", 0.9), ("variance", 0.999), ("mse", 0.9)]
)
def test_the_paired_interval_covers(metric: str, common: float) -> None:
    """True ratio 4 (all draws doubled), noise with correlation ``common``; fails falsely once in 5,000 times a case.

    Coverage below 91.8 % or above 98.6 % is found with probability over 97 %.
    """
    rng = np.random.default_rng(round(1000 * common) + len(metric))
    hits, lengths, unpaired = 0, [], []
    for _ in range(COVERED):
        shared, own = rng.standard_normal((2, 1280, 2))
        a, b = cell(shared), cell(2 * (common * shared + math.sqrt(1 - common**2) * own))
        found = ratio(a, b, metric)
        interval = found.interval
        assert interval is not None
        hits += interval.lower <= 4 <= interval.upper
        assert (interval.lower <= 4 <= interval.upper) == ((found.p(4.0) or 0.0) >= 0.05)
        lengths.append(found.above)
        unpaired.append(ratio(Cell("", a.record), Cell("", b.record), metric).above)
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], COVERED, 0.95)
    assert low <= hits <= high
    # |g|^2 and |g'|^2 have correlation common^2, so what the pairing saves is known
    assert np.mean(lengths) / np.mean(unpaired) == pytest.approx(math.sqrt(1 - common**2), rel=0.05)


def test_the_unpaired_interval_covers() -> None:
    """100 draws a cell keep no parts; fails falsely once in 10,000 times. Its laws are Normal ones for 100 draws."""
    rng, hits = np.random.default_rng(5), 0
    for _ in range(COVERED):
        a, b = (cell(rng.standard_normal((100, 4)), torch.zeros(4, dtype=torch.float64)) for _ in range(2))
        assert not a.replicates
        found = ratio(a, b).interval
        assert found is not None
        hits += found.lower <= 1 <= found.upper
    assert hits >= stats.binom.ppf(1e-4, COVERED, 0.94)
    assert hits <= stats.binom.ppf(1 - 1e-4, COVERED, 0.97)


def real(problem: str, estimator: str, seed: int, draws: int, **config: Any) -> Cell:
    found = measure_cells([StudyCell(problem, estimator, config, 1, draws, seed, None)])[0]
    return Cell(found.key, found.record, found.replicates)


def test_common_noise_shortens_real_intervals() -> None:
    """Reinmax against straight-through on the noise that the harness gives both."""
    problem = full_name("polynomial", {"dim": 8, "classes": 3, "degree": 2})
    a = real(problem, "straight_through", 0, 4096, temperature=1.0, identity=False)
    b = real(problem, "reinmax", 0, 4096, temperature=1.0)
    alien = real(problem, "reinmax", 1, 4096, temperature=1.0)
    paired, unpaired = ratio(a, b), ratio(Cell("", a.record), Cell("", b.record))
    assert paired.above < 0.5 * unpaired.above
    assert ratio(a, alien).above == pytest.approx(unpaired.above, rel=0.5)  # no common noise, nothing saved
    assert ratio(a, b).log == unpaired.log


def test_p_values_are_uniform_under_equality_with_independent_seeds() -> None:
    """Kolmogorov-Smirnov at level 1e-4 over 80 pairs of real cells that differ in the seed alone."""
    problem = full_name("polynomial", {"dim": 8, "classes": 3, "degree": 2})
    cells = [real(problem, "reinmax", seed, 1024, temperature=1.0) for seed in range(160)]
    for metric in ("variance", "mse"):
        p = [ratio(a, b, metric).p() for a, b in zip(cells[::2], cells[1::2], strict=True)]
        assert stats.kstest(p, "uniform").pvalue > 1e-4


def test_the_same_draws_give_exactly_one() -> None:
    draws = np.random.default_rng(0).standard_normal((1000, 2))
    for metric in ("variance", "mse"):
        found = ratio(cell(draws), cell(draws), metric)
        assert found.interval is not None
        assert (found.interval.value, found.interval.lower, found.interval.upper) == (1, 1, 1)
        assert found.p() == 1


def test_rounding_is_no_difference_but_little_more_is() -> None:
    draws = np.random.default_rng(0).standard_normal((1000, 2)) + 100
    near, far = ratio(cell(draws), cell(draws * (1 + 2.0**-52))), ratio(cell(draws), cell(draws * (1 + 1e-9)))
    assert near.p() == 1
    assert near.interval is not None
    assert near.interval.lower <= 1 <= near.interval.upper
    assert far.p() is not None
    assert far.p() == pytest.approx(0, abs=1e-6)
    single = [cell(d, dtype="float32") for d in (draws, draws * (1 + 2.0**-24))]
    assert ratio(*single).p() == 1


def test_zero_variance_is_equal_on_both_sides_and_no_ratio_on_one() -> None:
    zero, some = cell(np.zeros((200, 2))), cell(np.random.default_rng(0).standard_normal((200, 2)))
    for metric in ("variance", "mse"):
        both = ratio(zero, zero, metric)
        assert (both.log, both.p(), both.tested, both.note) == (0, 1, False, "zero on both sides")
        for a, b, where in ((zero, some, "A"), (some, zero, "B")):
            one = ratio(a, b, metric)
            assert one.interval is None
            assert one.p() is None
            assert one.note == f"zero in {where} only: no ratio"
    # no variance but a bias: mse is known to rounding, and two of them are not told apart by it
    biased = [cell(np.full((200, 2), x)) for x in (0.1, 0.1 * (1 + 1e-15), 0.2)]
    assert ratio(biased[0], biased[1], "mse").p() == 1
    found = ratio(biased[0], biased[2], "mse")
    assert found.interval is not None
    assert found.interval.value == pytest.approx(4)
    assert found.p() == pytest.approx(0, abs=1e-6)
    assert geometric_mean([ratio(zero, zero)]) is None


def test_seconds_come_from_the_two_intervals_on_the_log_scale() -> None:
    found = ratio(bare(2.0, 1.0, 2.5), bare(3.0, 2.0, 6.0), "seconds_per_draw")
    assert found.interval is not None
    assert found.interval.value == 1.5
    assert math.log(1.5 / found.interval.lower) == pytest.approx(math.hypot(math.log(1.5), math.log(1.25)))
    assert math.log(found.interval.upper / 1.5) == pytest.approx(math.hypot(math.log(2), math.log(2)))
    assert found.p() == pytest.approx(math.erfc(Z * math.log(1.5) / found.below / math.sqrt(2)))
    endless = ratio(bare(2.0, 0.0, 4.0), bare())
    assert endless.interval is not None
    assert endless.interval.upper == math.inf
    assert "∞" in comparison_text.interval_text(endless.interval)
    missing = ratio(bare(), Cell("", {**bare().record, "seconds_per_draw": None}), "seconds_per_draw")
    assert (missing.interval, missing.note) == (None, "not measured in B")


def test_the_geometric_mean_knows_what_cells_share() -> None:
    """Ten cells on one noise tell no more than one; ten on their own tell sqrt(10) times more. Coverage as above."""
    rng, hits = np.random.default_rng(11), 0
    a, b = rng.standard_normal((2, 320, 2))
    shared = [ratio(cell(a), cell(scale * b)) for scale in range(1, 11)]
    one = geometric_mean(shared)
    assert one is not None
    assert one.upper / one.value == pytest.approx(math.exp(shared[0].above))
    for _ in range(100):
        own = rng.standard_normal((20, 320, 2))
        ten = geometric_mean([ratio(cell(x), cell(2 * y)) for x, y in zip(own[::2], own[1::2], strict=True)])
        assert ten is not None
        hits += ten.lower <= 4 <= ten.upper
    assert math.log(ten.upper / ten.value) == pytest.approx(shared[0].above / math.sqrt(10), rel=0.5)
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], 100, 0.95)
    assert low <= hits <= high
    mixed = geometric_mean([ratio(bare(), bare(4.0, 2.0, 8.0)), ratio(bare(), bare())])
    assert mixed is not None
    assert mixed.value == pytest.approx(2)


def test_many_comparisons_are_adjusted_and_small_changes_stay_a_tilde() -> None:
    """Twenty equal pairs and one doubled; Holm's chance of one false finding is 5 %, here the seed is fixed."""
    rng = np.random.default_rng(2)
    a = [cell(rng.standard_normal((640, 2)), problem=f"p{i}") for i in range(21)]
    b = [cell((1 + (i == 7)) * rng.standard_normal((640, 2)), problem=f"p{i}") for i in range(21)]
    found = compare(whole(a), whole(b))
    raw = np.array([row.p for row in found.rows])
    order = np.argsort(raw)
    expected = np.minimum(1, np.maximum.accumulate(raw[order] * np.arange(21, 0, -1)))
    assert [found.rows[i].p_adjusted for i in order] == pytest.approx(list(expected))
    assert [row.pair[0].record["problem"] for row in found.rows if row.shown] == ["p7"]
    changes = [row["change"] for block in comparison_text.blocks(found) for row in block.rows]
    assert changes.count("~") == 20
    assert changes[7].startswith("×")


# which cells meet


def test_stores_match_on_what_was_asked_whatever_seed_and_draws() -> None:
    a = [bare(config={"temperature": t}, seed=0) for t in (0.5, 1.0)] + [bare(estimator="only a")]
    b = [bare(config={"temperature": t}, seed=3, num_draws=7) for t in (1.0, 2.0)] + [bare(num_samples=2)]
    pairs, only_a, only_b = matched(whole(a), whole(b))
    assert pairs == [(a[1], b[0])]
    assert only_a == [a[0], a[2]]
    assert only_b == [b[1], b[2]]
    text = "\n".join(comparison_text.remarks(compare(whole(a), whole(b))))
    assert "seed differs in 1 cell (0 in A, 3 in B): no common noise" in text
    assert "num_draws differs" in text


def test_how_many_cells_met_the_same_points_is_said_where_the_records_know() -> None:
    a = [bare(problem=name, points_key=key) for name, key in (("p", "1"), ("q", "2"), ("r", None))]
    b = [bare(problem=name, points_key=key) for name, key in (("p", "1"), ("q", "3"), ("r", "4"))]
    told = "both sides are known to have met the same noise and points in 1 of 3 cells."
    assert told in comparison_text.remarks(compare(whole(a), whole(b)))
    assert not any("noise and points" in line for line in comparison_text.remarks(compare(whole(a[2:]), whole(b[2:]))))


def test_a_cell_with_several_seeds_meets_its_own() -> None:
    a = [bare(seed=s) for s in (0, 1)]
    b = [bare(seed=s) for s in (2, 1)]
    pairs, only_a, only_b = matched(whole(a), whole(b))
    assert pairs == [(a[0], b[0]), (a[1], b[1])]
    assert not only_a
    assert not only_b
    assert matched(whole(a), whole(b[1:]))[0] == [(a[1], b[1])]


def at(estimator: str, temperature: float | None, **fields: Any) -> Cell:
    return bare(estimator=estimator, config={} if temperature is None else {"temperature": temperature}, **fields)


def test_estimators_match_on_problem_and_on_temperature_where_both_have_one() -> None:
    warm = [at("warm", t) for t in (0.5, 1.0, 2.0)]
    hot = [at("hot", t) for t in (1.0, 2.0, 4.0)]
    cold = [at("cold", None), at("cold", None, problem="q")]

    def pairs(a: Side, b: Side) -> list[tuple[Any, Any]]:
        return [
            (x.record["config"].get("temperature"), y.record["config"].get("temperature")) for x, y in matched(a, b)[0]
        ]

    sides = {n: Side("x.db", cells, n) for n, cells in (("warm", warm), ("hot", hot), ("cold", cold))}
    assert pairs(sides["warm"], sides["hot"]) == [(1.0, 1.0), (2.0, 2.0)]
    assert pairs(sides["warm"], sides["cold"]) == [(0.5, None), (1.0, None), (2.0, None)]
    assert pairs(sides["cold"], sides["hot"]) == [(None, 1.0), (None, 2.0), (None, 4.0)]
    pinned = [Side("x.db", [warm[i]], "warm", {"temperature": warm[i].record["config"]["temperature"]}) for i in (0, 2)]
    assert pairs(*pinned) == [(0.5, 2.0)]  # chosen on both sides: compared as chosen
    assert pairs(pinned[0], sides["hot"]) == []
    assert matched(Side("x.db", [at("a", None)], "a"), Side("x.db", [at("b", None, num_samples=2)], "b"))[0] == []


def test_what_was_not_measured_is_listed_with_its_reason() -> None:
    a = [bare(), bare(problem="q"), bare(problem="r", status="failed", reason="cost is NaN")]
    b = [
        bare(),
        bare(problem="q", status="failed", reason="out of memory"),
        bare(problem="r", status="failed", reason="cost is NaN"),
    ]
    found = compare(whole(a), whole(b))
    assert [one.reason for one in found.skipped] == ["B failed: out of memory", "both failed: cost is NaN"]
    assert [one.lost for one in found.skipped] == [True, False]
    assert "1 cell of e compared; 2 matched but not measured on both sides." in comparison_text.heading(found)
    assert any("e on q (1): B failed: out of memory" in line for line in comparison_text.remarks(found))


# thresholds


def failed(a: list[Cell], b: list[Cell], *rules: Rule) -> list[list[Row]]:
    found = compare(whole(a), whole(b), ("variance",))
    return list(failures(found, rules).values())


def test_thresholds_fail_only_what_is_shown() -> None:
    """Known ratio 1.1 with an error of 1 %, then 10 %."""
    a, sharp = [bare(1.0, 1.0, 1.0)], [bare(1.1, 1.09, 1.11)]
    blunt = [bare(1.1, 0.9, 1.3)]
    above, below = Rule("variance", True, 1.05), Rule("variance", False, 1.2)
    assert [len(rows) for rows in failed(a, sharp, above, below)] == [1, 1]
    assert failed(a, blunt, above) == [[]]
    assert failed(a, sharp, Rule("variance", True, 1.2)) == [[]]
    assert failed(a, a, Rule("variance", True, 1.0), Rule("variance", False, 1.0)) == [[], []]
    zero = [bare(0.0, 0.0, 0.0)]
    assert [len(rows) for rows in failed(zero, a, above, below)] == [1, 0]
    assert [len(rows) for rows in failed(a, zero, above, below)] == [0, 1]


def test_thresholds_are_adjusted_for_the_number_of_cells() -> None:
    """One cell 2.5 errors above the threshold fails alone, and not among a hundred that keep to it."""
    off = math.exp(2.5 / Z * math.log(1.02)) * 1.05
    one = bare(off, off / 1.02, off * 1.02)
    rest = [bare(problem=f"p{i}") for i in range(99)]
    known = [bare(1.0, 1.0, 1.0)]
    rule = Rule("variance", True, 1.05)
    assert len(failed(known, [one], rule)[0]) == 1
    assert failed([*known, *rest], [one, *rest], rule) == [[]]


# outputs


def nasty() -> Comparison:
    a = [bare(problem=r"100%_{#&$}~^\x|`<y>", estimator="e|*", marks=["heavy_tail"], commit="a\nb"), bare(seed=1)]
    b = [replace(a[0], record={**a[0].record, "variance": 2.0, "variance_lower": 0.0}), bare(2.0, 0.0, 3.0)]
    return compare(whole(a), whole(b), ("variance", "seconds_per_draw", "mse"))


def test_json_is_strict_and_holds_what_the_table_shows() -> None:
    found = nasty()
    read = json.loads(comparison_export.as_json(found, {}), parse_constant=lambda c: pytest.fail(f"{c} in JSON"))
    assert read["num_matched"] == 2
    assert [row["metric"] for row in read["comparisons"]] == [m for m in found.metrics for _ in range(2)]
    first = read["comparisons"][0]
    assert first["ratio"] == 2
    assert first["ratio_lower"] == 0
    assert first["marks_a"] == ["heavy_tail"]
    assert first["paired"] is False
    assert read["comparisons"][1]["differs"] == {"seed": [1, 0]}
    nothing = {"num_cells": 0, "ratio": None, "ratio_lower": None, "ratio_upper": None}
    assert read["geometric_means"][2] == {"metric": "mse", **nothing}


def test_latex_is_balanced_rows_have_their_cells_and_nothing_is_left_unescaped() -> None:
    text = comparison_export.as_latex(nasty())
    assert text.startswith(r"% needs \usepackage{booktabs}")
    bodies = re.findall(r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\\end\{tabular\}", text, re.S)
    assert len(bodies) == 3
    commands = set(re.findall(r"\\([a-zA-Z]+)", text))
    assert commands <= {
        "begin", "end", "toprule", "midrule", "bottomrule", "multicolumn", "input", "usepackage", "tau", "sim", "to",
        "times", "infty", "textbackslash", "textasciicircum", "textasciigrave",
    }  # fmt: skip
    for columns, body in bodies:
        for line in body.splitlines():
            bare_line = re.sub(r"\\[{}#$%&_]", "", line.replace("\\\\", ""))
            assert bare_line.count("{") == bare_line.count("}")
            assert not re.search(r"[#%~^|<>\[\]]", re.sub(r"\$[^$]*\$|\{[\[\]]\}", "", bare_line)), line
            if line.endswith("\\\\") and not line.startswith("\\multicolumn"):
                assert bare_line.count("&") == len(columns) - 1
    assert comparison_export.escaped("é τ 中\n\x00") == r"é $\tau$ U+4E2D U+0000"


def test_markdown_rows_have_their_cells() -> None:
    lines = comparison_text.as_markdown(nasty(), {}).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert rows
    counts = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert len(counts) == 1
    assert "\\~" in "".join(rows)


# the command

STUDY = """
draws = 1000
seed = {seed}
[[grid]]
problems = ["bernoulli_quadratic[target=0.45,logit=1]", "polynomial[dim=4,classes=3]"]
estimators = ["reinforce", "straight_through", "reinmax", "gumbel_softmax", "enumerate"]
temperatures = [0.5, 1]
"""


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stores")
    for name, seed in (("one", 0), ("again", 0), ("other", 2)):
        (folder / "study.toml").write_text(STUDY.format(seed=seed))
        assert ended(["run", str(folder / "study.toml"), "--no-timing", "--out", str(folder / f"{name}.db")]) == 0
    (folder / "rloo.toml").write_text(
        '[[grid]]\nproblems = ["normal_cos"]\nestimators = ["rloo", "reinforce"]\ndraws = 64'
    )
    assert ended(["run", str(folder / "rloo.toml"), "--out", str(folder / "rloo.db")]) == 0
    (folder / "text.db").write_text("I am no database, but I am longer than a header of one hundred bytes. " * 9)
    Store.resume(folder / "empty.db", {"name": "nothing"}).close()
    return folder


@pytest.fixture
def here(stores: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(stores)
    return stores


def read(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> Mapping[str, Any]:
    capsys.readouterr()
    assert ended(["compare", *words, "--format", "json"]) == code
    found = json.loads(capsys.readouterr().out, parse_constant=lambda c: pytest.fail(f"{c} in JSON"))
    assert isinstance(found, dict)
    return found


def test_two_runs_of_one_study_are_exactly_equal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = read(["one.db", "again.db", "--metric", "variance", "--metric", "mse"], capsys)
    assert found["num_matched"] == len(found["comparisons"]) // 2 == 16
    for row in found["comparisons"]:
        assert (row["ratio"], row["ratio_lower"], row["ratio_upper"], row["p"], row["p_adjusted"]) == (1, 1, 1, 1, 1)
        assert not row["shown"]
    assert ended(["compare", "one.db", "again.db", "--fail-on", "variance>1", "--fail-on", "mse<1"]) == 0


def test_another_seed_shows_nothing_and_says_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A false finding has a chance of at most 5 %; the seeds are fixed."""
    assert ended(["compare", "one.db", "other.db", "--fail-on", "variance>1.05"]) == 0
    out = capsys.readouterr().out
    assert "seed differs in 16 cells (0 in A, 2 in B): no common noise" in out
    assert "larger in B in 0, smaller in 0" in out
    assert re.search(r"A: one.db, 16 cells, commit \w+(-dirty)?, 1,000 draws, seed 0", out)
    assert "no cell fails" in out


def test_two_estimators_of_one_store(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = read(["one.db:straight_through", "one.db:reinmax"], capsys)
    assert [(row["config_a"]["temperature"], row["config_b"]["temperature"]) for row in found["comparisons"]] == [
        (0.5, 0.5), (1.0, 1.0), (0.5, 0.5), (1.0, 1.0),
    ]  # fmt: skip
    assert all(row["paired"] for row in found["comparisons"])
    found = read(["one.db:reinforce", "one.db:reinmax[temperature=0.5]"], capsys)
    assert [row["config_b"] for row in found["comparisons"]] == [{"temperature": 0.5}] * 2
    found = read(["one.db:reinmax[temperature=0.5]", "one.db:reinmax[temperature=1]"], capsys)
    assert len(found["comparisons"]) == 2
    assert read(["rloo.db:rloo[num_samples=2]", "rloo.db:reinforce[num_samples=1]"], capsys)["num_matched"] == 1


def test_few_draws_and_seconds_are_compared_unpaired(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = read(["rloo.db", "rloo.db", "--metric", "seconds_per_draw", "--metric", "variance"], capsys)
    assert [row["paired"] for row in found["comparisons"]] == [False] * 4
    assert ended(["compare", "rloo.db", "rloo.db"]) == 0
    assert "paired no: 2 ratios" in capsys.readouterr().out


def test_a_threshold_ends_with_one_and_names_the_cells(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["one.db:reinmax[temperature=0.5]", "one.db:straight_through", "--fail-on", "variance>1.05"]
    found = read(words, capsys, code=1)
    (rule,) = found["fail_on"]
    assert rule["rule"] == "variance>1.05"
    assert rule["failed"]
    assert all(row["ratio_lower"] > 1.05 for row in rule["failed"])
    assert ended(["compare", *words, "-o", "out.txt"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("varbench: --fail-on 'variance>1.05': ")
    assert err.count("\n") == 1
    assert "straight_through[identity=false] at temperature 0.5" in err
    assert "straight_through[identity=false] at temperature 0.5" in (here / "out.txt").read_text()


def test_cells_that_failed_in_b_are_no_pass(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(here / "one.db") as store:
        cells = store.cells()
    with Store.resume(here / "broken.db", {"name": "broken"}) as store:
        for position, (key, (record, replicates)) in enumerate(cells.items()):
            bad = {**record, "status": "failed", "reason": "out of luck"} if position == 0 else record
            store.put(key, position, bad, 0.0, replicates)
    assert ended(["compare", "one.db", "broken.db"]) == 0
    assert "B failed: out of luck" in capsys.readouterr().out
    assert ended(["compare", "one.db", "broken.db", "--fail-on", "variance>1.05"]) == 3
    assert "1 cell that A measured failed in B" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "json"])
def test_every_format_is_written_to_a_file(form: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert ended(["compare", "one.db", "other.db", "--format", form, "-o", f"out.{form}"]) == 0
    assert capsys.readouterr().out == ""
    assert "reinmax" in (here / f"out.{form}").read_text()


@pytest.mark.parametrize(("typed", "code", "words"), [
    ("nowhere.db one.db", 2, ["no file nowhere.db", "varbench run"]),
    ("one.db nowhere.db:reinmax", 2, ["no file nowhere.db"]),
    ("one.db text.db", 4, ["text.db", "no varbench store"]),
    ("one.db empty.db", 2, ["empty.db", "no records yet", "varbench run nothing --out empty.db"]),
    ("one.db rloo.db", 2, ["no cell in common", "run one study into both"]),
    ("one.db one.db:reinmax", 2, ["one names an estimator", "on both sides"]),
    ("one.db:reinmx one.db:reinmax", 2, ["estimator in one.db 'reinmx'", "did you mean reinmax"]),
    ("one.db: one.db:reinmax", 2, ["is no name"]),
    ("one.db:reinmax[temprature=1] one.db:reinmax", 2, ["'temprature'", "did you mean temperature"]),
    ("one.db:reinmax[temperature=7] one.db:reinmax", 2, ["no 'reinmax' with temperature=7", "0.5, 1"]),
    ("one.db:reinmax[temperature] one.db:reinmax", 2, ["key=value"]),
    ("rloo.db:rloo rloo.db:reinforce", 2, ["num_samples is 2 there, 1 here", "ESTIMATOR[num_samples=...]"]),
    ("one.db:reinforce rloo.db:reinforce", 2, ["no cell in common", "problem is", "same problems"]),
    ("one.db again.db --metric varience", 2, ["metric 'varience'", "did you mean variance"]),
    ("one.db again.db --metric bias_sq", 2, ["bias_sq is not compared as a ratio", "--metric mse"]),
    ("one.db again.db --fail-on bias_sq>1", 2, ["bias_sq is not compared"]),
    ("one.db again.db --fail-on variance", 2, ["'variance'", "METRIC>NUMBER"]),
    ("one.db again.db --fail-on variance>=1", 2, ["METRIC>NUMBER"]),
    ("one.db again.db --fail-on variance>much", 2, ["'much' is no positive number"]),
    ("one.db again.db --fail-on variance>-1", 2, ["'-1' is no positive number"]),
    ("one.db again.db --fail-on variance>nan", 2, ["'nan' is no positive number"]),
    ("one.db again.db --fail-on seconds>1", 2, ["metric 'seconds'", "seconds_per_draw"]),
    ("one.db again.db --fail-on seconds_per_draw>1", 2, ["no cell has seconds_per_draw", "--no-timing"]),
    ("one.db again.db --format xml", 2, ["xml", "table"]),
    ("one.db again.db -o text.db/below", 2, ["cannot write text.db/below"]),
    ("one.db", 2, ["Missing argument"]),
])  # fmt: skip
def test_bad_input_gets_one_line(
    typed: str, code: int, words: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert ended(["compare", *typed.split(" ")]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("varbench: ")
    assert err.count("\n") == 1
    assert "a fault of varbench" not in err
    for word in words:
        assert word in err, f"{word!r} not in {err!r}"
