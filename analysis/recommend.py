"""A recommendation in words: the choice, why, how far from the best it may be, and the line that uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..bench.records import literal
from .numbers import short
from .phrases import count, listed

Plain = Mapping[str, Any]
TOP = 3
_NOTED = 0.05  # of the mse: a smaller share of bias is not worth a word
_CHECKED = 10_000  # draws of the line that is pasted


def line_of(problem: str, choice: Plain, names: Mapping[str, str] | None = None) -> str:
    """Return a line of Python that draws as the choice does and prints the mse of its average.

    Args:
        problem: as the user wrote it.
        choice: one of a search's.
        names: of the user's own estimators, where they are found.
    """
    estimator = (names or {}).get(choice["estimator"], choice["estimator"])
    config = "".join(f", {key}={value!r}" for key, value in choice["config"].items() if value is not None)
    if "[" in estimator:
        config = "".join(f", {k}={v!r}" for k, v in choice["config"].items() if f"{k}=" not in estimator)
    n = choice["num_averaged"]
    bias_sq = "" if choice["unbiased"] else "max(m.bias_sq, 0) + "
    return (
        f"from varbench import measure; m = measure({problem!r}, {estimator!r}, num_samples={choice['num_samples']}"
        f"{config}, num_draws={_CHECKED}, timing=False); n = {n}; print('mse of n averaged draws:', "
        f"{bias_sq}m.variance / n)"
    )


def as_text(problem: str, budget: float, unit: str, found: Plain, names: Mapping[str, str] | None = None) -> str:
    """Return the recommendation for a terminal.

    Args:
        problem: as the user wrote it.
        budget: of one gradient estimate.
        unit: evaluations or seconds.
        found: what ``Search.plain`` returned.
        names: of the user's own estimators, where they are found.
    """
    choices = found["choices"]
    first = choices[0]
    lines = [f"{_name(first)} on {problem}, for {budget:g} {unit} a gradient"]
    lines += [f"  {reason}" for reason in _reasons(first, unit, found)]
    for rank, one in enumerate(choices[1:TOP], 2):
        ratio = "" if one["ratio"] is None else f", {one['ratio']:.3g} times that of the first on the same draws"
        lines.append(f"  {rank}. {_name(one)}: mse {_interval(one)}{ratio}")
    lines.append(f"  regret: {regret(found)}")
    lines.append(f"  paste: {line_of(problem, first, names)}")
    lines.append(f"  screening, apart from the budget: {_screening(found)}")
    return "\n".join(lines)


def regret(found: Plain) -> str:
    """Return how far the choice may be from the best that was looked at, as far as the search has shown it."""
    looked, upper = found["num_looked"], found["regret_upper"]
    if looked == 1:
        return "not known: no other candidate was looked at"
    among = f"of the {count(looked, 'candidate')} that were looked at"
    if upper is None:
        return f"no bound is shown on its distance from the best {among}; more time may show one (--max-seconds)"
    if upper == 0:
        return f"none: it is shown to be the best {among}, at 95 %"
    return f"within {_percent(upper)} of the best {among}, at 95 %"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def _name(one: Plain) -> str:
    parts = [f"{key}={literal(value)}" for key, value in one["config"].items()]
    return one["estimator"] + (f"[{','.join(parts)}]" if parts else "") + f" with S = {one['num_samples']}"


def _interval(one: Plain) -> str:
    upper = "?" if one["mse_upper"] is None else short(one["mse_upper"])
    return f"{short(one['mse'])} [{short(one['mse_lower'])}, {upper}]"


def _reasons(first: Plain, unit: str, found: Plain) -> list[str]:
    cost = f"{first['cost_per_draw']:.3g} {unit}"
    number = first["num_averaged"]
    reasons = [f"mse {_interval(first)}: {count(number, 'draw')} of {cost}{', averaged' if number > 1 else ''}"]
    record = first["record"]
    if first["unbiased"]:
        reasons.append("unbiased: a larger budget makes it as exact as you like")
    elif first["mse"] > 0:
        share = max(record["bias_sq"], 0.0) / first["mse"]
        if share > _NOTED:
            reasons.append(f"biased: squared bias is {share:.0%} of its mse, and no averaging removes it")
        else:
            reasons.append("any bias is less than its noise at this budget; at a larger one look again")
    if str(found["exact_method"]).startswith("reference"):
        reasons.append(f"no exact gradient: bias is against a {found['exact_method']}, whose error is in the intervals")
    if record["marks"]:
        marks = ", ".join(mark.replace("_", " ") for mark in record["marks"])
        reasons.append(f"marked {marks}: its interval may be too short")
    return reasons


def _screening(found: Plain) -> str:
    """Return what the search took, what it looked at, and what it did not, and why."""
    rounds = ", ".join(f"{cells} at {count(draws, 'draw')}" for cells, draws in found["rounds"])
    took = f"{found['evaluations']:,} evaluations in {found['seconds']:.1f} s of {found['max_seconds']:g} s"
    lines = [f"{took}; candidates {rounds}"]
    if found["too_dear"]:
        lines.append(f"over the budget: {count(found['too_dear'], 'candidate')}")
    if found["num_late"]:
        lines.append(f"not looked at, for want of time: {count(found['num_late'], 'candidate')}")
    first: dict[str, str] = {}
    for name, reason in found["dropped"]:
        first.setdefault(name, reason)
    for reason in dict.fromkeys(first.values()):
        names = [name for name, its in first.items() if its == reason]
        lines.append(f"left out {listed(names, most=4)}: {reason}")
    return "\n    ".join(lines)
