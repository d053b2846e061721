"""Filters by name and parameter: what fits, and what they say when nothing does."""

import json
from pathlib import Path

import pytest

from varbench.bench.filters import chosen, facts_of_cell, facts_of_record, matching, read_filters
from varbench.bench.study import Cell, read_study
from varbench.command_line import ended
from varbench.estimators.errors import InputError

CELLS = {position: facts_of_cell(cell) for position, cell in enumerate(read_study("quick").cells())}
KEYS = list(enumerate(read_study("quick").cells()))


def kept(*texts: str) -> list[Cell]:
    found = chosen(CELLS, read_filters(texts), "'quick'")
    return [cell for position, cell in KEYS if position in found]


def test_a_name_without_brackets_fits_any_parameters() -> None:
    assert {cell.problem for cell in kept("problem=bernoulli_quadratic")} == {
        "bernoulli_quadratic[dim=1,logit=0,target=0.45]",
        "bernoulli_quadratic[dim=1,logit=2,target=0.45]",
    }
    assert {cell.estimator for cell in kept("estimator=gumbel_rao")} == {"gumbel_rao"}
    assert kept("estimator=gumbel_rao") == kept("estimator=gumbel_rao[conditional_samples=10]")


def test_brackets_are_letters_and_stars_and_question_marks_are_not() -> None:
    full = "problem=bernoulli_quadratic[dim=1,logit=0,target=0.45]"
    assert {cell.problem for cell in kept(full)} == {full.removeprefix("problem=")}
    assert {cell.problem for cell in kept("problem=*logit=?,*")} == {c.problem for c in kept("problem=bernoulli*")}
    with pytest.raises(InputError, match="no cell"):
        kept("problem=[bn]*")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("temperature=0.5", lambda c: c.config.get("temperature") == 0.5),
        ("temperature=.50", lambda c: c.config.get("temperature") == 0.5),
        ("temperature<1", lambda c: c.config.get("temperature", 9) < 1),
        ("temperature <= 1", lambda c: c.config.get("temperature", 9) <= 1),
        ("temperature>1", lambda c: c.config.get("temperature", 0) > 1),
        ("temperature>=1", lambda c: c.config.get("temperature", 0) >= 1),
        ("dim>1", lambda c: c.problem.startswith("polynomial")),
        ("classes=4", lambda c: c.problem.startswith(("polynomial", "digits"))),
        ("conditional_samples>=10", lambda c: c.estimator == "gumbel_rao"),
        ("identity=false", lambda c: c.estimator == "straight_through"),
        ("num_samples=2", lambda c: c.num_samples == 2),
        ("problem!=digits_vae", lambda c: not c.problem.startswith("digits")),
        ("temperature != 0.5", lambda c: c.config.get("temperature") != 0.5),
        ("temperature!=*", lambda c: "temperature" not in c.config),
        ("temperature=*", lambda c: "temperature" in c.config),
    ],
)
def test_parameters_and_comparisons(text, fits) -> None:  # type: ignore[no-untyped-def]
    expected = [cell for _, cell in KEYS if fits(cell)]
    assert 0 < len(expected) < len(KEYS)
    assert kept(text) == expected


def test_repeated_filters_narrow() -> None:
    both = kept("classes=4", "temperature<=0.2", "estimator=reinmax")
    assert [(c.problem[:6], c.config["temperature"]) for c in both] == [
        ("polyno", 0.1), ("polyno", 0.2), ("digits", 0.1), ("digits", 0.2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["temprature<1"], ["'temprature'", "did you mean temperature"]),
        (["temperature"], ["KEY=PATTERN"]),
        (["temperature="], ["KEY=PATTERN"]),
        (["temperature==1"], ["KEY=PATTERN"]),
        (["temperature<cold"], ["'cold' is no number"]),
        (["temperature!=1", "temperature=1"], ["temperature is 0.1, 0.2, 0.5, 2, 5 there"]),
        (["problem<3"], ["problem<3", "no cell"]),
        (["temperature=3"], ["temperature is 0.1, 0.2, 0.5, 1, 2, 5 there"]),
        (["estimator=rloo", "temperature=1"], ["estimator=rloo and temperature=1", "temperature is not set there"]),
        (["status=ok"], ["'status'"]),
    ],
)
def test_what_fits_nothing_says_what_there_is(texts: list[str], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        kept(*texts)
    for word in words:
        assert word in str(caught.value)


def test_records_have_a_status_and_names_of_their_own() -> None:
    record = {"problem": "mine [x", "estimator": "mine", "config": {"a": True}, "num_samples": 1, "status": "failed"}
    assert facts_of_record(record) == {
        "problem": ["mine [x"], "estimator": ["mine", "mine[a=true]"], "num_samples": [1], "a": [True],
        "status": ["failed"],
    }  # fmt: skip
    assert matching([record], ["status=failed", "a=true", "problem=mine [*"], "x.db") == [record]
    with pytest.raises(InputError, match="status is failed there"):
        matching([record], ["status=ok"], "x.db")


def test_commands_take_filters(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["show", str(tiny), "--json", "--filter", "temperature<1", "--filter", "status=ok"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert {record["config"]["temperature"] for record in records} == {0.5}
    assert ended(["export", str(tiny), "--filter", "problem=normal_square", "--filter", "status=not*"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 2
    words = ["plot", str(tiny), "--kind", "plane", "-o", str(tmp_path), "--filter", "target=0.45", "--json"]
    assert ended(words) == 0
    (path,) = json.loads(capsys.readouterr().out)
    assert path.endswith("plane.svg")
    assert Path(path).exists()
    assert ended(["report", str(tiny), "-o", str(tmp_path / "page"), "--filter", "estimator=rein*", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["page"] == str(tmp_path / "page" / "index.html")
    assert "disarm" not in (tmp_path / "page" / "records.csv").read_text()
    assert ended(["plan", "quick", "--out", str(tmp_path / "quick.db"), "--filter", "dim=32", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["cells"] == planned["left"] == 34
    assert [one["problem"] for one in planned["problems"]] == ["polynomial[classes=4,degree=3,dim=32]"]
    assert ended(["report", str(tiny), "-o", str(tmp_path / "none"), "--filter", "estimator=x"]) == 2
    assert not (tmp_path / "none").exists()
