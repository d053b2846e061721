"""The README is true: its tables are the catalogues', its example runs, its links lead somewhere."""

import re
import subprocess
import sys
from importlib import util
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(f"(?s)```{language}\n(.*?)```", TEXT)


def test_tables_are_those_of_the_catalogues() -> None:
    spec = util.spec_from_file_location("refresh_readme", ROOT / "docs" / "refresh_readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.refreshed(TEXT) == TEXT, "run 'make readme'"


def test_the_python_example_is_short_and_runs(tmp_path: Path) -> None:
    (example,) = blocks("python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 15
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["rloo", "reinmax", "gumbel_softmax"]


def test_every_command_of_the_readme_is_one() -> None:
    from varbench.command_line import varbench

    used = set(re.findall(r"\.venv/bin/varbench (\w+)", TEXT))
    assert used
    assert used <= set(varbench.commands)
    targets = set(re.findall(r"^make (\w+)", "\n".join(blocks("sh")), re.MULTILINE))
    assert all(f"\n{target}:" in (ROOT / "Makefile").read_text() for target in targets)


def test_links_and_figures_exist() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if not link.startswith("http"):
                assert (document.parent / link).exists(), f"{document.name} links to {link}"
