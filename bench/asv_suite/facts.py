"""The estimators that this work tree lists: they name the benchmarks, whatever commit is under test."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

_ESTIMATORS = Path(__file__).resolve().parents[2] / "estimators"
_ALIAS = "_estimators_of_the_work_tree"


def listed() -> Mapping[str, Any]:
    """Return the work tree's catalogue of estimators by name.

    It is read under a name of its own, so that ``varbench.estimators`` remains that of the commit under test:
    a benchmark keeps its id over all commits, and one that lacks the estimator skips it.
    """
    if _ALIAS not in sys.modules:
        package = ModuleType(_ALIAS)
        package.__path__ = [str(_ESTIMATORS)]
        sys.modules[_ALIAS] = package
    catalogue: Mapping[str, Any] = import_module(f"{_ALIAS}.catalogue").CATALOGUE
    return catalogue
