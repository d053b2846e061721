"""Where a number was measured: versions, commit, threads."""

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGES = ("varbench", "torch", "numpy", "scipy", "matplotlib", "click", "rich", "jinja2")


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on, and the processor behind the times."""
    found = {"python": platform.python_version(), "processor": processor()}
    for package in ("varbench", "torch", "numpy", "scipy"):
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
    """Return the commit of the checkout that this code runs from, None if it is an installed package."""
    root = Path(__file__).resolve().parent.parent
    try:
        words = ["git", "-C", str(root), "rev-parse", "--show-toplevel", "HEAD"]
        answer = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    top, head = answer.stdout.split("\n")[:2]
    return head if Path(top).resolve() == root else None


def processor() -> str:
    """Return the processor's model name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
