"""The command line as people use it: what it prints, what it stores, how it ends."""

import csv
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from varbench.bench.catalogue import CATALOGUE as PROBLEMS
from varbench.bench.store import Store
from varbench.command_line import ended
from varbench.estimators.catalogue import CATALOGUE as ESTIMATORS

TINY = """
title = "Tiny"
question = "Does it run?"
draws = 400

[[grid]]
problems = ["bernoulli_quadratic[target=0.45]", "normal_square"]
estimators = ["reinforce", "rloo", "disarm", "gumbel_softmax", "straight_through", "enumerate"]
temperatures = [0.5, 1.0]
num_samples = [1, 2]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


def statistics(store: Path) -> list[dict[str, object]]:
    with Store.open(store) as opened:
        return [
            {k: v for k, v in record.items() if "seconds" not in k and k != "peak_bytes"} for record in opened.records()
        ]


def started(*words: str, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "varbench", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload,no-any-return]


def test_measure_prints_one_strict_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["measure", "normal_cos", "rloo", "--draws", "500", "--num-samples", "3", "--json"]) == 0
    out = capsys.readouterr().out
    record = json.loads(out, parse_constant=lambda c: pytest.fail(f"{c} in JSON"))
    assert (record["num_draws"], record["num_samples"], record["num_points"]) == (500, 3, 3)


def test_measure_takes_parameters_in_brackets_and_as_options(capsys: pytest.CaptureFixture[str]) -> None:
    problem = "bernoulli_quadratic[target=0.45]"
    assert ended(["measure", problem, "gumbel_rao[temperature=0.5,conditional_samples=3]", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    words = ["--temperature", "0.5", "--set", "conditional_samples=3", "--json", "--no-timing"]
    assert ended(["measure", problem, "gumbel_rao", *words]) == 0
    second = json.loads(capsys.readouterr().out)
    assert first["config"] == second["config"] == {"temperature": 0.5, "conditional_samples": 3}
    assert first["variance"] == second["variance"]
    assert first["problem"] == "bernoulli_quadratic[dim=1,logit=0,target=0.45]"
    assert second["seconds_per_draw"] is None


def test_measure_without_json_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["measure", "shared_bernoulli", "disarm", "--draws", "1000"]) == 0
    out = capsys.readouterr().out
    assert "disarm on shared_bernoulli[logit=0]" in out
    assert "variance" in out
    assert "by factorized enumeration" in out


@pytest.mark.parametrize(("what", "known"), [("problems", PROBLEMS), ("estimators", ESTIMATORS)])
def test_list_prints_the_catalogue(what: str, known: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["list", what, "--json"]) == 0
    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)] == list(known)
    assert ended(["list", what]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(known)


def test_list_studies(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["list", "studies", "--json"]) == 0
    assert "quick" in [entry["name"] for entry in json.loads(capsys.readouterr().out)]


def test_help_list_and_plan_load_nothing_heavy() -> None:
    code = (
        "import sys; from varbench.command_line import ended\n"
        "for words in (['--help'], ['list', 'problems'], ['list', 'studies'], ['plan', 'quick', '--json'],\n"
        "    ['completion', 'bash'], ['merge', '--help'], ['validate', 'no.db']): ended(words)\n"
        "heavy = {'torch', 'scipy', 'scipy.stats', 'matplotlib', 'numpy', 'jinja2', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_doctor_finds_nothing_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["doctor"]) == 0
    assert "nothing is missing" in capsys.readouterr().out


def test_a_study_is_planned_run_resumed_and_timed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["plan", "tiny.toml"]) == 0
    planned = capsys.readouterr().out
    assert "30 cells, 0 done, 30 left" in planned
    assert not (here / "tiny.db").exists()
    assert ended(["run", "tiny.toml", "--no-timing", "--filter", "estimator=rloo"]) == 0
    assert "2 cells measured, 2 not applicable, 0 failed" in capsys.readouterr().out
    with Store.open(Path("tiny.db")) as store:
        assert len(store.untimed()) == 2
        before = store.seconds()
    assert ended(["run", "tiny.toml"]) == 0
    assert "measuring 26/26" in capsys.readouterr().err
    with Store.open(Path("tiny.db")) as store:
        assert not store.untimed()
        assert before.items() <= store.seconds().items()  # what was stored was not run again
        assert all(r["seconds_per_draw"] for r in store.records() if r["status"] == "ok")
    assert ended(["plan", "tiny.toml"]) == 0
    assert "30 done, 0 left" in capsys.readouterr().out


def test_what_does_not_apply_is_stored_with_its_reason(here: Path) -> None:
    assert ended(["run", "tiny.toml", "--no-timing"]) == 0
    records = statistics(Path("tiny.db"))
    reasons = {r["estimator"]: str(r["reason"]) for r in records if r["status"] == "not_applicable"}
    assert "normal node" in reasons["disarm"]
    assert "needs at least 2" in reasons["rloo"]
    assert len(records) == 30


def test_a_pool_of_workers_stores_the_same_records_in_the_same_order(here: Path) -> None:
    assert ended(["run", "tiny.toml", "--no-timing", "--out", "one.db"]) == 0
    assert ended(["run", "tiny.toml", "--no-timing", "--out", "two.db", "--workers", "2"]) == 0
    assert statistics(Path("one.db")) == statistics(Path("two.db"))


FAILING = """
import torch
from varbench import Bernoulli, Problem
node = Bernoulli(torch.zeros(1, dtype=torch.float64))
broken = Problem("broken", node, lambda b: torch.where(b.sum(-1) > 0, torch.nan, 1.0))
"""


def test_what_fails_is_stored_with_its_reason_and_can_be_tried_again(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "mine.py").write_text(FAILING)
    study = TINY.replace('"normal_square"', '"mine.py:broken"')
    (here / "tiny.toml").write_text(study)
    assert ended(["run", "tiny.toml", "--no-timing"]) == 3
    failed = [r for r in statistics(Path("tiny.db")) if r["status"] == "failed"]
    assert failed
    assert all("NaN or infinity" in str(r["reason"]) for r in failed)
    capsys.readouterr()
    assert ended(["run", "tiny.toml", "--no-timing"]) == 3
    assert "measuring" not in capsys.readouterr().err  # a failure is not tried again by itself
    assert ended(["run", "tiny.toml", "--no-timing", "--retry-failed"]) == 3
    assert f"measuring {len(failed)}/{len(failed)}" in capsys.readouterr().err


def test_show_and_export(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended(["run", "tiny.toml", "--no-timing", "--filter", "problem=bern*"])
    capsys.readouterr()
    assert ended(["show", "tiny.db"]) == 0
    assert "gumbel_softmax" in capsys.readouterr().out
    assert ended(["show", "tiny.db", "--format", "json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert ended(["export", "tiny.db", "-o", "out.csv"]) == 0
    rows = list(csv.DictReader((here / "out.csv").read_text().splitlines()))
    variances = [record["variance"] for record in records if record["status"] == "ok"]
    assert [float(row["variance"]) for row in rows if row["status"] == "ok"] == variances
    assert json.loads(rows[0]["config"]) == records[0]["config"]
    assert ended(["export", "tiny.db", "--format", "markdown"]) == 0
    assert "| reinforce |" in capsys.readouterr().out


def test_report_writes_a_page(here: Path) -> None:
    ended(["run", "tiny.toml"])
    assert ended(["report", "tiny.db", "-o", "page"]) == 0
    assert "Does it run?" in (here / "page" / "index.html").read_text()


def long_study(here: Path) -> None:
    temperatures = ", ".join(str(t / 10) for t in range(1, 13))
    study = TINY.replace("0.5, 1.0", temperatures).replace("draws = 400", "draws = 40000")
    (here / "tiny.toml").write_text(study)


def stored(path: Path) -> int:
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as connection:
            return int(connection.execute("SELECT count(*) FROM cells").fetchone()[0])
    except sqlite3.Error:
        return 0


def wait_for_cells(process: subprocess.Popen[str], here: Path, count: int = 3) -> None:
    deadline = time.monotonic() + 120
    while stored(here / "tiny.db") < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("workers", ["1", "2"])
def test_kill_9_loses_no_finished_cell(here: Path, workers: str) -> None:
    long_study(here)
    process = started("run", "tiny.toml", "--no-timing", "--workers", workers, cwd=here)
    wait_for_cells(process, here)
    workers_left = children(process.pid)
    process.kill()
    _, err = process.communicate()
    finished = [line for line in err.splitlines() if line.startswith("measuring")]
    count = int(finished[-1].split()[1].split("/")[0]) if finished else 0
    survived = statistics(here / "tiny.db")
    assert len(survived) >= max(count, 3)
    assert ended(["plan", "tiny.toml"]) == 0
    deadline = time.monotonic() + 30
    while any(running(pid) for pid in workers_left):
        assert time.monotonic() < deadline, "a worker outlived its killed parent"
        time.sleep(0.1)
    assert ended(["run", "tiny.toml", "--no-timing", "--workers", "2", "--filter", "temperature=0.1"]) == 0
    assert [r for r in statistics(here / "tiny.db") if r in survived] == survived


def test_a_killed_worker_is_reported_and_nothing_stored_is_lost(here: Path) -> None:
    long_study(here)
    process = started("run", "tiny.toml", "--no-timing", "--workers", "2", cwd=here)
    wait_for_cells(process, here)
    survived = statistics(here / "tiny.db")
    # the pool's own bookkeeper is a child too; the workers are those that hold torch
    worker = max(children(process.pid), key=lambda pid: int(Path(f"/proc/{pid}/statm").read_text().split()[1]))
    os.kill(worker, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert err.splitlines()[-1].startswith("varbench: a worker process was killed")
    assert [r for r in statistics(here / "tiny.db") if r in survived] == survived


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(here: Path, workers: str) -> None:
    long_study(here)
    process = started("run", "tiny.toml", "--no-timing", "--workers", workers, cwd=here, start_new_session=True)
    wait_for_cells(process, here)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: the whole group gets it
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.search(r"varbench: interrupted: \d+ of \d+ cells are stored in tiny.db; run", err.splitlines()[-1])
    assert "Traceback" not in err
    assert stored(here / "tiny.db") >= 3


WIDE = """
import torch
from varbench import Bernoulli, Problem
wide = Problem("wide", Bernoulli(torch.zeros(30, dtype=torch.float64)), lambda b: b.mean(-1).square())
"""


def test_a_reference_run_is_stored_once_and_shared(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mine.py").write_text(WIDE)
    (here / "tiny.toml").write_text(
        'draws = 400\n[[grid]]\nproblems = ["mine.py:wide"]\nestimators = ["reinforce", "rloo", "reinmax"]\n'
    )
    assert ended(["run", "tiny.toml", "--no-timing", "--filter", "estimator=rloo"]) == 0
    with Store.open(Path("tiny.db")) as store:
        truths = store.truths()
    assert len(truths) == 1
    assert ended(["run", "tiny.toml", "--no-timing", "--workers", "2"]) == 0
    assert "truth of" in capsys.readouterr().err
    with Store.open(Path("tiny.db")) as store:
        assert store.truths() == truths
        records = store.records()
    assert len({tuple(r["gradient_exact"]) for r in records}) == 1
    assert all(r["exact_method"].startswith("reference[") for r in records)
