"""Where a number was measured: versions, commit, threads."""

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

CODE = ("estimators", "bench", "analysis", "varbench", "pyproject.toml")  # what numbers and pages come from
DIRTY = "-dirty"
PACKAGES = ("varbench", "torch", "numpy", "numba", "scipy", "matplotlib", "click", "rich", "jinja2")


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on, and the processor behind the times."""
    found = {"python": platform.python_version(), "processor": processor()}
    for package in ("varbench", "torch", "numpy", "numba", "scipy"):
        found[package] = installed(package) or "missing"
    return found


def installed(package: str) -> str | None:
    """Return a package's version without importing it, None if it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@cache
def commit() -> str | None:
    """Return the commit of the checkout that this code runs from, None if it is an installed package.

    It ends in '-dirty' where the code, tracked or not, is not that of the commit; reports and notes do not count.
    """
    return commit_of(Path(__file__).resolve().parent.parent)


def commit_of(root: Path) -> str | None:
    """Return the commit of a checkout with this root, see ``commit``."""
    answer = _git(root, "rev-parse", "--show-toplevel", "HEAD")
    if answer is None:
        return None
    top, head = answer.split("\n")[:2]
    if Path(top).resolve() != root.resolve():
        return None
    changed = _git(root, "status", "--porcelain", "--untracked-files=all", "--", *CODE)
    return head + (DIRTY if changed else "")


def _git(root: Path, *words: str) -> str | None:
    """Return what git says, None if it cannot; it takes no lock, so that nobody's own git has to wait."""
    command = ["git", "--no-optional-locks", "-C", str(root), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def processor() -> str:
    """Return the processor's model name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
