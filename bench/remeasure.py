"""Cells of a store measured again and held against what is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..estimators.errors import InputError
from . import environment
from .executors import measure_cells
from .merging import cell_name, statistics
from .store import Row, Store
from .study import Cell

SCALED = ("gradient_exact", "gradient_mean")  # on the scale of the gradient and of its noise
SQUARED = ("bias_sq", "target_bias_sq", "variance", "mse")  # with their ends, on the scale of the square of that
NEWER = ("target_bias_sq",)  # than the schema: null in stores from before it was measured
LOOSE = ("unbiased_p", "snr", "cosine", "pareto_k")  # functions of the others that can amplify rounding
WITHOUT = ("marks", "reason")  # not compared to rounding: a mark is a threshold
_TOLERANCE = {"float64": 1e-6, "float32": 1e-2}


@dataclass(frozen=True)
class Remeasured:
    """One cell measured again.

    Args:
        cell: which.
        exact: whether the numbers had to be equal to the bit: same processor and versions; else to rounding.
        differing: the fields that were not.
        error: why it could not be measured.
        added: values that are known now and were not when the store was written: no difference.
    """

    cell: str
    exact: bool
    differing: Sequence[str]
    error: str | None = None
    added: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Whether what was found is what is stored."""
        return not self.differing and self.error is None


def remeasure(path: Path, count: int) -> list[Remeasured]:
    """Measure some of a store's measured cells again, spread evenly over it, always the same ones.

    Args:
        path: of the store.
        count: how many; all of them where there are fewer.
    """
    with Store.open(path) as store:
        rows = [row for row in store.rows() if row.status == "ok"]
        truths = store.truths()
    count = min(count, len(rows))
    return [_again(rows[(2 * k + 1) * len(rows) // (2 * count)], truths) for k in range(count)]


def _again(row: Row, truths: Mapping[str, Any]) -> Remeasured:
    name = cell_name(row.key)
    if "path" not in json.loads(row.record):
        return Remeasured(name, False, [], "measured on noise that is no longer drawn, before kernels; run --force")
    try:
        cell = Cell(**json.loads(row.key))
        (found,) = measure_cells([cell], truths.get(cell.truth_key))
    except (InputError, TypeError, ValueError) as error:
        return Remeasured(name, False, [], f"could not be measured again: {error}")
    before, parts = statistics(row)
    exact = json.loads(row.record).get("versions") == environment.versions()
    after = json.loads(json.dumps(dict(found.record)))
    added = [key for key in NEWER if before[key] is None and after.get(key) is not None]
    before = {key: value for key, value in before.items() if not _is_news(key, before, after, added)}
    if exact:
        differing = [key for key in before if before[key] != after.get(key)]
        differing += ["replicates"] if parts != json.loads(json.dumps(dict(found.replicates))) else []
    else:
        differing = _beyond_rounding(before, after)
    return Remeasured(name, exact, differing, added=added)


def _is_news(key: str, before: Mapping[str, Any], after: Mapping[str, Any], added: Sequence[str]) -> bool:
    """Return whether a field differs only since older stores do not hold it, or the reason why it is absent."""
    if key == "reason":
        return before[key] is None and str(after.get(key)).startswith("no target_bias_sq")
    return key.removesuffix("_lower").removesuffix("_upper") in added


def _beyond_rounding(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the fields that differ by more than what another processor or version may round otherwise."""
    tolerance = _TOLERANCE.get(str(before.get("dtype")), _TOLERANCE["float64"])
    size = (before.get("gradient_norm") or 0.0) ** 2 + (before.get("variance") or 0.0) + (before.get("mse") or 0.0)
    found = []
    for key, value in before.items():
        base = key.removesuffix("_lower").removesuffix("_upper")
        scale = size if base in SQUARED else size**0.5 if key in SCALED else 1.0 if key in LOOSE else 0.0
        slack = tolerance * (1e3 if key in LOOSE else 1.0) * scale
        if key not in WITHOUT and not _near(value, after.get(key), tolerance, slack):
            found.append(key)
    return found


def _near(x: Any, y: Any, tolerance: float, slack: float) -> bool:
    if isinstance(x, list) and isinstance(y, list):
        return len(x) == len(y) and all(_near(a, b, tolerance, slack) for a, b in zip(x, y, strict=True))
    if isinstance(x, float) and isinstance(y, float):
        return abs(x - y) <= max(slack, tolerance * abs(x))
    return bool(x == y)
