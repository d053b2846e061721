"""docs/new-estimator.md is true: its files and commands are run word for word, and its answers are the answers."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "new-estimator.md"
BLOCK = re.compile(r"(?s)```(\w+)\n(.*?)```")
ROUNDING = re.compile(r"\b\d(\.\d+)?e-1\d\b")
COMMIT = re.compile(r"commit \w+(-dirty)?")


def normalised(text: str) -> list[str]:
    """Return the lines without what depends on the machine: sizes of rounding errors, and the commit."""
    text = COMMIT.sub("commit", ROUNDING.sub("rounding", text))
    return [line.rstrip() for line in text.strip().splitlines()]


def run(command: str, folder: Path) -> str:
    tools = folder / "bin"
    if not tools.exists():
        tools.mkdir()
        (tools / "varbench").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m varbench "$@"\n')
        (tools / "varbench").chmod(0o755)
    path = os.environ.get("PYTHONPATH")
    inherited = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep + path if path else ''}",
        "COLUMNS": "100",
    }
    work = folder / "work"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=work, env=inherited)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_the_page_runs_word_for_word(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    commands = 0
    for language, body in BLOCK.findall(PAGE.read_text()):
        if language != "console":
            name = body.split(maxsplit=2)[1]  # "# mine.py" is the first line
            (tmp_path / "work" / name).write_text(body)
            continue
        for command, answer in re.findall(r"(?s)\$ ([^\n]+)\n(.*?)(?=\n\$ |\Z)", body.rstrip("\n") + "\n"):
            commands += 1
            assert normalised(run(command, tmp_path)) == normalised(answer), command
    assert commands >= 7
    assert list((tmp_path / "work" / "figures").glob("*.svg"))


def test_the_page_is_linked() -> None:
    for document in ("README.md", "CONTRIBUTING.md"):
        assert "docs/new-estimator.md" in (ROOT / document).read_text()
