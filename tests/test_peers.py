"""varbench peers: sides take turns, ratios have intervals, statistics are compared, and what is missing is said."""

import ast
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from varbench.bench.peers import machine, problems
from varbench.bench.peers.agreement import LEVEL, agreement, welch
from varbench.bench.peers.ours import Ours, request
from varbench.bench.peers.pinned import one_core
from varbench.bench.peers.race import TURN, WARM, median_of, order, race
from varbench.bench.peers.row import Found, Row, Settings, of_race
from varbench.bench.peers.rows import ROWS
from varbench.bench.peers.side import Call, Here, Skipped, peer
from varbench.bench.peers.study import line, study
from varbench.command_line import ended

ROOT = Path(__file__).parent.parent
SIDES = ROOT / "bench" / "peers" / "sides"
HERE = Path(sys.executable)
SMALL = {"cost": "polynomial", "latents": problems.LATENTS, "classes": problems.CLASSES, "temperature": 0.5}


@dataclasses.dataclass
class Clockwork:
    """A side whose calls take what they are told, and that notes when it is called."""

    name: str
    calls: list[str]
    seconds: Callable[[int], float]
    rows: int = 10

    def __call__(self, seed: int, repeats: int = 1) -> Call:
        self.calls.append(self.name)
        taken = self.seconds(len(self.calls)) * repeats
        return Call(2 * taken, taken, np.zeros(1), 0.0)


def drawn(seed: int, scale: float = 1.0, shift: float = 0.0, rows: int = 400, entries: int = 5) -> Here:
    """Return a side of Normal draws."""

    def run(number: int) -> tuple[np.ndarray, float]:
        g = scale * np.random.default_rng((seed, number)).standard_normal((rows, entries)) + 1 + shift
        return g.mean(0), float(g.var(0, ddof=1).sum())

    return Here(run, rows)


def test_sides_take_turns_and_each_begins_half_of_the_rounds() -> None:
    calls: list[str] = []
    ours, theirs = (Clockwork(name, calls, lambda _: TURN) for name in ("ours", "theirs"))
    found = race(ours, theirs, 4)
    assert "".join(name[0] for name in calls[2 * WARM :]) == "ottootto"
    assert calls[: 2 * WARM] == ["ours"] * WARM + ["theirs"] * WARM
    assert [order(number) for number in range(3)] == [(0, 1), (1, 0), (0, 1)]
    assert found.seconds.shape == (4, 2)


def test_a_drift_of_the_machine_cancels_in_the_ratio() -> None:
    calls: list[str] = []
    slower = 1.03  # with every call
    ours, theirs = (Clockwork("", calls, lambda k, c=cost: c * slower**k, 5) for cost in (0.03, 0.06))
    found = race(ours, theirs, 16)
    assert found.ratio(over=0).value == pytest.approx(
        2, rel=2e-3
    )  # of neighbours the later one is 3 % slower: in turns
    assert found.ratio(over=1).value == pytest.approx(1 / 2, rel=2e-3)
    assert found.seconds[0, 1] / found.seconds[0, 0] == pytest.approx(2 * slower)


def test_seconds_are_those_of_one_draw_by_the_processor_or_by_the_clock() -> None:
    calls: list[str] = []
    ours, theirs = Clockwork("", calls, lambda _: TURN / 8, 10), Clockwork("", calls, lambda _: TURN, 5)
    assert race(ours, theirs, 6).medians == pytest.approx((TURN / 80, TURN / 5))
    by_clock = race(ours, theirs, 6, by_clock=True)
    assert by_clock.medians == pytest.approx((TURN / 40, 2 * TURN / 5))
    assert by_clock.cores == pytest.approx((0.5, 0.5))


def test_the_interval_of_a_median_is_order_statistics() -> None:
    found = median_of(np.arange(15.0)[::-1])
    assert (found.value, found.lower, found.upper) == (7, 3, 11)  # of 15 the 4th and the 12th: 96.5 %


def test_the_interval_of_a_median_covers() -> None:
    """At 15 rounds 96.5 % of intervals hold the median; under 0.94 of 2,000 happens once in 1e8 runs."""
    draws = np.random.default_rng(0).lognormal(size=(2000, 15))
    held = np.mean([one.lower <= 1 <= one.upper for one in map(median_of, draws)])
    assert 0.94 <= held <= 0.985


