"""docs/decide.md is true: its commands are run word for word, its answers, figures and captions are the answers."""

import re
from pathlib import Path

import pytest

from varbench.analysis import captions
from varbench.analysis.frame import Frame
from varbench.commands.recorded import records_of

from .test_new_estimator_page import BLOCK, ROOT, run

PAGE = ROOT / "docs" / "decide.md"
COMMITTED = ROOT / "reports" / "temperature" / "records.csv"
TAKEN = re.compile(r"[\d,]+ evaluations in [\d.]+ s of")  # how many tell the pace of the cost depends on the machine


def normalised(text: str) -> list[str]:
    return [line.rstrip() for line in TAKEN.sub("evaluations in s of", text).strip().splitlines()]


@pytest.mark.slow
def test_the_page_runs_word_for_word(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "reports").symlink_to(ROOT / "reports")
    commands = 0
    for language, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        assert language == "console"
        for command, answer in re.findall(r"(?s)\$ ([^\n]+)\n(.*?)(?=\n\$ |\Z)", body.rstrip("\n") + "\n"):
            commands += 1
            assert normalised(run(command, tmp_path)) == normalised(answer), command
    assert commands == 4
    drawn = sorted((tmp_path / "work" / "figures").glob("*.svg"))
    assert len(drawn) == 2
    for figure in drawn:
        assert figure.read_bytes() == (ROOT / "docs" / "figures" / figure.name).read_bytes(), figure.name


@pytest.mark.parametrize("kind", ["optimum", "front"])
def test_the_captions_are_those_of_the_records(kind: str) -> None:
    frame = Frame.of(records_of(COMMITTED)).where(problem="polynomial[classes=4,degree=3,dim=32]")
    said = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"*{captions.DRAWN[kind][1](frame)}*" in said


def test_the_page_is_linked() -> None:
    assert "docs/decide.md" in (ROOT / "README.md").read_text(encoding="utf-8")
