"""Sentences under figures: against samples and dimension, of cost, heat map and draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from . import heatmap
from .budget import COSTS, Crossing, Curve, crossings_of, curves_of
from .cost import labelled_budget
from .draws import Array, Spread, spread_of
from .frame import Frame, Record
from .numbers import short, times
from .phrases import code, count, listed
from .series import fewest_samples
from .sizes import size_of
from .statistics import Estimate, estimate, marks_of, ratio, scale_of
from .sweep import SCALINGS, Line, lines_of, scaling


def samples_caption(frame: Frame) -> str:
    """Return who gains from more samples in one draw what independent draws would give, who more, who less."""
    lines = [line for line in lines_of(frame, "num_samples") if line.x[0] < line.x[-1]]
    if not lines:
        return "Only one number of samples was measured."
    groups: dict[str, list[str]] = {word: [] for word in SCALINGS}
    for line in lines:
        found = scaling(line)
        if found is not None:
            shown = found.word not in ("falls as 1/S", "does not fall")
            groups[found.word].append(_named(line) + (f" ({times(found.factor)} less)" if shown else ""))
    parts = [f"{word} for {listed(names)}" for word, names in groups.items() if names]
    ends = min(line.x[0] for line in lines), max(line.x[-1] for line in lines)
    text = f"From S = {ends[0]:.0f} to {ends[1]:.0f} the variance of one draw {', '.join(parts)}."
    stuck = [_named(line) for line in lines if _mostly_bias(line.series.frame[-1])]
    if stuck:
        text += f" At the largest S, bias² is most of the mse of {listed(stuck)}: more samples cannot help."
    return text


def dimension_caption(frame: Frame) -> str:
    """Return how bias and variance over |gradient|^2 change between the ends of the dimension."""
    cells = fewest_samples(frame)
    along = size_of(cells)
    lines = [line for line in lines_of(cells, along) if line.x[0] < line.x[-1]] if along else []
    if not lines:
        return "Only one dimension was measured."
    ends = min(line.x[0] for line in lines), max(line.x[-1] for line in lines)
    relative = all(scale_of(record) is not None for line in lines for record in line.series.frame)
    unit = " / |∇|²" if relative else ""
    texts = []
    for name, word in (("variance", "variance"), ("bias_sq", "bias²")):
        found = _changes(lines, name, relative)
        texts += [f"{word}{unit} {found}"] if found else []
    return f"From {along} = {ends[0]:,.0f} to {ends[1]:,.0f}, {'; '.join(texts) or 'no difference is shown'}."


def cost_caption(frame: Frame) -> str:
    """Return who has the least mse of an average at which budget, and how well the crossings are known."""
    texts = [found for cost in COSTS if (found := _leads(curves_of(frame, cost), cost))]
    return " ".join(texts) or "No cell has a bias, a variance and a cost."


def heatmap_caption(frame: Frame) -> str:
    """Return who has the least error on how many problems, and between what the squares range."""
    grid = heatmap.grid_of(frame)
    unit = " |∇|²" if grid.relative else ""
    wins: dict[str, int] = {}
    found: list[tuple[float, str]] = []
    for j, column in enumerate(grid.columns):
        rows = [(row[j].value, label) for row, label in zip(grid.squares, grid.rows, strict=True)]
        known = [(value, label) for value, label in rows if value is not None]
        found += [(value.value, f"{code(label)} on {' '.join(column.split())}") for value, label in known]
        least = min((value for value, _ in known), key=lambda value: value.value, default=None)
        for value, label in known:
            if least is not None and value.overlaps(least):
                wins[label] = wins.get(label, 0) + 1
    if not found:
        return "Nothing was measured."
    tally = listed(f"{code(k)} on {v}" for k, v in sorted(wins.items(), key=lambda win: (-win[1], win[0])))
    (low, lowest), (high, highest) = min(found), max(found)
    squares = [square for row in grid.squares for square in row]
    marked = sum(square.record is not None and bool(marks_of(square.record)) for square in squares)
    absent = sum(square.status == "not_applicable" for square in squares)
    text = (
        f"Over {count(len(grid.columns), 'problem')}, the least {grid.quantity} of one draw at the best τ, or no shown "
        f"difference to it: {tally}. It ranges from {short(low, 2)}{unit} ({lowest}) to "
        f"{short(high, 2)}{unit} ({highest})."
    )
    text += f" {count(absent, 'pair')} {'does' if absent == 1 else 'do'} not apply." if absent else ""
    return text + (f" {count(marked, 'square')} {'is' if marked == 1 else 'are'} marked." if marked else "")


def draws_caption(draws: Mapping[str, Array]) -> str:
    """Return which draws spread most and least, who points backwards how often, and whose mean is shown to be off."""
    spreads = {label: spread_of(found) for label, found in draws.items() if len(found) > 1}
    if not spreads:
        return "There are no draws."
    by_width = sorted(spreads, key=lambda label: spreads[label].quantiles[4] - spreads[label].quantiles[0])
    ranges = [f"between {_range(spreads[name])} for {code(name)}" for name in {by_width[-1]: 0, by_width[0]: 0}]
    text = f"The middle 95 % of draws lie {' and '.join(ranges)} (1 is the exact gradient). "
    back = [f"{100 * s.negative:.0f} % of {code(label)}" for label, s in spreads.items() if s.negative >= 0.005]
    text += f"Against it point {listed(back)}. " if back else "Hardly any draw points against it. "
    off = [code(label) for label, s in spreads.items() if not s.mean.lower <= 1 <= s.mean.upper]
    return text + (f"The mean's interval excludes 1 for {listed(off)}." if off else "Every mean's interval holds 1.")


def _range(spread: Spread) -> str:
    low, high = (short(spread.quantiles[i], 2).replace("-", "−") for i in (0, 4))
    return f"{low} and {high}"


def _named(line: Line) -> str:
    return code(line.series.label)


def _mostly_bias(record: Record) -> bool:
    bias, mse = estimate(record, "bias_sq"), estimate(record, "mse")
    return bias is not None and mse is not None and bias.lower > 0.5 * mse.upper


def _changes(lines: Sequence[Line], name: str, relative: bool) -> str:
    """Return who grows, who falls and who shows no difference between the ends of a line."""
    grows: list[str] = []
    falls: list[str] = []
    flat: list[str] = []
    for line in lines:
        ends = [_relative(line.series.frame[i], name, relative) for i in (0, -1)]
        first, last = ends
        if first is None or last is None:
            continue
        if first.overlaps(last):
            flat.append(_named(line))
            continue
        more, less = (last, first) if last.value > first.value else (first, last)
        factor = ratio(more, less) if less.lower > 0 else None
        text = _named(line) + (f" ({times(factor)})" if factor is not None else "")
        (grows if more is last else falls).append(text)
    parts = [f"{verb} for {listed(names)}" for verb, names in (("grows", grows), ("falls", falls)) if names]
    return ", ".join([*parts, *([f"shows no difference for {listed(flat)}"] if flat else [])])


def _relative(record: Record, name: str, relative: bool) -> Estimate | None:
    found, scale = estimate(record, name), scale_of(record)
    return found if found is None or not relative or scale is None else found.over(scale)


def _leads(curves: Sequence[Curve], cost: str) -> str:
    """Return who leads at which budget of one kind, '' where nothing is known."""
    if not curves:
        return ""
    last = max(float(curve.budget[-1]) for curve in curves)
    crossings = crossings_of(curves)
    what = "time" if cost == "seconds" else "evaluations of f (backward = 2)"
    final = min((c for c in curves if c.budget[-1] == last), key=lambda curve: float(curve.mse[-1]))
    if not crossings:
        return f"Per {what}, {code(final.label)} has the least mse of an average up to {labelled_budget(last, cost)}."
    parts = [_lead(crossing, cost) for crossing in crossings[-3:]]
    head = f"Per {what}, {code(crossings[-3:][0].before)} has the least mse of an average up to {parts[0]}"
    return ", then ".join([head, *(f"up to {part}" for part in parts[1:])]) + "."


def _lead(crossing: Crossing, cost: str) -> str:
    """Return '12 us, from there on `rloo` (shown from 20 us on)'."""
    budget = labelled_budget(crossing.budget, cost)
    known = math.isfinite(crossing.upper)
    shown = f"shown from {labelled_budget(crossing.upper, cost)} on" if known else "a difference is not shown"
    return f"{budget} and {code(crossing.after)} from there on ({shown})"
