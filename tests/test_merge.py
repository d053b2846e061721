"""varbench merge: the union of stores of one study, and what keeps them apart."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from varbench.bench.store import Row, Store
from varbench.command_line import ended

CaptureFixture = pytest.CaptureFixture[str]


def rows(path: Path) -> list[Row]:
    with Store.open(path) as store:
        return store.rows()


def half(study: Path, out: Path, *words: str) -> Path:
    assert ended(["run", str(study), "--out", str(out), "--no-timing", *words]) in (0, 3)
    return out


def changed(path: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def rewritten(path: Path, change: Callable[[dict], None], column: str = "record") -> str:  # type: ignore[type-arg]
    """Change the JSON of the first measured cell; return its key."""
    key, text = next((r.key, getattr(r, column)) for r in rows(path) if r.status == "ok")
    found = json.loads(text)
    change(found)
    changed(path, f"UPDATE cells SET {column} = ? WHERE key = ?", json.dumps(found), key)
    return key


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(tiny, tmp_path / "copy.db"))


def test_halves_make_the_whole_in_the_studys_order(
    tiny_study: Path, tiny: Path, tmp_path: Path, capsys: CaptureFixture
) -> None:
    second = half(tiny_study, tmp_path / "b.db", "--filter", "problem=normal*")
    first = half(tiny_study, tmp_path / "a.db", "--filter", "problem=bern*")
    capsys.readouterr()
    out = tmp_path / "c.db"
    assert ended(["merge", str(second), str(first), "-o", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    merged, whole = rows(out), rows(tiny)
    assert [(r.key, r.position, r.status) for r in merged] == [(r.key, r.position, r.status) for r in whole]
    assert [r.replicates for r in merged] == [r.replicates for r in whole]
    assert sum(said["cells"].values()) == len(whole) == sum(said["read"].values())
    assert said["untimed"] == sum(r.status == "ok" for r in whole)
    with Store.open(out) as one, Store.open(tiny) as other:
        assert one.truths() == other.truths()
        assert one.description() == other.description()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.db", "b.db", "c.db"]
    assert ended(["run", str(tiny_study), "--out", str(out), "--no-timing", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left"] == 0


@pytest.mark.parametrize("swap", [False, True])
def test_the_timed_cell_is_kept_whichever_comes_first(
    tiny_study: Path, tiny: Path, tmp_path: Path, swap: bool, capsys: CaptureFixture
) -> None:
    untimed = half(tiny_study, tmp_path / "a.db", "--filter", "estimator=rloo")
    stores = [str(tiny), str(untimed)][:: -1 if swap else 1]
    assert ended(["merge", *stores, "-o", str(tmp_path / "c.db")]) == 0
    assert [r.timing for r in rows(tmp_path / "c.db")] == [r.timing for r in rows(tiny)]
    assert f"{len(rows(untimed))} were in several" in capsys.readouterr().out


@pytest.mark.parametrize("swap", [False, True])
def test_a_measured_cell_beats_a_failed_one(copy: Path, tiny: Path, tmp_path: Path, swap: bool) -> None:
    key = rewritten(copy, lambda record: record.update(status="failed", variance=None))
    changed(copy, "UPDATE cells SET status = 'failed', timing = NULL WHERE key = ?", key)
    stores = [str(tiny), str(copy)][:: -1 if swap else 1]
    assert ended(["merge", *stores, "-o", str(tmp_path / "c.db")]) == 0
    assert rows(tmp_path / "c.db") == rows(tiny)


def test_where_a_cell_was_measured_does_not_matter(copy: Path, tiny: Path, tmp_path: Path) -> None:
    rewritten(copy, lambda record: record.update(commit="0" * 40, versions={"torch": "0"}))
    assert ended(["merge", str(tiny), str(copy), "-o", str(tmp_path / "c.db")]) == 0


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        ("record", lambda r: r.update(variance=r["variance"] * (1 + 1e-15) + 1e-18), ["variance in", "damaged"]),
        ("record", lambda r: r.update(variance=1.0, versions={}), ["variance in", "agree to rounding only"]),
        ("record", lambda r: r.update(marks=["heavy_tail"]), ["marks in"]),
        ("replicates", lambda r: r["variance"].reverse(), ["replicates in"]),
    ],
)
def test_cells_that_disagree_are_named(  # type: ignore[no-untyped-def]
    column, change, words, copy: Path, tiny: Path, tmp_path: Path, capsys: CaptureFixture
) -> None:
    rewritten(copy, change, column)
    capsys.readouterr()
    assert ended(["merge", str(tiny), str(copy), "-o", str(tmp_path / "c.db")]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    for word in ["reinforce, num_samples 1, on bernoulli_quadratic[", str(tiny), str(copy), *words]:
        assert word in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.db"]


def test_truths_that_disagree_are_named(copy: Path, tiny: Path, tmp_path: Path, capsys: CaptureFixture) -> None:
    changed(copy, "UPDATE truths SET truth = replace(truth, '0.0', '0.5') WHERE key LIKE '%normal%'")
    assert ended(["merge", str(tiny), str(copy), "-o", str(tmp_path / "c.db")]) == 4
    err = capsys.readouterr().err
    assert "the truth of normal_square[k=0] is not the same" in err
    assert str(copy) in err


def test_stores_of_two_studies_are_not_mixed(
    tiny_study: Path, tiny: Path, tmp_path: Path, capsys: CaptureFixture
) -> None:
    (tmp_path / "other.toml").write_text(tiny_study.read_text().replace("draws = 300", "draws = 301"))
    other = half(tmp_path / "other.toml", tmp_path / "o.db", "--filter", "estimator=rloo")
    capsys.readouterr()
    assert ended(["merge", str(tiny), str(other), "-o", str(tmp_path / "c.db")]) == 4
    assert f"draws is 300 in {tiny}, 301 in {other}" in capsys.readouterr().err
    assert not (tmp_path / "c.db").exists()


def test_a_file_is_replaced_only_by_force_and_not_while_it_is_in_use(
    copy: Path, tiny: Path, tmp_path: Path, capsys: CaptureFixture
) -> None:
    out = tmp_path / "c.db"
    shutil.copy(tiny, out)
    with sqlite3.connect(out) as connection:
        connection.execute("DELETE FROM cells")
    words = ["merge", str(tiny), str(copy), "-o", str(out)]
    before = out.read_bytes()
    assert ended(words) == 2
    assert "--force" in capsys.readouterr().err
    connection.execute("SELECT * FROM cells").fetchall()
    assert ended([*words, "--force"]) == 2
    assert "is in use" in capsys.readouterr().err
    assert out.read_bytes() == before
    connection.close()
    assert not rows(out)
    assert ended([*words, "--force"]) == 0
    assert rows(out) == rows(tiny)
    assert ended(["merge", str(out), str(copy), "-o", str(out), "--force"]) == 0
    assert rows(out) == rows(tiny)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.db", "copy.db"]


def test_a_log_left_beside_the_new_file_is_not_read_into_it(copy: Path, tiny: Path, tmp_path: Path) -> None:
    writer = sqlite3.connect(copy)
    writer.execute("DELETE FROM cells")
    writer.commit()
    shutil.copy(f"{copy}-wal", tmp_path / "c.db-wal")
    writer.close()
    assert ended(["merge", str(tiny), str(tiny), "-o", str(tmp_path / "c.db")]) == 0
    assert rows(tmp_path / "c.db") == rows(tiny)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["{tiny}", "-o", "c.db"], 2, "at least two"),
        (["{tiny}", "nowhere.db", "-o", "c.db"], 2, "no file nowhere.db"),
        (["{tiny}", "text.db", "-o", "c.db"], 4, "text.db"),
        (["{tiny}", "{tiny}", "-o", "."], 2, "is a folder"),
        (["{tiny}", "{tiny}", "-o", "nowhere/c.db"], 2, "cannot write nowhere/c.db"),
        (["{tiny}", "{tiny}"], 2, "-o"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str],
    code: int,
    said: str,
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.db").write_text("no database " * 99)
    assert ended(["merge", *(word.format(tiny=tiny) for word in words)]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert [p.name for p in tmp_path.iterdir()] == ["text.db"]
