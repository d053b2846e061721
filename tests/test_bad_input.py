"""Bad input gets one line that names it, what is allowed and what to do, the contract's code, and nothing written."""

import sqlite3
from pathlib import Path

import pytest

from varbench import InputError, NotApplicable, Problem, measure
from varbench.bench.specs import parse
from varbench.command_line import ended

COIN = "bernoulli_quadratic"
MINE = """
import torch
from varbench import Bernoulli, Problem
node = Bernoulli(torch.zeros(2, dtype=torch.float64))
shape = Problem("shape", node, lambda b: b)
whole = Problem("whole", node, lambda b: b.sum(-1).long())
nan = Problem("nan", node, lambda b: b.sum(-1) / b.sum(-1))
raises = Problem("raises", node, lambda b: b @ torch.ones(3, dtype=torch.float64))
detached = Problem("detached", node, lambda b: b.detach().sum(-1))
black = Problem("black", node, lambda b: b.sum(-1), smooth="no")
points = Problem("points", node, lambda b: b.sum(-1), smooth="points")
leaves = Problem("leaves", node, lambda b: exit(5))
number = 3
def boom(): raise ValueError("inner boom")
def needs(k): return black
one = black
"""
STUDY = """
[[grid]]
problems = ["bernoulli_quadratic"]
estimators = ["reinforce"]
"""

