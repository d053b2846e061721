"""varbench validate: a whole store passes, and each kind of damage is found."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from varbench.bench.remeasure import remeasure
from varbench.bench.validation import validate
from varbench.command_line import ended

CaptureFixture = pytest.CaptureFixture[str]
ENVIRONMENT = {"python": "0", "processor": "abacus", "torch": "0"}


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(tiny, tmp_path / "copy.db"))


def execute(path: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def rewrite(path: Path, change: Callable[[Any], None], column: str = "record", where: str = "status = 'ok'") -> None:
    """Change the JSON of the first cell that fits."""
    with sqlite3.connect(path) as connection:
        query = f"SELECT key, {column} FROM cells WHERE {where} ORDER BY position"
        key, text = connection.execute(query).fetchone()
        found = json.loads(text)
        change(found)
        connection.execute(f"UPDATE cells SET {column} = ? WHERE key = ?", (json.dumps(found), key))
    connection.close()


def test_a_whole_store_is_valid(tiny: Path, capsys: CaptureFixture) -> None:
    before = tiny.read_bytes()
    assert ended(["validate", str(tiny), "--remeasure", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.endswith("measured again, equal to the bit") for line in lines[:4])
    assert len(set(lines[:4])) == 4
    assert lines[4].endswith("cells of 'tiny'; valid")
    assert ended(["validate", str(tiny), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["valid"] is True
    assert (said["missing"], said["untimed"], said["problems"]) == (0, 0, [])
    assert tiny.read_bytes() == before


def test_an_unfinished_store_is_valid_and_says_what_is_missing(
    tiny_study: Path, tmp_path: Path, capsys: CaptureFixture
) -> None:
    words = ["run", str(tiny_study), "--out", str(tmp_path / "a.db"), "--no-timing", "--filter", "estimator=rloo"]
    assert ended(words) == 0
    capsys.readouterr()
    assert ended(["validate", str(tmp_path / "a.db")]) == 0
    assert "4 of 22 cells of 'tiny', 2 not timed yet; valid" in capsys.readouterr().out


def doubled(name: str) -> Callable[[Any], None]:
    return lambda record: record.update({name: 2 * record[name] + 1})


def put(**fields: Any) -> Callable[[Any], None]:
    return lambda record: record.update(fields)


DAMAGES: list[tuple[str, Callable[[Any], None], str]] = [
    ("record", lambda r: r.pop("snr"), "without the field snr"),
    ("record", put(colour="red"), "a field that is none of a record's: colour"),
    ("record", put(num_samples="1"), "num_samples is '1'; it must be a whole number"),
    ("record", put(seed=True), "seed is True"),
    ("record", put(variance=None), "without a variance"),
    ("record", put(gradient_mean=["0.1"]), "each entry a number"),
    ("record", put(config=[]), "config is []; it must be an object"),
    ("record", put(snr=float("nan")), "NaN or infinity in snr"),
    ("record", put(variance_upper=float("inf")), "NaN or infinity in variance_upper"),
    ("record", put(peak_bytes=float("nan")), "NaN or infinity in its record"),
    ("record", put(status="fine"), "status 'fine' is none of"),
    ("record", put(marks=["odd"]), "mark 'odd' is none of"),
    ("record", put(schema=99), "schema 99"),
    ("record", put(versions={"torch": "1"}), "its versions lack python, processor"),
    ("record", doubled("mse"), "is not bias_sq + variance"),
    ("record", doubled("variance"), "is not bias_sq + variance"),
    ("record", lambda r: r.update(variance_lower=r["variance_upper"]), "is outside its interval"),
    ("record", lambda r: r.update(bias_sq_upper=-1.0), "is outside its interval"),
    ("record", put(bias_sq_lower=-1e-9), "bias_sq_lower -1e-09 is below 0"),
    ("record", put(variance_lower=None), "variance has no lower end"),
    ("record", put(variance_upper=None), "variance has no upper end"),
    ("record", put(unbiased_p=0.0), "unbiased_p 0 is outside"),
    ("record", put(num_nonfinite=3), "num_nonfinite 3 is outside"),
    ("record", doubled("snr"), "make it"),
    ("record", put(cosine=-0.5), "cosine is -0.5"),
    ("record", lambda r: r.update(gradient_mean=[x + 1 for x in r["gradient_mean"]]), "bias_sq is"),
    ("record", lambda r: r.update(gradient_mean=r["gradient_mean"] * 2), "gradient_mean has 2 entries"),
    ("record", lambda r: r.update(gradient_exact=[x + 1 for x in r["gradient_exact"]]), "not the stored truth"),
    ("record", doubled("gradient_norm"), "is not that of gradient_exact"),
    ("record", put(num_draws=77), "num_draws is 300 in its key, 77 in its record"),
    ("record", put(estimator="rloo"), "estimator is 'reinforce' in its key, 'rloo' in its record"),
    ("key", put(num_draws=77), "no cell of the study"),
    ("timing", lambda t: t.pop("peak_bytes"), "its timing is"),
    ("timing", put(seconds_per_draw=-1.0), "its timing is"),
    ("timing", doubled("seconds_per_draw"), "seconds_per_draw 1."),
    ("replicates", lambda r: r.clear(), "replicates of variance are missing"),
    ("replicates", lambda r: r.pop("mse"), "replicates of mse are missing"),
    ("replicates", lambda r: r["variance"].pop(), "no 64 numbers"),
    ("replicates", lambda r: r["variance"].__setitem__(0, 9.0), "make up"),
]


@pytest.mark.parametrize(("column", "change", "words"), DAMAGES, ids=[f"{c} {w}" for c, _, w in DAMAGES])
def test_each_damage_to_a_cell_is_found(column: str, change: Callable[[Any], None], words: str, copy: Path) -> None:
    rewrite(copy, change, column)
    findings = validate(copy).findings
    assert any(words in str(finding) for finding in findings), list(map(str, findings))
    assert all("on bernoulli_quadratic" in str(finding.cell) for finding in findings)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE cells SET position = position + 1 WHERE position = 0", "stored at position 1, its study has it at 0"),
        ("UPDATE cells SET status = 'failed' WHERE position = 0", "filed as 'failed', its record says 'ok'"),
        ("DELETE FROM truths WHERE key LIKE '%normal%'", "the truth of its problem is not stored"),
        ("UPDATE truths SET truth = replace(truth, '[', '[7.5, ') WHERE key LIKE '%normal%'", "not the stored truth"),
        (
            "UPDATE truths SET truth = replace(truth, 'error_sq', '-') WHERE key LIKE '%normal%'",
            "no object of gradient",
        ),
        ("UPDATE truths SET key = replace(key, 'k=0', 'k=7')", "no problem of the study"),
        ("UPDATE study SET description = replace(description, 'rloo', 'rlo')", "cannot be listed here"),
        ("UPDATE study SET description = replace(description, '300', '301')", "no cell of the study"),
        ("UPDATE study SET description = replace(description, '300', '-3')", "its study cannot be read"),
    ],
)
def test_damage_around_the_records_is_found(statement: str, words: str, copy: Path, capsys: CaptureFixture) -> None:
    execute(copy, statement)
    code = ended(["validate", str(copy)])
    out, err = capsys.readouterr()
    assert words in out
    assert err == ""
    assert code == (0 if "listed here" in words else 1)  # what cannot be checked is a note


def test_what_was_not_measured_needs_a_reason_and_has_no_numbers(copy: Path) -> None:
    rewrite(copy, put(reason=None, variance=1.0), where="status = 'not_applicable'")
    said = [finding.what for finding in validate(copy).findings]
    assert said == ["not_applicable without a reason", "not_applicable, but with variance"]


def swap_index(path: Path) -> None:
    """Let the index of the cells be that of the truths: all rows can be read, but not be found by their keys."""
    place = "(SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_truths_1')"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = 1")
        change = f"UPDATE sqlite_master SET rootpage = {place} WHERE name = 'sqlite_autoindex_cells_1'"
        assert connection.execute(change).rowcount == 1
    connection.close()


@pytest.mark.parametrize(
    ("name", "code"), [("text.db", 4), ("cut.db", 4), ("json.db", 4), ("index.db", 4), ("nowhere.db", 2)]
)
def test_what_is_no_store(name: str, code: int, copy: Path, tmp_path: Path, capsys: CaptureFixture) -> None:
    (tmp_path / "text.db").write_text("no database " * 99)
    whole = copy.read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[: len(whole) // 2])
    execute(Path(shutil.copy(copy, tmp_path / "json.db")), "UPDATE cells SET record = '{' WHERE position = 0")
    swap_index(Path(shutil.copy(copy, tmp_path / "index.db")))
    assert ended(["validate", str(tmp_path / name)]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert name in err


def test_remeasuring_finds_a_changed_number(copy: Path, capsys: CaptureFixture) -> None:
    rewrite(copy, lambda r: r.update(pareto_k=(r["pareto_k"] or 0.1) + 1e-13))
    assert ended(["validate", str(copy)]) == 0
    every = len(remeasure(copy, 999))
    capsys.readouterr()
    assert ended(["validate", str(copy), "--remeasure", str(every), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [one["differing"] for one in said["remeasured"] if not one["ok"]] == [["pareto_k"]]
    assert said["problems"] == []
    assert said["valid"] is False


def test_other_versions_are_compared_to_rounding(copy: Path) -> None:
    rewrite(copy, lambda r: r.update(versions=ENVIRONMENT, variance=r["variance"] * (1 + 1e-12)))
    first, *rest = remeasure(copy, 999)
    assert not first.exact
    assert first.ok
    assert all(one.exact for one in rest)
    rewrite(copy, lambda r: r.update(variance=r["variance"] * 1.01))
    assert remeasure(copy, 999)[0].differing == ["variance"]


def test_remeasured_cells_are_spread_and_always_the_same(tiny: Path) -> None:
    names = [one.cell for one in remeasure(tiny, 2)]
    assert names == [one.cell for one in remeasure(tiny, 2)]
    assert "bernoulli" in names[0]
    assert "normal" in names[1]


def test_a_store_from_before_targets_is_not_damaged_and_says_so(
    tiny_study: Path, tmp_path: Path, capsys: CaptureFixture
) -> None:
    path, study = tmp_path / "old.db", tmp_path / "relaxed.toml"
    study.write_text(tiny_study.read_text().replace('"reinmax"', '"gumbel_softmax"'))
    words = ["run", str(study), "--out", str(path), "--no-timing", "--filter", "estimator=gumbel_softmax"]
    assert ended([*words, "--filter", "problem=bern*"]) == 0
    capsys.readouterr()
    assert ended(["validate", str(path)]) == 0
    assert "target" not in capsys.readouterr().out
    was: dict[str, Any] = {}
    rewrite(path, lambda r: was.update(r) or r.update(dict.fromkeys([k for k in r if k.startswith("target_bias")])))
    assert was["target_bias_sq"] is not None
    assert ended(["validate", str(path), "--remeasure", "99"]) == 0
    out = capsys.readouterr().out
    assert "note: 1 cell has a target of its own and no target_bias_sq: the store is from before" in out
    assert out.count("equal to the bit; target_bias_sq is known now and was not when it was stored") == 1
    rewrite(path, lambda r: r.update(was, target_bias_sq=was["target_bias_sq"] * (1 + 1e-9)))
    assert ended(["validate", str(path), "--remeasure", "99"]) == 1
    assert "target_bias_sq not equal to the bit" in capsys.readouterr().out
