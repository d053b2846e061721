"""A record: one measured cell, in the stable field names of the JSON contract; no torch here."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import NoneType, UnionType
from typing import Any, get_args

SCHEMA = 1
VECTORS = ("gradient_exact", "gradient_mean")
MAX_VECTOR = 1000
BACKWARD = 2  # a backward pass through f costs what two forward ones do
NUM_REPLICATES = 64  # interleaved parts whose variances are kept, for paired comparisons of cells
OTHER_TARGETS = ("relaxed", "tempered", "smoothed")  # than grad E f(x) or a bound, which are the truth itself
PATHS = ("torch", "split", "fused")  # of a block of draws, slowest first; see paths.py
STATUSES = ("ok", "not_applicable", "failed")
MARKS = ("heavy_tail", "one_draw_dominates", "rare_outcome", "degenerate", "zero_variance")


@dataclass(frozen=True)
class Measurement:
    """What was measured of one estimator on one problem; numbers that do not exist are None.

    bias_sq, variance and mse are in squared units of the gradient: variance is the trace of the covariance
    of one draw, bias_sq = |gradient_mean - gradient_exact|^2 - variance / num_draws is unbiased and may be
    negative, mse = bias_sq + variance; _lower and _upper are 95 % intervals. seconds_per_draw is what one
    draw costs as a whole, cost_seconds_per_draw the cost function's share of it. ``marks`` say where an
    interval cannot be honest. The fields' full definitions are in docs/records.md.
    """

    problem: str
    estimator: str
    config: Mapping[str, Any]
    family: str
    target: str
    num_draws: int
    num_samples: int
    num_points: int | None
    seed: int
    dtype: str
    device: str
    status: str = "ok"
    reason: str | None = None
    marks: list[str] = field(default_factory=list)
    exact_method: str | None = None
    gradient_exact: list[float] | None = None
    gradient_mean: list[float] | None = None
    gradient_norm: float | None = None
    bias_sq: float | None = None
    bias_sq_lower: float | None = None
    bias_sq_upper: float | None = None
    unbiased_p: float | None = None
    target_bias_sq: float | None = None
    target_bias_sq_lower: float | None = None
    target_bias_sq_upper: float | None = None
    variance: float | None = None
    variance_lower: float | None = None
    variance_upper: float | None = None
    mse: float | None = None
    mse_lower: float | None = None
    mse_upper: float | None = None
    snr: float | None = None
    cosine: float | None = None
    pareto_k: float | None = None
    num_nonfinite: int | None = None
    cost_values_per_draw: float | None = None
    cost_slopes_per_draw: float | None = None
    seconds_per_draw: float | None = None
    seconds_per_draw_lower: float | None = None
    seconds_per_draw_upper: float | None = None
    cost_seconds_per_draw: float | None = None
    peak_bytes: int | None = None
    fit_seconds: float | None = None
    fit_values: int | None = None
    schema: int = SCHEMA
    versions: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1
    path: str | None = None
    points_key: str | None = None
    commit: str | None = None
    replicates: Mapping[str, list[float]] = field(default_factory=dict, repr=False)

    def record(self, vectors: bool = False) -> dict[str, Any]:
        """Return the JSON object: no NaN, no infinity; vectors over 1,000 entries only on demand."""
        plain = asdict(replace(self, replicates={}))  # stores keep them beside the record, for comparisons of cells
        plain.pop("replicates")
        return compact(plain, vectors)


NEWER = ("path", "points_key")  # than schema 1 at first: records from before lack them
COLUMNS = tuple(f.name for f in fields(Measurement) if f.name != "replicates")


def kinds() -> dict[str, tuple[Any, bool]]:
    """Return of each column the type of its values, and whether they may be absent."""
    found: dict[str, tuple[Any, bool]] = {}
    for column in fields(Measurement):
        options = get_args(column.type) if isinstance(column.type, UnionType) else (column.type,)
        found[column.name] = options[0], NoneType in options
    return {name: found[name] for name in COLUMNS}


def compact(record: Mapping[str, Any], vectors: bool = False, longest: int = MAX_VECTOR) -> dict[str, Any]:
    """Return a record with vectors longer than ``longest`` replaced by null, unless they are wanted."""
    out = dict(record)
    for name in VECTORS:
        if not vectors and out.get(name) is not None and len(out[name]) > longest:
            out[name] = None
    return out


def finite(number: float | None) -> float | None:
    """Return the number, or None for what JSON cannot hold."""
    return None if number is None or not math.isfinite(number) else float(number)


def label(record: Mapping[str, Any]) -> str:
    """Return the estimator with its config and number of samples, as people write it."""
    config = {k: v for k, v in record["config"].items() if k != "temperature"}
    inside = ",".join(f"{k}={literal(v)}" for k, v in sorted(config.items()))
    return record["estimator"] + (f"[{inside}]" if inside else "")


def literal(value: object) -> str:
    """Return a parameter's value in the shortest form that reads back as itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def read_value(text: str) -> bool | int | float | str:
    """Return true and false, whole numbers and other numbers as such, and anything else as text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def dumps(value: object) -> str:
    """Return strict JSON, sorted where order has no meaning."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