MEASURE = [
    # what is typed, words that the line must hold
    ("bernouli_quadratic reinforce", ["problem 'bernouli_quadratic'", "did you mean bernoulli_quadratic"]),
    ("zzz reinforce", ["'zzz'", "known are", "varbench list problems"]),
    (f"{COIN} reinfroce", ["estimator 'reinfroce'", "did you mean reinforce", "varbench list estimators"]),
    (f"{COIN}[targt=0.4] reinforce", ["'targt'", "did you mean target"]),
    (f"{COIN}[dim=0] reinforce", ["dim=0", "at least 1"]),
    (f"{COIN}[dim=1.5] reinforce", ["dim=1.5", "whole number"]),
    (f"{COIN}[logit=high] reinforce", ["logit='high'", "a number"]),
    (f"{COIN}[logit=nan] reinforce", ["logit=nan", "finite"]),
    (f"{COIN}[logit=1,logit=2] reinforce", ["'logit' stands twice"]),
    (f"{COIN}[logit] reinforce", ["'logit'", "key=value"]),
    (f"{COIN}[logit=1 reinforce", ["is no name", "NAME[key=value"]),
    ("polynomial[classes=1] reinforce", ["classes=1", "at least 2"]),
    (f"{COIN} gumbel_softmax", ["needs a temperature", "--temperature"]),
    (f"{COIN} gumbel_softmax --temperature 0", ["temperature=0", "positive"]),
    (f"{COIN} gumbel_softmax --temperature -1", ["temperature=-1", "positive"]),
    (f"{COIN} gumbel_softmax --temperature nan", ["temperature=nan", "finite"]),
    (f"{COIN} gumbel_softmax --temperature hot", ["'hot'", "--temperature"]),
    (f"{COIN} reinforce --temperature 1", ["'temperature'", "reinforce"]),
    (f"{COIN} gumbel_softmax[temperature=1] --temperature 1", ["'temperature'", "brackets", "once"]),
    (f"{COIN} gumbel_rao --temperature 1 --set conditional_samples=0", ["conditional_samples=0", "at least 1"]),
    (f"{COIN} gumbel_rao --temperature 1 --set conditional=3", ["'conditional'", "conditional_samples"]),
    (f"{COIN} gumbel_rao --temperature 1 --set conditional_samples", ["KEY=VALUE"]),
    (f"{COIN} gumbel_rao --temperature 1 --set temperature=2", ["'temperature'", "twice"]),
    (f"{COIN} reinforce --set num_draws=5", ["--set num_draws", "no parameter"]),
    ("mine.py:boom reinforce", ["could not be called", "inner boom"]),
    ("mine.py:leaves reinforce", ["'leaves'", "raised SystemExit"]),
    ("polynomial[dim=99999999999] reinforce", ["could not be built", "too large"]),
    (f"{COIN} straight_through --set identity=2", ["identity=2", "true or false"]),
    (f"{COIN} rloo --num-samples 1", ["num_samples=1", "at least 2"]),
    (f"{COIN} reinforce --num-samples 0", ["num_samples=0", "at least 1"]),
    (f"{COIN} disarm --num-samples 3", ["num_samples=3", "multiple of 2"]),
    (f"{COIN} enumerate --num-samples 2", ["num_samples=2", "takes no samples"]),
    (f"{COIN} reinforce --draws 1", ["num_draws=1", "at least 2"]),
    (f"{COIN} reinforce --draws many", ["'many'", "--draws"]),
    (f"{COIN} reinforce --seed -1", ["seed=-1", "at least 0"]),
    (f"{COIN} reinforce --threads 0", ["threads=0", "at least 1"]),
    (f"{COIN} reinforce --dtype float16", ["float16", "float64", "float32"]),
    (f"{COIN} reinforce --device cuda", ["cuda", "--device cpu"]),
    (f"{COIN} reparameterization", ["reparameterization", "normal", "bernoulli node"]),
    ("normal_square disarm", ["disarm", "bernoulli", "normal node"]),
    ("bernoulli_quadratic[dim=30] enumerate", ["enumerate", "2^30", "2^20"]),
    ("nowhere.py:problem reinforce", ["there is no file", "nowhere.py"]),
    ("nowhere:problem reinforce", ["nowhere", "ModuleNotFoundError"]),
    ("broken.py:problem reinforce", ["broken.py", "does not parse", "line 1"]),
    ("fails.py:problem reinforce", ["fails.py", "ZeroDivisionError"]),
    ("mine.py:shap reinforce", ["'shap'", "did you mean shape"]),
    ("mine.py:number reinforce", ["is a int", "varbench.Problem"]),
    ("mine.py:black[k=1] reinforce", ["takes no parameters"]),
    ("mine.py:needs reinforce", ["could not be called"]),
    ("mine.py:shape reinforce", ["'shape'", "returned shape", "one value a node"]),
    ("mine.py:whole reinforce", ["'whole'", "torch.int64", "floating"]),
    ("mine.py:nan reinforce", ["'nan'", "NaN or infinity"]),
    ("mine.py:raises reinforce", ["'raises'", "raised RuntimeError"]),
    ("mine.py:detached reinmax", ["'detached'", "no derivative", "smooth='no'"]),
    ("mine.py:black reinmax", ["reinmax", "smooth='no'", "rloo"]),
    ("mine.py:points gumbel_softmax --temperature 1", ["gumbel_softmax", "off the support", "smooth='points'"]),
    (f"{COIN}", ["Missing argument", "ESTIMATOR"]),
    (f"{COIN} reinforce --drws 5", ["--drws", "--draws"]),
]  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "broken.py").write_text("problem = (\n")
    (tmp_path / "fails.py").write_text("1 / 0\n")
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


def contents() -> dict[Path, bytes]:
    """The files of this folder, without what Python itself caches."""
    return {p: p.read_bytes() for p in Path.cwd().rglob("*") if p.is_file() and "__pycache__" not in p.parts}