def test_sides_that_estimate_the_same_agree() -> None:
    found = agreement(drawn(0), drawn(1, rows=300), 20_000)
    assert found.agrees
    assert found.draws == (20_000, 20_100)
    assert found.trace == pytest.approx((5, 5), rel=0.05)


def test_many_entries_are_one_row() -> None:
    """Without the correction 20 rows of 200 entries would fail 3.6 times."""
    pairs = ((drawn(2 * k, rows=50, entries=200), drawn(2 * k + 1, rows=50, entries=200)) for k in range(20))
    assert all(agreement(*pair, 1600).agrees for pair in pairs)


@pytest.mark.parametrize(
    ("twin", "names"),
    [(drawn(1, shift=0.05), "p_mean"), (drawn(1, scale=1.05), "p_trace"), (drawn(1, scale=0.5), "p_trace")],
)
def test_a_wrong_twin_is_caught(twin: Here, names: str) -> None:
    found = agreement(drawn(0), twin, 20_000)
    assert not found.agrees
    assert getattr(found, names) < LEVEL


def test_numbers_without_noise_are_equal_to_rounding_or_differ() -> None:
    a = np.ones((40, 3))
    assert welch(a, a * (1 + 1e-8)).tolist() == [1, 1, 1]
    assert welch(a, a * [1, 1.01, 1]).tolist() == [1, 0, 1]


def test_gradients_of_other_lengths_cannot_agree() -> None:
    def one(_: int) -> tuple[list[float], float]:
        return [1.0], 0.0

    with pytest.raises(ValueError, match="of 5 and 1 entries"):
        agreement(drawn(0), Here(one, 100), 4000)


def test_a_core_is_given_back() -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("no affinity on this system")
    before = os.sched_getaffinity(0)
    with one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


def test_our_side_sums_what_the_harness_sums() -> None:
    problem = problems.coins()
    ours = Ours(problem, [request(problem, "rloo", 4)])
    (draws,) = ours.draws(3)
    tied = problem.tied(draws).numpy()
    mean, trace = ours(3)
    np.testing.assert_allclose(mean, tied.mean(0), rtol=1e-6)
    assert trace == pytest.approx(tied.var(0, ddof=1).sum(), rel=1e-9)
    assert sum(ours.parts().values()) > 0


@pytest.mark.slow
def test_a_side_in_its_own_process_agrees_with_ours_and_a_wrong_one_does_not() -> None:
    problem = problems.built_in()
    ours = Ours(problem, [request(problem, "st_gumbel_softmax", temperature=0.5)])
    for temperature, agrees in ((0.5, True), (0.6, False)):
        with peer(HERE, "torch_gumbel", **(SMALL | {"temperature": temperature}), rows=256) as theirs:
            assert set(theirs.versions) == {"torch"}
            assert agreement(ours.side, theirs, 20_000).agrees is agrees


def test_the_costs_of_both_sides_are_the_same() -> None:
    from varbench.bench.peers.sides import torch_costs

    problem = problems.built_in()
    ours = Ours(problem, [request(problem, "st_gumbel_softmax", temperature=0.5)])
    x = problem.node.draw(_noise(problem, 64), 1)  # type: ignore[attr-defined]
    theirs = torch_costs.cost("polynomial", problems.LATENTS, problems.CLASSES)
    np.testing.assert_allclose(problem.cost(x), theirs(x), rtol=1e-5)
    np.testing.assert_array_equal(problem.node.theta, problems.network().node.theta)
    assert ours.rows == 4096


def _noise(problem, rows):  # type: ignore[no-untyped-def]
    from varbench.bench.paths import noise_of

    return noise_of(problem, 0, 0, rows)


def test_a_side_whose_package_is_missing_is_skipped_with_its_name() -> None:
    with pytest.raises(Skipped, match=r"storchastic: .*No module named 'storch'"), peer(HERE, "storchastic", rows=4):
        raise AssertionError("there is none here")


def test_a_missing_interpreter_is_skipped_with_what_to_do() -> None:
    with pytest.raises(Skipped, match="run 'make peers'"), peer(Path("nowhere/python"), "jax"):
        raise AssertionError("there is none here")


def test_a_side_that_dies_is_skipped(tmp_path: Path) -> None:
    dead = tmp_path / "python"
    dead.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    dead.chmod(0o755)
    with pytest.raises(Skipped, match="ended without an answer"), peer(dead, "jax"):
        raise AssertionError("it answers nothing")


