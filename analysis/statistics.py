"""What intervals say: error of averages, comparisons that overlap, verdicts on bias; no sampling here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .frame import Record

LEVEL = 0.05
FLOOR_P = 1e-4  # asymptotic p-values are reported as this where they are smaller


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Args:
        value: the estimate; an unclipped bias_sq may lie below ``lower``.
        lower: lower end.
        upper: upper end.
    """

    value: float
    lower: float
    upper: float

    def over(self, scale: float) -> Estimate:
        """Return the estimate in units of ``scale``, which is taken as known."""
        return Estimate(self.value / scale, self.lower / scale, self.upper / scale)

    def overlaps(self, other: Estimate) -> bool:
        """Return whether the two intervals meet, so that no difference is shown."""
        return self.lower <= other.upper and other.lower <= self.upper


def estimate(record: Record, name: str) -> Estimate | None:
    """Return bias_sq, variance, mse, target_bias_sq or seconds_per_draw of a record; None where it is absent."""
    value, lower, upper = (record.get(key) for key in (name, f"{name}_lower", f"{name}_upper"))
    if value is None:
        return None
    return Estimate(float(value), float(value if lower is None else lower), float(value if upper is None else upper))


def mse_at(record: Record, draws: int = 1) -> Estimate | None:
    """Return the mean squared error of an average of n independent draws, mse(n) = bias_sq + variance / n.

    For one draw the record's own interval is taken. For more, the ends are the sums of the ends of both intervals:
    at least 95 %, whatever the two have to do with each other.

    Args:
        record: a measured cell.
        draws: n >= 1.

    Returns:
        The estimate in squared units of the gradient, None where the bias is not known.
    """
    bias, variance = estimate(record, "bias_sq"), estimate(record, "variance")
    if bias is None or variance is None:
        return None
    own = estimate(record, "mse")
    if draws == 1 and own is not None:
        return own
    return Estimate(
        bias.value + variance.value / draws,
        max(bias.lower, 0.0) + variance.lower / draws,
        bias.upper + variance.upper / draws,
    )


def scale_of(record: Record) -> float | None:
    """Return |gradient|^2 of the exact gradient, the unit of relative numbers; None where it is 0 or not known."""
    norm = record.get("gradient_norm")
    return float(norm) ** 2 if norm is not None and norm > 0 and float(norm) ** 2 > 0 else None


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm 1979): the chance of one false finding among all stays at p."""
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = running
    return adjusted


def biased(records: Sequence[Record]) -> list[bool | None]:
    """Return for each cell whether a bias is shown, at 5 % over all these cells together (Holm).

    None: nothing can be said, because the cell was not measured or its problem has no known truth. A floored
    p-value ("<1e-4") counts as the floor; the interval must exclude zero as well.
    """
    known = [i for i, record in enumerate(records) if record["status"] == "ok" and record.get("unbiased_p") is not None]
    adjusted = holm([float(records[i]["unbiased_p"]) for i in known])
    verdicts: list[bool | None] = [None] * len(records)
    for position, p in zip(known, adjusted, strict=True):
        capped = float(records[position]["unbiased_p"]) <= FLOOR_P and len(known) * FLOOR_P > LEVEL
        verdicts[position] = (p <= LEVEL or capped) and (records[position].get("bias_sq_lower") or 0.0) > 0
    return verdicts


def relative_bias(record: Record, name: str = "bias_sq") -> float | None:
    """Return |bias| / |gradient| from bias_sq or one end of its interval; None without a truth other than zero."""
    scale, value = scale_of(record), record.get(name)
    return None if scale is None or value is None else math.sqrt(max(float(value), 0.0) / scale)


def ratio(numerator: Estimate, denominator: Estimate) -> float | None:
    """Return a ratio of values, None where the denominator is not positive."""
    return numerator.value / denominator.value if denominator.value > 0 else None


def marks_of(record: Record) -> list[str]:
    """Return a record's marks, the reasons why an interval of it cannot be honest."""
    return list(record.get("marks") or [])


def evaluations(record: Record) -> Any:
    """Return values plus slopes of the cost that one draw takes; None where they were not counted."""
    values, slopes = record.get("cost_values_per_draw"), record.get("cost_slopes_per_draw")
    return None if values is None and slopes is None else float(values or 0) + float(slopes or 0)
