"""Where a number was measured: the commit says whether the code is the commit's; workers say it too."""

import shutil
import subprocess
from pathlib import Path

import pytest

from varbench.bench import environment
from varbench.bench.store import Store
from varbench.command_line import ended


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(root), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in (*environment.CODE[:-1], "reports", "docs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.py").write_text("1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / ".gitignore").write_text("*.db\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    assert environment.commit_of(checkout) == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("path", "dirty"),
    [
        ("bench/one.py", True),
        ("bench/new.py", True),
        ("analysis/deep/new.j2", True),
        ("pyproject.toml", True),
        ("reports/one.py", False),
        ("docs/new.md", False),
        ("notes.txt", False),
        ("bench/quick.db", False),
    ],
)
def test_changed_code_makes_it_dirty_and_nothing_else_does(checkout: Path, path: str, dirty: bool) -> None:
    (checkout / path).parent.mkdir(exist_ok=True)
    (checkout / path).write_text("2\n")
    head = git(checkout, "rev-parse", "HEAD")
    assert environment.commit_of(checkout) == (f"{head}-dirty" if dirty else head)
    git(checkout, "add", "--all")
    assert environment.commit_of(checkout) == (f"{head}-dirty" if dirty else head)


def test_what_is_no_checkout_has_no_commit(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert environment.commit_of(tmp_path_factory.mktemp("bare")) is None
    assert environment.commit_of(checkout / "bench") is None  # a folder of somebody else's checkout
    shutil.rmtree(checkout / ".git")
    assert environment.commit_of(checkout) is None


def test_rows_of_workers_carry_it(tiny_study: Path, tmp_path: Path) -> None:
    out = tmp_path / "two.db"
    words = ["run", str(tiny_study), "--out", str(out), "--no-timing", "--workers", "2"]
    assert ended([*words, "--filter", "estimator=r*", "--filter", "problem=normal*"]) == 0
    with Store.open(out) as store:
        records = store.records()
    assert {record["status"] for record in records} == {"ok", "not_applicable"}
    for record in records:
        assert record["versions"] == environment.versions()
        assert record["commit"] == environment.commit()
        assert record["threads"] == 1


def test_doctor_says_dirty(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(environment, "commit", lambda: "0" * 40 + "-dirty")
    assert ended(["doctor"]) == 0
    assert "-dirty (the code here differs from it; records say so)" in capsys.readouterr().out
    assert ended(["doctor", "--json"]) == 0
    assert '"dirty": true' in capsys.readouterr().out
