"""Whether a record is what the contract says: its fields, their types, and its numbers against each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_args, get_origin

from .records import COLUMNS, MARKS, NEWER, SCHEMA, STATUSES, kinds, literal

INTERVALS = ("bias_sq", "target_bias_sq", "variance", "mse", "seconds_per_draw")
UNCLIPPED = ("bias_sq", "target_bias_sq")  # may lie below their intervals, which begin at 0 or above
WHERE = ("python", "processor", "torch")  # of the versions, at least
_ROUNDING = 1e-9
_LOOSE = 1e-6  # for what is computed otherwise where it is measured
_EPS = 1e-14  # of the squares that nearly cancel
_KINDS = {str: "text", int: "a whole number", float: "a number"}


def record_checks(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a record, its timing included."""
    missing = [name for name in COLUMNS if name not in (*record, *NEWER)]
    if missing:
        yield f"without the field {', '.join(missing)}"
    strange = [name for name in record if name not in COLUMNS]
    if strange:
        yield f"with a field that is none of a record's: {', '.join(strange)}"
    infinite = [name for name, value in record.items() if not finite_throughout(value)]
    if infinite:
        yield f"NaN or infinity in {', '.join(infinite)}"
    wrong = {n: kind for n, (kind, absent) in kinds().items() if n in record and not is_of(record[n], kind, absent)}
    for name, kind in wrong.items():
        yield f"{name} is {shown(record[name])}; it must be {kind_words(kind)}"
    if not (missing or wrong or infinite):
        yield from _sense_checks(record)


def _sense_checks(record: Mapping[str, Any]) -> Iterator[str]:
    if record["schema"] != SCHEMA:
        yield f"schema {record['schema']}; this varbench writes {SCHEMA}"
    if record["status"] not in STATUSES:
        yield f"status '{record['status']}' is none of {', '.join(STATUSES)}"
    for mark in record["marks"]:
        if mark not in MARKS:
            yield f"mark '{mark}' is none of {', '.join(MARKS)}"
    absent = [name for name in WHERE if not record["versions"].get(name)]
    if absent:
        yield f"its versions lack {', '.join(absent)}"
    if record["status"] == "ok":
        yield from _number_checks(record)
    else:
        if not record["reason"]:
            yield f"{record['status']} without a reason"
        there = [name for name in INTERVALS if record[name] is not None]
        if there:
            yield f"{record['status']}, but with {', '.join(there)}"


def _number_checks(record: Mapping[str, Any]) -> Iterator[str]:
    if record["variance"] is None:
        yield "measured, but without a variance"
        return
    bias_sq, variance, mse = record["bias_sq"], record["variance"], record["mse"]
    if (bias_sq is None) != (mse is None):
        yield "only one of bias_sq and mse"
    elif mse is not None and not close(mse, bias_sq + variance, max(abs(bias_sq), abs(variance))):
        yield f"mse {mse!r} is not bias_sq + variance, {bias_sq + variance!r}"
    for name in INTERVALS:
        yield from _interval_checks(name, record)
    for name, least, most in (
        ("variance", 0, math.inf), ("snr", 0, math.inf), ("cosine", -1, 1), ("unbiased_p", 1e-4, 1),
        ("num_nonfinite", 0, 0), ("cost_values_per_draw", 0, math.inf), ("num_points", 1, math.inf),
        ("cost_slopes_per_draw", 0, math.inf),
        ("mse_lower", 0, math.inf),
    ):  # fmt: skip
        value = record[name]
        if value is not None and not least - _ROUNDING <= value <= most + _ROUNDING:
            yield f"{name} {literal(value)} is outside [{literal(least)}, {literal(most)}]"


def _interval_checks(name: str, record: Mapping[str, Any]) -> Iterator[str]:
    value, lower, upper = (record[name + end] for end in ("", "_lower", "_upper"))
    unbounded = upper is None and lower is not None
    if unbounded and "rare_outcome" not in record["marks"]:
        yield f"{name} has no upper end, which only the mark rare_outcome allows"
    if lower is None and (upper is not None or value is not None):
        yield f"{name} has no lower end"
    if value is None and lower is not None:
        yield f"{name} has an interval, but no value"
    if value is None or lower is None:
        return
    upper = math.inf if upper is None else upper
    slack = _ROUNDING * max(abs(value), abs(lower))
    above = name in UNCLIPPED and lower >= 0  # an unclipped estimate may lie below its interval
    if not lower <= upper or value > upper + slack or (value < lower - slack and not above):
        yield f"{name} {value!r} is outside its interval [{lower!r}, {upper!r}]"
    if name in UNCLIPPED and lower < 0:
        yield f"{name}_lower {lower!r} is below 0"


def moment_checks(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the numbers that follow from mean, exact gradient and variance of a measured cell."""
    mean, exact = record["gradient_mean"], record["gradient_exact"]
    distance = sum((m - g) ** 2 for m, g in zip(mean, exact, strict=True))
    own, noise = sum(m * m for m in mean), record["variance"] / record["num_draws"]
    rounding = _EPS * (own + sum(g * g for g in exact))
    expected = {"bias_sq": (distance - noise, distance + noise)}
    if record["snr"] is not None:
        expected["snr"] = (math.sqrt(max(0.0, own - noise) / record["variance"]), 1 + record["snr"])
    if record["cosine"] is not None:
        inner = sum(m * g for m, g in zip(mean, exact, strict=True))
        expected["cosine"] = (inner / math.sqrt(own * sum(g * g for g in exact)), 1.0)
    for name, (value, scale) in expected.items():
        found = record[name]
        if name == "bias_sq" and found == 0:
            continue  # what is below the rounding of its terms is none
        if found is None or abs(found - value) > _LOOSE * scale + (rounding if name == "bias_sq" else 0):
            yield f"{name} is {found!r}; gradient_mean, gradient_exact and variance make it {value!r}"


def is_of(value: Any, kind: Any, absent: bool) -> bool:
    """Return whether a value is of a column's type; whole numbers are numbers, true and false are not."""
    if value is None:
        return absent or kind is NoneType
    if get_origin(kind) is list:
        return isinstance(value, list) and all(is_of(entry, get_args(kind)[0], False) for entry in value)
    if kind in (int, float):
        return isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
    return isinstance(value, str if kind is str else dict)


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number."""
    return is_of(value, float, False) and math.isfinite(value)


def finite_throughout(value: Any) -> bool:
    """Return whether plain data holds neither NaN nor infinity."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, (list, Mapping)):
        return all(map(finite_throughout, value.values() if isinstance(value, Mapping) else value))
    return True


def close(x: float, y: float, scale: float) -> bool:
    """Return whether two numbers are equal to rounding on this scale."""
    return abs(x - y) <= _ROUNDING * abs(scale)


def kind_words(kind: Any) -> str:
    """Return what a value of a type is, in words."""
    if get_origin(kind) is list:
        return f"a list, each entry {kind_words(get_args(kind)[0])}"
    return _KINDS.get(kind, "an object")


def shown(value: Any) -> str:
    """Return a value in as many letters as an error has room for."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