def test_sides_import_nothing_of_varbench_but_each_other() -> None:
    for file in (*SIDES.glob("*.py"), SIDES.parent / "worker.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1, f"{file.name} imports from above"
                assert not (node.module or "").startswith("varbench")
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("varbench") for alias in node.names)


def test_every_row_of_the_issue_is_there_once() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    reach = {row.name: (row.reach, row.most) for row in ROWS}
    assert reach["floor"] == (1.0, True)
    assert reach["storchastic"] == (10_000, False)
    assert reach["moments"] == (0.1, True)
    assert len(names) >= 16


def found(ratio: float = 2.0, equal: bool | None = True) -> Found:
    from varbench.bench.peers.race import Ratio

    return Found(Ratio(ratio, ratio / 1.1, ratio * 1.1), 1e-6, ratio * 1e-6, 15, equal=equal)


def row(find: Callable[[Row, Settings], Found], name: str = "one") -> Row:
    return Row(name, "ours", "theirs", 1.5, find)


def test_a_row_that_is_skipped_says_why_and_one_that_is_measured_what() -> None:
    def missing(_row: Row, _settings: Settings) -> Found:
        raise Skipped("no such package")

    settings = Settings(HERE)
    assert line(row(missing), settings) == {
        "name": "one", "ours": "ours", "against": "theirs", "reach": 1.5, "most": False, "unit": "seconds",
        "found": None, "skipped": "no such package",
    }  # fmt: skip
    whole = study([row(lambda *_: found())], settings, lambda *_: None)
    assert json.loads(json.dumps(whole))["rows"][0]["found"]["ratio"]["value"] == 2.0


def test_a_ratio_is_theirs_over_ours_or_ours_over_theirs() -> None:
    calls: list[str] = []
    run = race(Clockwork("", calls, lambda _: TURN), Clockwork("", calls, lambda _: 3 * TURN), 6)
    least = row(lambda *_: found())
    assert of_race(least, run).ratio.value == pytest.approx(3)
    assert of_race(dataclasses.replace(least, most=True), run).ratio.value == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--filter", "nobody"], "no row has 'nobody' in its name; there are floor"),
        (["--rounds", "3"], "x>=15"),
        (["--filter", "codebook", "-o", "{file}"], "is a file"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert ended(["peers", *(word.format(file=tmp_path / "file") for word in arguments)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert says in said[0]


def test_sides_that_differ_are_a_failed_row_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (row(lambda *_: found(), "same"), row(lambda *_: found(equal=False), "other"))
    monkeypatch.setattr("varbench.bench.peers.rows.ROWS", rows)
    assert ended(["peers", "--filter", "same"]) == 0
    assert ended(["peers", "-o", str(tmp_path)]) == 1
    assert "other  statistics differ" in capsys.readouterr().out
    assert (tmp_path / "index.html").exists()
    assert json.loads((tmp_path / "peers.json").read_text(encoding="utf-8"))["rows"][1]["found"]["fails"]


@pytest.mark.slow
def test_without_the_peers_environment_rows_of_torch_alone_are_measured_and_others_skipped() -> None:
    settings = Settings(Path("nowhere/python"), rounds=6, draws=2_000)
    chosen = {row.name: row for row in ROWS}
    measured = line(chosen["gumbel-network"], settings)["found"]
    assert measured["agreement"]["agrees"]
    assert measured["path"] == "split"
    assert sum(measured["parts"].values()) == pytest.approx(measured["ours"], rel=1)
    assert "make peers" in line(chosen["reinmax-network"], settings)["skipped"]
    assert line(chosen["codebook"], settings)["found"]["equal"]


def test_the_machine_says_how_wide_its_vectors_are_and_what_its_noise_takes() -> None:
    features = {"avx2": True, "avx512f": False, "sse2": True}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("llvmlite.binding.get_host_cpu_features", lambda: features)
        assert machine.vectors() == "AVX2"
        patched.setattr("llvmlite.binding.get_host_cpu_features", lambda: features | {"avx512f": True})
        assert machine.vectors() == "AVX-512"
        patched.setattr("llvmlite.binding.get_host_cpu_features", dict)
        assert machine.vectors() == ""
    found = machine.noise(6)
    assert found is not None
    assert 0 < found["lower"] <= found["value"] <= found["upper"]
