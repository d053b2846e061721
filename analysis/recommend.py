"""A recommendation in words: the choice, why, how far from the best it may be, and the line that uses it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .numbers import short
from .phrases import count

Plain = Mapping[str, Any]
TOP = 3
_NOTED = 0.05  # of the mse: a smaller share of bias is not worth a word


def regret(choices: Sequence[Plain]) -> dict[str, float | None]:
    """Return mse(choice) / least - 1 among those measured to the end, and the ends that their intervals allow.

    The choice has the least estimate, so the regret shown is 0; it may reach upper(choice) / least lower(rival)
    - 1, None where a rival's lower end is 0.
    """
    first, *rivals = choices
    least = min((one["mse_lower"] for one in rivals), default=math.inf)
    if first["mse_upper"] <= least:
        upper: float | None = 0.0
    else:
        upper = first["mse_upper"] / least - 1 if least > 0 else None
    return {"value": 0.0, "lower": 0.0, "upper": upper}


def line_of(problem: str, choice: Plain) -> str:
    """Return a line of Python that measures the choice as it would be used."""
    config = "".join(f", {key}={value!r}" for key, value in choice["config"].items())
    return f"varbench.measure({problem!r}, {choice['estimator']!r}, num_samples={choice['num_samples']}{config})"


def as_text(problem: str, budget: float, unit: str, found: Plain) -> str:
    """Return the recommendation for a terminal.

    Args:
        problem: as the user wrote it.
        budget: of one gradient estimate.
        unit: evaluations or seconds.
        found: what ``Search.plain`` returned.
    """
    choices = found["choices"]
    first = choices[0]
    lines = [f"{_name(first)} on {problem}, for {budget:g} {unit} a gradient"]
    lines += [f"  {reason}" for reason in _reasons(first, unit, found)]
    for rank, one in enumerate(choices[1:TOP], 2):
        lines.append(f"  {rank}. {_name(one)}: mse {_interval(one)}, {_against(one, first)}")
    lines.append(f"  regret: {_regret(choices)}")
    lines.append(f"  paste: {line_of(problem, first)}")
    lines.append(f"  screening, apart from the budget: {_screening(found)}")
    return "\n".join(lines)


def _name(one: Plain) -> str:
    parts = [f"{key}={value}" for key, value in one["config"].items()]
    return one["estimator"] + (f"[{','.join(parts)}]" if parts else "") + f" with S = {one['num_samples']}"


def _interval(one: Plain) -> str:
    return f"{short(one['mse'])} [{short(one['mse_lower'])}, {short(one['mse_upper'])}]"


def _reasons(first: Plain, unit: str, found: Plain) -> list[str]:
    cost = f"{first['cost_per_draw']:.3g} {unit}"
    number = first["num_averaged"]
    reasons = [f"mse {_interval(first)}: {count(number, 'draw')} of {cost}{' are averaged' if number > 1 else ''}"]
    record = first["record"]
    if first["unbiased"]:
        reasons.append("unbiased: a larger budget makes it as exact as you like")
    elif first["mse"] > 0:
        share = max(record["bias_sq"], 0.0) / first["mse"]
        if share > _NOTED:
            reasons.append(f"biased: squared bias is {share:.0%} of its mse, and no averaging removes it")
        else:
            reasons.append("biased, by less than its noise at this budget; at a larger one look again")
    if str(found["exact_method"]).startswith("reference"):
        reasons.append("no exact gradient: bias is against a long unbiased run, whose error is in the intervals")
    if record["marks"]:
        marks = ", ".join(mark.replace("_", " ") for mark in record["marks"])
        reasons.append(f"marked {marks}: its interval may be too short")
    return reasons


def _against(one: Plain, first: Plain) -> str:
    ratio = f"{one['mse'] / first['mse']:.3g} times that of the first" if first["mse"] > 0 else "the first's is 0"
    return ratio + ("" if one["mse_lower"] > first["mse_upper"] else " (the intervals overlap)")


def _regret(choices: Sequence[Plain]) -> str:
    upper = regret(choices)["upper"]
    among = f"among the {count(len(choices), 'candidate')} measured to the end"
    if upper is None:
        return f"no upper end is shown {among}"
    if upper == 0:
        return f"none: it is shown to be the best {among}"
    return f"at most {upper:.0%} {among}"


def _screening(found: Plain) -> str:
    rounds = ", ".join(f"{cells} at {count(draws, 'draw')}" for cells, draws in found["rounds"])
    too_dear = f"; {found['too_dear']} more are over the budget" if found["too_dear"] else ""
    failed = {name: reason for name, reason in found["dropped"]}
    failures = "".join(f"\n    left out {name}: {reason}" for name, reason in failed.items())
    return f"{found['evaluations']:,} evaluations in {found['seconds']:.1f} s; candidates {rounds}{too_dear}{failures}"
