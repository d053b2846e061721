"""run --max-time: nothing new begins after it, what runs is stored, and the next run goes on."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import click
import pytest

from varbench.bench.executors import time_cells
from varbench.bench.store import Row, Store
from varbench.bench.study import read_study
from varbench.bench.validation import validate
from varbench.bench.workers import executor
from varbench.command_line import ended
from varbench.commands import study
from varbench.commands.options import Duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("0.5m", 30), (" 2M5S ", 125)]
)
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["90", "0s", "soon", "", "-1s", "1m1h", "1d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError, match="write 90s, 10m or 1h"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_task_begins_once_the_time_is_over(workers: int) -> None:
    found: list[int] = []
    with executor(workers) as mapped:
        for one in mapped(abs, [(-n,) for n in range(40)], lambda: len(found) >= 4):
            found.append(one)
    assert 4 <= len(found) < 4 + 2 * workers  # a batch that is done, and as many that ran meanwhile
    assert sorted(found) == list(range(len(found)))


def rows(path: Path) -> list[Row]:
    with Store.open(path) as store:
        return [row._replace(seconds=0.0, timing=None) for row in store.rows()]


class Clock:
    """Each look at it is a second later."""

    def __init__(self) -> None:
        self.seconds: Iterator[int] = count()

    def monotonic(self) -> int:
        return next(self.seconds)


def test_a_run_ends_by_the_clock_and_goes_on(
    tiny_study: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(study, "time", Clock())
    out = tmp_path / "a.db"
    words = ["run", str(tiny_study), "--out", str(out), "--max-time", "6s"]
    stored = []
    for _ in range(30):
        code = ended([*words, "--json"])
        said, err = capsys.readouterr()
        plain = json.loads(said)
        stored.append(plain["ok"] + plain["not_applicable"])
        assert not validate(out).findings
        if code == 0:
            break
        assert code == 130
        line = err.splitlines()[-1]
        assert re.fullmatch(
            rf"varbench: --max-time is over: {stored[-1]} of 22 cells are stored in \S+(, \d+ of them not timed yet)?; "
            "run the same command to go on",
            line,
        )
    assert code == 0
    assert (plain["left"], plain["untimed"]) == (0, 0)
    assert stored == sorted(stored)
    assert 0 < stored[0] < 22
    assert rows(out) == rows(tiny)


def test_timing_stops_between_problems(tiny: Path, tiny_study: Path, tmp_path: Path) -> None:
    out = Path(shutil.copy(tiny, tmp_path / "a.db"))
    with sqlite3.connect(out) as connection:
        connection.execute("UPDATE cells SET timing = NULL")
    connection.close()
    cells = [
        cell for cell in read_study(str(tiny_study)).cells() if cell.estimator == "reinmax" or "square" in cell.key
    ]
    timed: list[int] = []
    with Store.open(out, writable=True) as store:
        cells = [cell for cell in cells if cell.key in store.untimed()]
        assert not time_cells(cells, store, lambda _, number: timed.append(number), lambda: bool(timed))
        assert len(timed) == 1
        left = [cell for cell in cells if cell.key in store.untimed()]
        assert len({cell.problem for cell in left}) == 1
        assert time_cells(left, store, lambda _, number: timed.append(number))


def test_workers_stop_too(tiny_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", str(tiny_study), "--out", str(tmp_path / "a.db"), "--workers", "2", "--max-time", "0.001s"]
    assert ended(words) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("varbench: --max-time is over: 0 of 22 cells are stored")


def test_force_would_never_come_to_the_end(
    tiny_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.db"
    assert ended(["run", str(tiny_study), "--out", str(out), "--max-time", "1h", "--force"]) == 2
    assert "--force with --max-time" in capsys.readouterr().err
    assert not out.exists()
