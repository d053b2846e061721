"""varbench doctor: what is here, and what is missing."""

from __future__ import annotations

import os
from typing import Any

import click

from ..bench import environment
from . import options
from .output import put_json

_OPTIONAL = {
    "scikit-learn": "to retrain the digits model: pip install 'varbench[data]'",
    "pyarrow": "to export parquet: pip install 'varbench[parquet]'",
}


@click.command()
@options.as_json
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Say which versions, threads and devices there are, and what is missing."""
    found = _found()
    if as_json:
        put_json(found)
    else:
        click.echo("\n".join(_lines(found)))
    if found["missing"]:
        context.exit(1)


def _found() -> dict[str, Any]:
    packages = {name: environment.installed(name) for name in environment.PACKAGES}
    commit = environment.commit()
    threads = gpu = None
    if packages["torch"]:
        import torch

        threads = torch.get_num_threads()
        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "python": environment.versions()["python"],
        "packages": packages,
        "optional": {name: environment.installed(name) for name in _OPTIONAL},
        "commit": commit,
        "dirty": None if commit is None else commit.endswith(environment.DIRTY),
        "processor": environment.processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "gpu": gpu,
        "missing": [name for name, version in packages.items() if version is None],
    }


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"python       {found['python']}"]
    for name, version in found["packages"].items():
        lines.append(f"{name:12} {version or 'MISSING: pip install ' + name}")
    for name, version in found["optional"].items():
        lines.append(f"{name:12} {version or 'not installed, needed only ' + _OPTIONAL[name]}")
    dirty = " (the code here differs from it; records say so)" if found["dirty"] else ""
    lines.append(f"commit       {found['commit'] or 'none: not run from a checkout'}{dirty}")
    lines.append(f"processor    {found['processor']}, {found['cores']} cores")
    if found["threads"]:
        lines.append(f"threads      torch would use {found['threads']}; varbench measures with 1 a block")
        lines.append(f"GPU          {found['gpu'] or 'none; --device cpu only'}")
    missing = ", ".join(found["missing"])
    return [*lines, f"missing: {missing}" if missing else "nothing is missing"]
