"""Shell completion: the script in a real shell, what it offers, and that it stays quick."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from varbench.command_line import ended, varbench
from varbench.commands import complete

BASH = r"""
eval "$(varbench completion bash)"
complete -p varbench >/dev/null || exit 9
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_varbench_completion varbench
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study, stores and others; a folder first in PATH with this very varbench."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "varbench"
    script.write_text(f"#!{sys.executable}\nfrom varbench.command_line import main\nmain()\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("mine.toml", "quick.db", "other.db", "notes.txt", ".hidden.db"):
        (tmp_path / name).write_text("")
    return tmp_path


def bash(*words: str) -> list[str]:
    done = subprocess.run(["bash", "-c", BASH, "bash", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["varbench", "me"], ["measure", "merge"]),
        (["varbench", "measure", "norm"], ["normal_square", "normal_exp", "normal_cos", "normal_part"]),
        (["varbench", "measure", "normal_exp", "repa"], ["reparameterization"]),
        (["varbench", "run", "q"], ["quick"]),
        (["varbench", "run", "m"], ["mine.toml"]),
        (["varbench", "show", ""], ["bin/", "other.db", "quick.db"]),
        (["varbench", "run", "quick", "--filter", "te"], ["temperature="]),
        (["varbench", "plot", "quick.db", "--kind", "he"], ["heatmap"]),
        (["varbench", "merge", "other.db", "q"], ["quick.db"]),
        (["varbench", "zzz"], []),
    ],
    ids=" ".join,
)
def test_bash_completes(words: list[str], offered: list[str]) -> None:
    assert bash(*words) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_their_scripts(shell: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert ended(["completion", shell]) == 0
    script = capfd.readouterr().out
    assert f"_VARBENCH_COMPLETE={shell}_complete" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_filters_offer_values_behind_a_key() -> None:
    context, parameter = varbench.make_context("varbench", ["list", "studies"]), varbench.params[0]
    assert complete.filters(context, parameter, "status=") == ["status=ok", "status=not_applicable", "status=failed"]
    assert complete.filters(context, parameter, "problem=dig") == ["problem=digits_vae"]
    assert {"dim=", "conditional_samples=", "num_samples="} <= set(complete.filters(context, parameter, ""))
    assert complete.stores(context, parameter, "bin/") == []
    assert complete.stores(context, parameter, ".h") == [".hidden.db"]
    assert complete.stores(context, parameter, "nowhere/x") == []


def test_completing_loads_nothing_heavy() -> None:
    code = (
        "import sys; from varbench.command_line import ended\n"
        "try: ended()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'scipy', 'matplotlib', 'numpy', 'jinja2', 'rich', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    words = {"COMP_WORDS": "varbench\nmeasure\nnorm", "COMP_CWORD": "2", "_VARBENCH_COMPLETE": "bash_complete"}
    (Path("bin") / "probe").mkdir()
    script = Path("bin") / "probe" / "varbench"
    script.write_text(code)
    environment = {**os.environ, **words}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "plain,normal_square",
        "plain,normal_exp",
        "plain,normal_cos",
        "plain,normal_part",
    ]


def test_another_shell_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert ended(["completion", "tcsh"]) == 2
    assert "'tcsh' is not one of" in capfd.readouterr().err
