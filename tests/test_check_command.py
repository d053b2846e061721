"""varbench check, as a person calls it: verdicts, exit codes, JSON, and one line for what cannot be checked."""

import json
from pathlib import Path

import pytest

from varbench.command_line import ended

MINE = """
import torch
from varbench import Bernoulli, Estimator, Facts, Problem


def sample(node, noise, S):
    return node.draw(noise, S)


def half(node, noise, x, values, slopes, *, scale):
    centred = values - values.mean(1, keepdim=True)
    weight = centred.reshape(*centred.shape, *(1,) * (x.ndim - centred.ndim))
    return scale * (weight * node.score(x)).sum(1) / (x.shape[1] - 1)


facts = Facts("half", ("bernoulli",), ("values",), True, "here", config={"scale": 0.5}, min_samples=2)
estimator = Estimator(facts, sample, half)
node = Bernoulli(torch.tensor([0.3, -0.2], dtype=torch.float64))
problem = Problem("mine", node, lambda x: (x - 0.3).square().sum(-1))
number = 3


def made(logit=0.0):
    return Problem("made", Bernoulli(torch.tensor([logit], dtype=torch.float64)), lambda x: x.sum(-1))
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return str(path)


def test_a_failing_property_ends_with_1_and_says_what_to_do(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["check", f"{mine}:estimator"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "estimator half" in out
    assert "mean FAILS" in out
    assert "it is 0.5 times the gradient, so a factor of 2 is missing" in out
    assert out.endswith("mean fails")


def test_parameters_stand_in_brackets(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["check", f"{mine}:estimator[scale=1]", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "estimator"
    assert found["passed"] is True
    assert {one["status"] for one in found["properties"]} == {"ok"}
    assert all(one.keys() == {"name", "status", "reason", "figures"} for one in found["properties"])


@pytest.mark.parametrize("name", ["problem", "made[logit=1]"])
def test_problems_are_checked_too(mine: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["check", f"{mine}:{name}"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("problem ")
    assert "nodes       not checked" in out
    assert "all ok, 2 not checked" in out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("rlooo", "did you mean rloo"),
        ("{mine}:estimater", "did you mean estimator"),
        ("{mine}:number", "it must be a varbench.Problem or varbench.Estimator"),
        ("{mine}:estimator[heat=1]", "takes no parameter 'heat'"),
        ("nowhere.py:x", "there is no file"),
        ("normal_square[heat=1]", "takes no parameter 'heat'"),
    ],
)
def test_what_cannot_be_checked_is_one_line_and_2(
    mine: str, given: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["check", given.format(mine=mine)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert shown.err.count("\n") == 1
