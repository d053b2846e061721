"""The house: imports go down only, and what must start fast stays light."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BELOW = {
    "estimators": {"estimators"},
    "bench": {"bench", "estimators"},
    "analysis": {"analysis", "bench.records", "bench.store", "bench.paired"},
    "varbench": {"varbench", "analysis", "bench", "estimators"},
}
HEAVY = {"torch", "numba", "scipy", "matplotlib", "numpy", "jinja2"}
LIGHT = [  # what --help, list and plan import
    "estimators/__init__.py", "estimators/errors.py", "estimators/facts.py",
    *(str(p.relative_to(ROOT)) for p in (ROOT / "estimators" / "catalogue").glob("*.py")),
    "bench/__init__.py", "bench/allocation.py", "bench/catalogue.py", "bench/specs.py", "bench/records.py",
    "bench/study.py", "bench/store.py", "bench/environment.py", "bench/filters.py", "bench/differences.py",
    "bench/merging.py", "bench/validation.py", "bench/record_checks.py", "analysis/__init__.py",
    *(str(p.relative_to(ROOT)) for p in (ROOT / "varbench").glob("*.py")),
    *(str(p.relative_to(ROOT)) for p in (ROOT / "varbench" / "commands").glob("*.py")),
]  # fmt: skip


def modules(layer: str) -> list[Path]:
    files = sorted((ROOT / layer).rglob("*.py"))
    # the links inside varbench/ are the other layers themselves
    return [f for f in files if layer != "varbench" or f.relative_to(ROOT).parts[1] not in BELOW]


def imported(file: Path, nodes: list[ast.AST]) -> set[str]:
    """Names of what a file imports, as dotted paths from the project's top."""
    here = file.relative_to(ROOT).with_suffix("").parts
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level] if len(here) >= node.level else ()
            path = [*base, *(node.module or "").split(".")] if node.module else [*base]
            found |= {".".join([*path, alias.name]) for alias in node.names}
    return found


def project_imports(file: Path) -> set[str]:
    names = imported(file, list(ast.walk(ast.parse(file.read_text()))))
    return {
        n.removeprefix("varbench.") for n in names if n.removeprefix("varbench.").split(".")[0] in {*BELOW, "varbench"}
    }


@pytest.mark.parametrize("layer", ["estimators", "bench", "analysis"])
def test_imports_go_down_only(layer: str) -> None:
    assert modules(layer), f"no module found in {layer}"
    for file in modules(layer):
        for name in project_imports(file):
            allowed = any(name == below or name.startswith(f"{below}.") for below in BELOW[layer])
            assert allowed, f"{file.relative_to(ROOT)} imports {name}, which lies above it"


def test_the_walk_sees_imports() -> None:
    assert "estimators.node.Node" in project_imports(ROOT / "bench" / "problem.py")
    assert any(n.startswith("bench.") for n in project_imports(ROOT / "varbench" / "commands" / "study.py"))


@pytest.mark.parametrize("file", LIGHT)
def test_light_modules_import_nothing_heavy_at_the_top(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    names = imported(ROOT / file, [node for node in tree.body])
    assert not {name.split(".")[0] for name in names} & HEAVY


@pytest.mark.parametrize("layer", list(BELOW))
def test_modules_are_small(layer: str) -> None:
    for file in modules(layer):
        assert len(file.read_text().splitlines()) <= 300, f"{file.relative_to(ROOT)} is a house of its own: split it"
