"""Sentences under figures, and their text alternatives: what a figure shows, computed from its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..bench.records import literal
from .aims import aim_caption
from .decision_sentences import front_caption, optimum_caption
from .draws import Array
from .frame import Frame, Record, temperature_of
from .numbers import times
from .phrases import code, count, listed, temperatures
from .sentences import cost_caption, dimension_caption, draws_caption, heatmap_caption, samples_caption
from .series import Series, fewest_samples, series_of
from .statistics import Estimate, biased, estimate, mse_at, ratio, scale_of


def temperature_caption(frame: Frame) -> str:
    """Return what bias and variance against temperature show for one problem."""
    frame = fewest_samples(frame)
    every = [one for one in series_of(frame.choices) if one.has_temperature and len(one.frame) > 1]
    if not every:
        return _spread(frame)
    lowest, highest = ([literal(_tau(one, i)) for one in every] for i in (0, -1))
    same = len(set(lowest)) == len(set(highest)) == 1
    span = f"From τ = {lowest[0]} to {highest[0]}" if same else "From the lowest to the highest τ"
    changes = [_change(every, name) for name in ("variance", "bias_sq")]
    texts = [f"{quantity} {change}" for quantity, change in zip(("variance", "bias²"), changes, strict=True) if change]
    shown = f"{span}, {'; '.join(texts)}." if texts else f"{span}, no difference is shown."
    return " ".join(filter(None, [shown, aim_caption(frame)]))


def plane_caption(frame: Frame) -> str:
    """Return what the bias-variance plane shows for one problem: its lower left front, and who is below mse = 1."""
    cells = fewest_samples(frame).choices.where(lambda record: mse_at(record) is not None)
    if not len(cells):
        return "Without the exact gradient there is no bias and no plane."
    every = series_of(cells)
    front = [(one, chosen) for one in every if (chosen := [r for r in one.frame if not _dominated(r, cells)])]
    text = f"No other cell has both less bias² and less variance than {listed(_where(*pair) for pair in front)}."
    if all(scale_of(record) is not None for record in cells):
        below = [r for r in cells if (mse := mse_at(r)) is not None and mse.upper < (scale_of(r) or 0.0)]
        some = {0: "None", 1: "One"}.get(len(below), f"{len(below)}")
        verb = "are" if len(below) > 1 else "is"
        text += f" {some} of {count(len(cells), 'cell')} {verb} shown to lie below mse = |∇|², the zero gradient."
    return text


def description(frame: Frame, kind: str) -> str:
    """Return a figure's text alternative: what is drawn, and for which estimators."""
    names = listed([one.label for one in series_of(frame, ())], most=20) or "no estimator"
    drawn, caption = DRAWN[kind]
    return f"{drawn}, for {names}. {caption(frame)}".replace("`", "")


def draws_description(draws: Mapping[str, Array]) -> str:
    """Return the text alternative of a figure of draws."""
    drawn = "Mirrored histograms of gradient draws projected on the exact gradient, with quantiles and 95 % intervals"
    return f"{drawn} of the means, for {listed(list(draws), most=20)}. {draws_caption(draws)}".replace("`", "")


# kind -> (what is drawn, the sentence under it)
DRAWN: dict[str, tuple[str, Callable[[Frame], str]]] = {
    "temperature": (
        "Squared bias above and variance below, against temperature, on logarithmic axes with 95 % intervals",
        temperature_caption,
    ),
    "plane": (
        "Variance against squared bias on logarithmic axes with 95 % intervals and lines of equal mse",
        plane_caption,
    ),
    "samples": (
        "Variance above and mean squared error below, against the number of samples in one draw, on logarithmic axes "
        "with 95 % intervals",
        samples_caption,
    ),
    "dimension": (
        "Squared bias above and variance below, against the dimension of the problem, on logarithmic axes with 95 % "
        "intervals",
        dimension_caption,
    ),
    "cost": (
        "Mean squared error of an average against the time, and below against the evaluations of f, that it may "
        "take, on logarithmic axes with 95 % bands",
        cost_caption,
    ),
    "optimum": (
        "The best temperature against the number of draws that are averaged, on logarithmic axes, with bars over the "
        "temperatures that are not shown to be worse",
        optimum_caption,
    ),
    "front": (
        "Squared bias against variance times cost of a draw, on logarithmic axes with 95 % intervals and rings round "
        "the cells that no other beats in both",
        front_caption,
    ),
    "heatmap": (
        "A table of colours with numbers, estimators in rows and problems in columns: the mean squared error of one "
        "draw at the best temperature",
        heatmap_caption,
    ),
}


def _tau(one: Series, position: int) -> float | None:
    return temperature_of(one.frame[position])


def _change(every: Sequence[Series], name: str) -> str:
    """Return who falls and who rises between the ends of the temperature axis, where the intervals show it."""
    falls, rises, flat = [], [], []
    for one in every:
        first, last = estimate(one.frame[0], name), estimate(one.frame[-1], name)
        if first is None or last is None:
            continue
        if first.overlaps(last):
            flat.append(code(one.label))
        elif last.value < first.value:
            falls.append(code(one.label) + _factor(first, last))
        else:
            rises.append(code(one.label) + _factor(last, first))
    parts = [f"{verb} for {listed(names)}" for verb, names in (("falls", falls), ("rises", rises)) if names]
    if flat and (parts or name == "variance"):
        parts.append(f"shows no difference for {listed(flat)}")
    return ", ".join(parts)


def _factor(more: Estimate, less: Estimate) -> str:
    factor = ratio(more, less)
    return f" ({times(factor)})" if factor is not None and less.lower > 0 else ""


def _spread(frame: Frame) -> str:
    """Return the spread of variances where there is no temperature, and whether any bias is shown."""
    cells = frame.choices
    found = [
        (v, code(one.label))
        for one in series_of(cells)
        for r in one.frame
        if (v := estimate(r, "variance")) is not None
    ]
    if not found:
        return "Nothing was measured."
    least, most = min(found, key=lambda item: item[0].value), max(found, key=lambda item: item[0].value)
    factor = ratio(most[0], least[0])
    text = "The variances show no difference." if len(found) > 1 else f"The only estimator is {least[1]}."
    if len(found) > 1 and not least[0].overlaps(most[0]):
        much = f"{times(factor)} as much as" if factor is not None else "more than"
        text = f"{most[1]} has the largest variance, {much} {least[1]}, which has the least."
    verdicts = biased(cells.records)
    if all(verdict is None for verdict in verdicts):
        return text + " The bias is not known."
    shown = [one.label for one in series_of(cells) for r in one.frame if verdicts[_index(cells, r)]]
    return text + (f" A bias is shown for {listed(map(code, shown))}." if shown else " No bias is shown for any.")


def _index(cells: Frame, record: Record) -> int:
    return next(i for i, other in enumerate(cells) if other is record)


def _where(one: Series, records: Sequence[Record]) -> str:
    every = [t for t in map(temperature_of, one.frame) if t is not None]
    return code(one.label) + temperatures([t for t in map(temperature_of, records) if t is not None], every)


def _dominated(record: Record, cells: Frame) -> bool:
    """Return whether another cell has less variance and no more bias; a bias that is not shown counts as none."""
    bias, variance = _shown_bias(record), float(record["variance"])
    return any(float(o["variance"]) < variance and _shown_bias(o) <= bias for o in cells if o is not record)


def _shown_bias(record: Record) -> float:
    return float(record["bias_sq"]) if (record.get("bias_sq_lower") or 0.0) > 0 else 0.0
