"""The answer across problems in a few sentences, computed from all records of a study."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from ..bench.records import literal
from . import ranking
from .frame import Frame, Record, temperature_of
from .numbers import of_gradient, short, times
from .phrases import code, count, listed
from .series import Series, fewest_samples, series_of
from .sizes import Sweep, standing_alone, sweeps
from .statistics import biased, marks_of, relative_bias
from .sweep import SCALINGS, Scaling, lines_of, scaling
from .words import FEW, MANY, Finding


def summary(records: Sequence[Record] | Frame) -> list[Finding]:
    """Return up to ten findings on all problems together, the most general first.

    Problems that are only points of a sweep over sizes are told of as that sweep; estimators are ranked at their
    least number of samples.
    """
    frame = Frame.of(records)
    alone = standing_alone(frame)
    together = [cells.choices for cells in alone.group_by("problem").values() if len(cells.choices)]
    problems = [fewest_samples(cells) for cells in together]
    every = [series_of(cells) for cells in problems]
    texts = [
        ("Measured", _measured(frame)),
        ("One draw", _least(every, FEW)),
        (f"{MANY} draws", _least(every, MANY)),
        ("Noise", _signal(every)),
        ("Bias", _bias(problems)),
        ("Temperature", _temperature(every)),
        ("Samples", _samples(together)),
        ("Size", _sizes(sweeps(frame))),
        ("Cost", _cost(every)),
        ("Marks", _marks(frame)),
    ]
    return [Finding(topic, text) for topic, text in texts if text]


def _measured(frame: Frame) -> str:
    if not len(frame):
        return "There are no cells: nothing was measured."
    statuses = Counter(str(record["status"]) for record in frame)
    parts = [f"{count(statuses.pop('ok', 0), 'cell')} measured"]
    parts += [f"{number:,} {status.replace('_', ' ')}" for status, number in sorted(statuses.items())]
    what = f"{count(len(frame.values('problem')), 'problem')}, {count(len(frame.values('estimator')), 'estimator')}"
    return f"{what}: {listed(parts)}."


def _least(every: Sequence[Sequence[Series]], draws: int) -> str:
    """Return who has the least mse of an average of n draws how often, and whether the leaders are biased."""
    rankings = [found for series in every if (found := ranking.ranked(series, draws))]
    if not rankings:
        return ""
    wins = Counter(one.label for found in rankings for one in ranking.winners(found))
    ordered = sorted(wins.items(), key=lambda win: (-win[1], win[0]))
    tally = listed(f"{code(name)} on {number}" for name, number in ordered)
    leaders = sum((found[0].record.get("bias_sq_lower") or 0.0) > 0 for found in rankings)
    what = "one draw" if draws == 1 else f"an average of {draws} draws"
    return (
        f"Over {count(len(rankings), 'problem')}, the least mse of {what}, or no shown difference to it: {tally}. "
        f"The leader's bias² interval excludes 0 on {leaders or 'none'} of them."
    )


def _signal(every: Sequence[Sequence[Series]]) -> str:
    """Return how often one draw is worth less than the zero gradient."""
    rankings = [found for series in every if (found := ranking.ranked(series, FEW)) and found[0].relative]
    if not rankings:
        return ""
    lost = sum(all(one.mse.lower > 1 for one in found) for found in rankings)
    cells = [one for found in rankings for one in found]
    worse = sum(one.mse.lower > 1 for one in cells)
    text = (
        f"In {worse} of {len(cells)} pairs of problem and estimator, one draw is shown to be further from the exact "
        "gradient than zero is (mse above |∇|²), even at the best temperature"
    )
    return text + (f"; on {count(lost, 'problem')} that holds for every estimator." if lost else ".")


def _bias(problems: Sequence[Frame]) -> str:
    """Return who is nowhere shown to be biased, how sharply that is known, and at which temperatures the others are."""
    shown: dict[str, dict[float | None, int]] = {}
    limits: dict[str, list[float]] = {}
    cells_of: Counter[str] = Counter()
    for cells in problems:
        known = cells.where(lambda record: record.get("unbiased_p") is not None)
        cells_of.update(record["estimator"] for record in known)
        for record, verdict in zip(known, biased(known.records), strict=True):
            name, limit = record["estimator"], relative_bias(record, "bias_sq_upper")
            at = shown.setdefault(name, {})
            at[temperature_of(record)] = at.get(temperature_of(record), 0) + bool(verdict)
            limits.setdefault(name, []).extend([limit] if limit is not None else [])
    if not shown:
        return "No exact gradient is known, so nothing is said about bias." if problems else ""
    clean = [name for name in shown if not any(shown[name].values())]
    texts = []
    if clean:
        parts = [
            code(name) + (f" (at most {of_gradient(max(limits[name]))})" if limits[name] else "") for name in clean
        ]
        texts.append(f"No bias is shown on any problem for {listed(parts)}.")
    parts = []
    for name in (name for name in shown if name not in clean):
        free = sorted(t for t, number in shown[name].items() if number == 0 and t is not None)
        never = f", never at τ = {listed(map(literal, free))}" if free else ""
        parts.append(f"{code(name)} in {sum(shown[name].values())} of {count(cells_of[name], 'cell')}{never}")
    if parts:
        texts.append(f"A bias is shown for {'; '.join(parts)}.")
    return " ".join(texts)


def _temperature(every: Sequence[Sequence[Series]]) -> str:
    """Return how far the best temperature moves between problems, and what a wrong one costs."""
    chosen = [one for series in every for one in ranking.temperature_choices(series, (FEW, MANY))]
    few = [one for one in chosen if one.draws == FEW and one.matters and one.loss is not None]
    if not few:
        return ""
    losses = [one.loss or 0.0 for one in few]
    text = (
        f"The worst temperature of a grid has {times(statistics.median(losses))} the one-draw mse of the best in the "
        f"median over estimators and problems, and up to {times(max(losses))}. "
    )
    low = sum(_lower(chosen, one) for one in few)
    pairs = sum(one.draws == MANY for one in chosen)
    if low:
        text += (
            f"For {MANY} averaged draws the best temperature is lower than for one draw in {low} of {pairs} cases, "
            "because averaging removes variance and leaves bias. "
        )
    edge = sum(one.edge for one in few)
    if edge:
        text += (
            f"In {edge} of {len(few)} cases the best τ for one draw is an end of the grid: a better one may lie beyond."
        )
    return text.strip()


def _lower(chosen: Sequence[ranking.TemperatureChoice], few: ranking.TemperatureChoice) -> bool:
    position = chosen.index(few)
    many = next(one for one in chosen[position:] if one.label == few.label and one.draws == MANY)
    return float(many.best) < float(few.best) and many.best not in few.equal


def _samples(problems: Sequence[Frame]) -> str:
    """Return for whom more samples in one draw do more, or less, than averaging independent draws would."""
    found: dict[str, list[Scaling]] = {}
    several = 0
    for cells in problems:
        lines = [line for line in lines_of(cells, "num_samples") if line.x[0] < line.x[-1]]
        several += bool(lines)
        for line in lines:
            one = scaling(line)
            if one is not None:
                found.setdefault(line.series.estimator, []).append(one)
    if not found:
        return ""
    parts = []
    for word in SCALINGS:
        names = {name: [one.gain for one in every if one.word == word] for name, every in found.items()}
        gains = word in ("falls faster than 1/S", "falls more slowly than 1/S")
        texts = [
            f"{code(name)} in {len(here)} of {len(found[name])}"
            + (f" (at the largest S {short(statistics.median(here), 2)} times what averaging gains)" if gains else "")
            for name, here in names.items()
            if here
        ]
        parts += [f"it {word} for {listed(texts)}"] if texts else []
    return (
        f"On {count(several, 'problem')} measured at several S, how the variance of one draw depends on S: "
        f"{'; '.join(parts)}. Where it falls as 1/S, one draw with S samples is worth S averaged draws, no more."
    )


def _sizes(found: Sequence[Sweep]) -> str:
    """Return who has the least mse of one draw at the least and at the largest size of each sweep."""
    texts = [text for sweep in found if (text := _along(sweep))]
    return f"The least mse of one draw: {'; '.join(texts)}." if texts else ""


def _along(sweep: Sweep) -> str:
    by_size = sweep.frame.group_by(sweep.along).items()
    rankings = [(size, ranking.ranked(series_of(fewest_samples(cells).choices), FEW)) for (size,), cells in by_size]
    known = [(size, ranked) for size, ranked in rankings if ranked]
    if len(known) < 2:
        return ""
    (low, first), (high, last) = known[0], known[-1]
    before, after = ranking.winners(first), ranking.winners(last)
    both = [one for one in before if one.label in {other.label for other in after}]
    change = f"stays with {ranking.named(both)}"
    if not both:
        change = f"passes from {ranking.named(before)} to {ranking.named(after)}"
    unit = " |∇|²" if first[0].relative and last[0].relative else ""
    least, most = (short(ranked[0].mse.value, 2) + unit for ranked in (first, last))
    what = code(sweep.title.removesuffix(f" by {sweep.along}"))
    span = f"from {sweep.along} = {literal(low)} to {literal(high)}"
    return f"on {what}, {span}, it {change} and moves from {least} to {most}"


def _cost(every: Sequence[Sequence[Series]]) -> str:
    """Return how much longer than the cheapest one an estimator's draw takes, over all problems."""
    factors: dict[str, list[float]] = {}
    for series in every:
        timed = ranking.by_time(series)
        for one in timed:
            factors.setdefault(one.label, []).append(one.seconds / timed[0].seconds if timed[0].seconds > 0 else 1.0)
    if len(factors) < 2:
        return ""
    middle = {label: statistics.median(found) for label, found in factors.items()}
    ordered = sorted(middle, key=lambda label: middle[label])
    dear = ordered[-1]
    least, most = min(factors[dear]), max(factors[dear])
    span = times(most) if most < 1.05 * least else f"{short(least, 2)} to {times(most)}"
    return (
        f"Per draw {code(ordered[0])} is the cheapest in the median over problems; {code(dear)} the dearest, {span} "
        "as long as the cheapest."
    )


def _marks(frame: Frame) -> str:
    marked = [record for record in frame.choices if marks_of(record)]
    if not marked:
        return ""
    kinds = Counter(mark.replace("_", " ") for record in marked for mark in marks_of(record))
    parts = listed(f"{kind} {number}" for kind, number in sorted(kinds.items()))
    verb = "carries" if len(marked) == 1 else "carry"
    return f"{count(len(marked), 'measured cell')} {verb} a mark ({parts}): no interval there is to be relied on."