def refused(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr of a command that must end with this code and write nothing."""
    before = contents()
    assert ended(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("varbench: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert contents() == before
    return err


@pytest.mark.parametrize(("typed", "words"), MEASURE, ids=[typed for typed, _ in MEASURE])
def test_measure(typed: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(["measure", *typed.split(" "), *([] if "draws" in typed else ["--draws", "50"])], 2, capsys)
    for word in words:
        assert word in line, f"{word!r} not in {line!r}"


STUDIES = [
    ("drws = 5\n" + STUDY, ["field", "'drws'", "did you mean draws"]),
    ("draws = 1\n" + STUDY, ["draws = 1", "at least 2"]),
    ("seed = 'a'\n" + STUDY, ["seed", "whole number"]),
    (STUDY + "temperature = [1]\n", ["'temperature'", "did you mean temperatures", "grid 1"]),
    (STUDY + "temperatures = [1, 0]\n", ["temperatures", "positive"]),
    (STUDY + "temperatures = [nan]\n", ["temperatures", "positive"]),
    (STUDY + "temperatures = 1\n", ["temperatures = 1", "a list"]),
    (STUDY + "num_samples = [0]\n", ["num_samples", "at least 1"]),
    (STUDY.replace("reinforce", "reinforc"), ["estimator 'reinforc'", "did you mean reinforce"]),
    (STUDY.replace("quadratic", "quadrtic"), ["problem 'bernoulli_quadrtic'", "bernoulli_quadratic"]),
    (STUDY.replace('quadratic"', 'quadratic[dm=2]"'), ["'dm'", "did you mean dim"]),
    (STUDY.replace("quadratic", "quadratic:x"), ["bernoulli_quadratic", "ModuleNotFoundError"]),
    (STUDY.replace('problems = ["bernoulli_quadratic"]', ""), ["problems is missing"]),
    ("name = 'empty'\n", ["[[grid]]"]),
    ("name = '../evil'\n" + STUDY, ["name = '../evil'", "a word that names a file"]),
    (STUDY.replace('["bernoulli_quadratic"]', '["mine.py:black", "mine.py:one"]'), ["both named 'black'"]),
    ("grid = 3\n", ["[[grid]]"]),
    ("= 3\n", ["no readable TOML"]),
]


@pytest.mark.parametrize(("text", "words"), STUDIES, ids=[" ".join(words) for _, words in STUDIES])
def test_studies(text: str, words: list[str], here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "study.toml").write_text(text)
    line = refused(["run", "study.toml"], 2, capsys)
    for word in words:
        assert word in line, f"{word!r} not in {line!r}"


@pytest.mark.parametrize(("typed", "code", "words"), [
    ("run quik", 2, ["study 'quik'", "did you mean quick"]),
    ("run nowhere.toml", 2, ["no study file nowhere.toml", "quick"]),
    ("plan quik", 2, ["study 'quik'", "did you mean quick"]),
    ("run study.toml --filter problm=x", 2, ["'problm'", "did you mean problem"]),
    ("run study.toml --filter problem", 2, ["KEY=PATTERN"]),
    ("run study.toml --filter problem=z*", 2, ["no cell", "problem=z*"]),
    ("run study.toml --filter temperature<x", 2, ["'x' is no number"]),
    ("run study.toml --max-time soon", 2, ["'soon'", "90s, 10m or 1h"]),
    ("plan study.toml --filter problem=z*", 2, ["no cell", "problem=z*"]),
    ("validate text.db", 4, ["text.db", "no varbench store"]),
    ("validate foreign.db", 4, ["foreign.db", "no varbench store"]),
    ("validate nowhere.db", 2, ["no file nowhere.db"]),
    ("merge text.db foreign.db -o c.db", 4, ["text.db", "no varbench store"]),
    ("run study.toml --workers 0", 2, ["--workers", "0"]),
    ("run study.toml --out .", 2, ["is a folder"]),
    ("show .", 2, ["is a folder"]),
    ("run study.toml --out nowhere/study.db", 2, ["cannot write nowhere/study.db", "folder"]),
    ("run study.toml --out text.db", 4, ["text.db", "no varbench store"]),
    ("run study.toml --out foreign.db", 4, ["foreign.db", "no varbench store"]),
    ("show nowhere.db", 2, ["no file nowhere.db", "varbench run"]),
    ("show text.db", 4, ["text.db", "no varbench store"]),
    ("show foreign.db", 4, ["foreign.db", "no varbench store"]),
    ("export text.db -o out.csv", 4, ["text.db"]),
    ("report text.db -o page", 4, ["text.db"]),
    ("report nowhere.db -o page", 2, ["no file nowhere.db"]),
    ("list problms", 2, ["problms", "problems"]),
    ("mesure x y", 2, ["mesure"]),
])  # fmt: skip
def test_files_and_commands(
    typed: str, code: int, words: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "text.db").write_text("I am no database, but I am longer than a header of one hundred bytes. " * 9)
    with sqlite3.connect(here / "foreign.db") as connection:
        connection.execute("CREATE TABLE cells (x)")
    connection.close()
    line = refused(typed.split(" "), code, capsys)
    for word in words:
        assert word in line, f"{word!r} not in {line!r}"


def test_a_store_of_another_study_is_not_resumed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["run", "study.toml", "--no-timing"]) == 0
    capsys.readouterr()
    (here / "study.toml").write_text("draws = 500\n" + STUDY)
    line = refused(["run", "study.toml"], 4, capsys)
    assert "another study, or another version of 'study'" in line
    assert "draws is 10000 there, 500 here" in line
    assert "--out" in line
    assert "or remove study.db" in line


@pytest.mark.parametrize(("text", "words"), [
    ("draws = 500\n" + STUDY, ["draws is 10000 there, 500 here"]),
    ("dtype = 'float32'\n" + STUDY, ["dtype is not set there, 'float32' here"]),
    ("question = '" + "why " * 30 + "'\n" + STUDY, ["question is worded otherwise"]),
    (STUDY.replace('"reinforce"', '"reinforce", "disarm"'), ["estimators: here adds 'disarm';"]),
    (STUDY.replace('"reinforce"', '"rloo"'), ["estimators: here adds 'rloo', drops 'reinforce'"]),
    (STUDY + "draws = 77\n", ["draws is not set there, 77 here"]),
    (STUDY + "temperatures = [1, 2, 3, 4, 5, 6]\n", ["temperatures: here adds 1, 2, 3, 4 and 2 more"]),
    (STUDY + STUDY, ["grids are 1 there, 2 here"]),
    ("name = 'other'\n" + STUDY, ["name is 'study' there, 'other' here"]),
])  # fmt: skip
def test_what_differs_is_said(text: str, words: list[str], here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["run", "study.toml", "--no-timing"]) == 0
    capsys.readouterr()
    (here / "study.toml").write_text(text)
    line = refused(["run", "study.toml", "--out", "study.db"], 4, capsys)
    for word in words:
        assert word in line, f"{word!r} not in {line!r}"


def test_a_changed_file_of_the_user_makes_another_study(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "study.toml").write_text(STUDY.replace("bernoulli_quadratic", "mine.py:black"))
    assert ended(["run", "study.toml", "--no-timing"]) == 0
    capsys.readouterr()
    (here / "mine.py").write_text(MINE + "# changed")
    assert "the file mine.py has changed" in refused(["run", "study.toml"], 4, capsys)


def test_a_damaged_store_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["run", "study.toml", "--no-timing"]) == 0
    capsys.readouterr()
    whole = (here / "study.db").read_bytes()
    (here / "study.db").write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert "study.db" in refused(["show", "study.db"], 4, capsys)


@pytest.mark.parametrize("words", [["export", "-o"], ["report", "-o"]])
def test_an_unwritable_output_is_named(here: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ended(["run", "study.toml", "--no-timing"])
    capsys.readouterr()
    blocked = "mine.py/below"  # a file stands where a folder must be
    assert "cannot write mine.py/below" in refused([words[0], "study.db", words[1], blocked], 2, capsys)


def test_python_callers_get_the_same_lines_as_exceptions() -> None:
    with pytest.raises(InputError, match="did you mean reinforce"):
        measure(COIN, "reinforc")
    with pytest.raises(NotApplicable, match="normal node"):
        measure("normal_square", "disarm")
    with pytest.raises(TypeError, match=r"give a name or a varbench\.Problem"):
        measure(3, "reinforce")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"num_draws=2\.5"):
        measure(COIN, "reinforce", num_draws=2.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="exact_grad holds NaN"):
        Problem("x", measure_node(), lambda b: b.sum(-1), exact_grad=measure_node().theta / 0)
    with pytest.raises(InputError, match="smooth='maybe'"):
        Problem("x", measure_node(), lambda b: b.sum(-1), smooth="maybe")


def measure_node():  # type: ignore[no-untyped-def]
    import torch

    from varbench import Bernoulli

    return Bernoulli(torch.zeros(1, dtype=torch.float64))


def test_names_are_read_back_as_they_are_written() -> None:
    spec = parse(" normal_square [ k = -1e-3 , name = a b ] ")
    assert spec.name == "normal_square"
    assert spec.parameters == {"k": -1e-3, "name": "a b"}
