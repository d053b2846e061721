"""What a shell may complete: names from the catalogues, studies, stores, keys of filters; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from ..bench.catalogue import CATALOGUE as PROBLEMS
from ..bench.filters import NAMES, STATUS
from ..bench.records import STATUSES
from ..bench.study import shipped
from ..estimators.catalogue import CATALOGUE as ESTIMATORS


def problems(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Return the catalogued problems that begin so."""
    return _beginning(PROBLEMS, incomplete)


def estimators(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Return the catalogued estimators that begin so."""
    return _beginning(ESTIMATORS, incomplete)


def things(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Return the catalogued estimators and problems, and the Python files, that begin so."""
    return _beginning((*ESTIMATORS, *PROBLEMS), incomplete) + _paths(incomplete, ".py")


def studies(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Return the shipped studies and the TOML files that begin so."""
    return _beginning(shipped(), incomplete) + _paths(incomplete, ".toml")


def stores(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Return the stores that begin so."""
    return _paths(incomplete, ".db")


def filters(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys of filters that begin so, each with its equals sign; behind a known one, its values."""
    key, equals, _value = incomplete.partition("=")
    values: dict[str, Iterable[str]] = {"problem": PROBLEMS, "estimator": ESTIMATORS, STATUS: STATUSES}
    if equals:
        return _beginning((f"{key}={value}" for value in values.get(key, ())), incomplete)
    parameters = {key for facts in PROBLEMS.values() for key in facts.parameters}
    parameters |= {key for facts in ESTIMATORS.values() for key in facts.config}
    return _beginning((f"{key}=" for key in (*NAMES, STATUS, *sorted(parameters))), incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _paths(incomplete: str, ending: str) -> list[str]:
    """Return the files of this ending, and the folders, that begin so; hidden ones only if they are asked for."""
    before, slash, begun = incomplete.rpartition("/")
    folder = Path(before + slash or ".").expanduser()
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    names = []
    for path in found:
        hidden = path.name.startswith(".") and not begun.startswith(".")
        if path.name.startswith(begun) and not hidden:
            if path.is_dir():
                names.append(f"{before}{slash}{path.name}/")
            elif path.name.endswith(ending):
                names.append(f"{before}{slash}{path.name}")
    return names
