"""The answer in words for one problem, computed from its records; what intervals do not show is not said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from . import ranking
from .frame import ORACLES, Frame, Record, temperature_of
from .numbers import of_gradient, short, times, with_interval
from .phrases import at, code, count, listed, marked, temperatures
from .ranking import Choice, TemperatureChoice
from .sentences import samples_caption
from .series import Series, fewest_samples, series_of
from .statistics import biased, estimate, evaluations, marks_of, ratio, relative_bias

FEW, MANY = 1, 100  # numbers of draws averaged, at which estimators are ranked


@dataclass(frozen=True)
class Finding:
    """One thing that the records of a problem say: a topic in two or three words, and sentences."""

    topic: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What the records of one problem say.

    Args:
        problem: its name.
        findings: in the order in which to read them.
        temperatures: for each estimator measured at several temperatures, the best one.
    """

    problem: str
    findings: tuple[Finding, ...]
    temperatures: tuple[TemperatureChoice, ...]


def answer(frame: Frame) -> Answer:
    """Return the answer for the records of one problem.

    Args:
        frame: all records of that problem, also those that do not apply or failed.
    """
    problem = str(frame[0]["problem"]) if len(frame) else ""
    choices = fewest_samples(frame).choices
    every = series_of(choices)
    chosen = ranking.temperature_choices(every, (FEW, MANY))
    texts = [
        ("Measured", _measured(frame)),
        ("Bias", _bias(choices, every)),
        ("One draw", _least(every, FEW)),
        (f"{MANY} draws", _least(every, MANY)),
        ("Without truth", _variance_only(choices, every)),
        ("Temperature", _temperature(chosen)),
        ("Samples", _samples(frame)),
        ("Cost", _cost(every)),
        ("Marks", _marks(frame)),
        ("Oracle", _oracle(frame)),
    ]
    return Answer(problem, tuple(Finding(topic, text) for topic, text in texts if text), chosen)


def _measured(frame: Frame) -> str:
    measured, missing = frame.ok, frame.not_ok
    if not len(measured):
        return f"Nothing was measured: {_statuses(missing) or 'there are no cells'}. The reasons stand further down."
    draws = [int(n) for n in measured.values("num_draws") if n is not None]
    size = f"{min(draws):,}" if len(draws) == 1 else f"{min(draws):,} to {max(draws):,}"
    first = measured[0]
    text = f"{count(len(measured), 'cell')} of N = {size} draws"
    text += f"; {_statuses(missing)}. " if len(missing) else ". "
    if first.get("bias_sq") is None:
        why = f" ({first['reason']})" if first.get("reason") else ""
        return text + f"The exact gradient is not known{why}, so bias and mse are not either."
    norm = first.get("gradient_norm")
    method = str(first.get("exact_method") or "an unnamed method").replace("_", " ")
    size = (
        f" with |∇| = {short(norm)}" if norm else " and is zero, so that numbers are in squared units of the gradient"
    )
    return text + f"The exact gradient comes from {method}{size}."


def _statuses(frame: Frame) -> str:
    groups = frame.group_by("status")
    return listed(f"{count(len(cells), 'cell')} {str(status).replace('_', ' ')}" for (status,), cells in groups.items())


def _bias(choices: Frame, every: Sequence[Series]) -> str:
    known = choices.where(lambda record: record.get("bias_sq") is not None)
    if not len(known):
        return ""
    verdicts = {id(record): verdict for record, verdict in zip(known, biased(known.records), strict=True)}
    shown, hidden, reversed_ = [], [], []
    for one in every:
        yes = [record for record in one.frame if verdicts.get(id(record)) is True]
        no = [record for record in one.frame if verdicts.get(id(record)) is False]
        if yes:
            shown.append(_where(one, yes) + _size(yes, "bias_sq", "up to "))
        if no:
            hidden.append(_where(one, no) + _size(no, "bias_sq_upper", "at most "))
        back = [record for record in yes if _points_back(record)]
        reversed_ += [_where(one, back)] if back else []
    sentences = []
    if shown:
        sentences.append(f"A bias is shown for {listed(shown)}.")
    if hidden:
        sentences.append(f"No bias is shown for {listed(hidden)}.")
    if reversed_:
        sentences.append(f"The mean points against the exact gradient (cosine below 0) for {listed(reversed_)}.")
    sentences.append(f"Shown means: at 5 % over these {count(len(known), 'cell')} together (Holm).")
    return " ".join(sentences)


def _where(one: Series, records: Sequence[Record]) -> str:
    every = [t for t in map(temperature_of, one.frame) if t is not None]
    return code(one.label) + temperatures([t for t in map(temperature_of, records) if t is not None], every)


def _size(records: Sequence[Record], name: str, word: str) -> str:
    sizes = [size for record in records if (size := relative_bias(record, name)) is not None]
    if not sizes:
        return ""
    return f" ({word if max(sizes) >= 1e-4 else ''}{of_gradient(max(sizes))})"


def _points_back(record: Record) -> bool:
    """Return whether the mean is known well, five standard errors, and has an angle over 90 degrees to the truth."""
    cosine, snr = record.get("cosine"), record.get("snr")
    if cosine is None or cosine >= 0 or snr is None:
        return False
    return float(snr) * math.sqrt(int(record["num_draws"])) > 5 and not marks_of(record)


def _least(every: Sequence[Series], draws: int) -> str:
    """Return who has the least mse of an average of n draws, who may be as good, and who loses to returning zero."""
    ranked = ranking.ranked(every, draws)
    if not ranked:
        return ""
    best, rest = ranked[0], ranked[1:]
    what = "one draw" if draws == 1 else f"an average of {draws} draws"
    unit = " |∇|²" if best.relative else ""
    text = f"{best.name} has the least mse of {what}: {with_interval(best.mse, unit)}{marked(best.record)}."
    text += _shrinks(best.record)
    if rest:
        text += " " + _followers(best, rest)
    if marks_of(best.record):
        honest = next((one for one in rest if not marks_of(one.record)), None)
        if honest is not None:
            text += f" The best without a mark is {honest.name} ({with_interval(honest.mse, unit)})."
    return text + (_against_zero(ranked, what) if best.relative else "")


def _followers(best: Choice, rest: Sequence[Choice]) -> str:
    equal = [one for one in rest if one.mse.overlaps(best.mse)]
    worse = [one for one in rest if not one.mse.overlaps(best.mse)]
    text = f"No difference is shown to {listed(one.name for one in equal)}. " if equal else ""
    if worse:
        factor = ratio(worse[0].mse, best.mse)
        more = f"{times(factor)} as much" if factor is not None else short(worse[0].mse.value)
        text += f"Next is {worse[0].name} with {more}{marked(worse[0].record)}."
    return text.strip()


def _against_zero(ranked: Sequence[Choice], what: str) -> str:
    """Return who is shown to do worse than the zero gradient, whose mse is |gradient|^2, at its best temperature."""
    worse = [one for one in ranked if one.mse.lower > 1]
    better = [one for one in ranked if one.mse.upper < 1]
    tuned = ", at its best τ," if any(temperature_of(one.record) is not None for one in ranked) else ""
    if not worse:
        return f" Every estimator{tuned} beats the zero gradient (mse = |∇|²)." if better == ranked else ""
    if len(worse) == len(ranked):
        return f" Not one beats the zero gradient (mse = |∇|²) with {what}: noise exceeds signal, average more draws."
    if len(worse) > len(better) and better:
        verb = "is" if len(better) == 1 else "are"
        return f" Only {listed(one.name for one in better)} {verb} shown to beat the zero gradient (mse = |∇|²)."
    return f" Worse than returning zero (mse = |∇|²){tuned.rstrip(',')}: {ranking.named(worse)}."


def _shrinks(record: Record) -> str:
    """Return a warning where a small mse comes from a mean that is much shorter than the exact gradient."""
    mean, norm = record.get("gradient_mean"), record.get("gradient_norm")
    if not mean or not norm or (record.get("bias_sq_lower") or 0.0) <= 0:
        return ""
    part = math.hypot(*mean) / float(norm)
    return f" It gets there by shrinking: its mean is {of_gradient(part)} long." if part < 0.5 else ""


def _variance_only(choices: Frame, every: Sequence[Series]) -> str:
    if not len(choices) or any(record.get("bias_sq") is not None for record in choices):
        return ""
    found = [(v, at(one.label, r), r) for one in every for r in one.frame if (v := estimate(r, "variance")) is not None]
    if not found:
        return ""
    best, name, record = min(found, key=lambda item: item[0].value)
    equal = [other for value, other, _ in found if other != name and value.overlaps(best)]
    text = f"{name} has the least variance of one draw: {with_interval(best)}{marked(record)}."
    text += f" No difference is shown to {listed(equal)}." if equal else ""
    return text + " A small variance alone is no merit: a biased estimator can have any."


def _temperature(chosen: Sequence[TemperatureChoice]) -> str:
    few = [one for one in chosen if one.draws == FEW and one.loss is not None]
    if not few:
        return ""
    flat = [one for one in few if not one.matters]
    text = ""
    worst = max((one for one in few if one.matters), key=lambda one: one.loss or 0.0, default=None)
    if worst is not None and worst.loss is not None:
        text = (
            f"The costliest wrong temperature of this grid: {code(worst.label)} at τ = {worst.worst} instead of "
            f"{worst.best} has {times(worst.loss)} the mse of one draw. "
        )
    moved = _moved(chosen)
    if moved:
        text += f"Averaging {MANY} draws moves the best τ of {listed(moved)}: bias then weighs more than variance. "
    if flat:
        text += f"No difference between temperatures is shown for {listed(code(one.label) for one in flat)}."
    return text.strip()


def _moved(chosen: Sequence[TemperatureChoice]) -> list[str]:
    """Return the estimators whose best temperatures for few and for many draws have none in common."""
    many = {one.label: one for one in chosen if one.draws == MANY}
    few = [one for one in chosen if one.draws == FEW and one.label in many and one.matters and many[one.label].matters]
    return [
        f"{code(one.label)} from {one.best} to {many[one.label].best}"
        for one in few
        if not {one.best, *one.equal} & {many[one.label].best, *many[one.label].equal}
    ]


def _samples(frame: Frame) -> str:
    """Return what more samples in one draw do, where they were measured; all other findings are at the least S."""
    several = any(len(mine.values("num_samples")) > 1 for mine in frame.choices.group_by("estimator").values())
    return f"{samples_caption(frame)} All else here is at each estimator's least S." if several else ""


def _cost(every: Sequence[Series]) -> str:
    timed = ranking.by_time(every)
    sentences = []
    if timed:
        fastest, slowest = timed[0], timed[-1]
        sentences.append(f"Cheapest per draw: {code(fastest.label)} ({fastest.text}).")
        if len(timed) > 1 and slowest.seconds > 1.2 * fastest.seconds:
            sentences.append(f"{code(slowest.label)} takes {times(slowest.seconds / fastest.seconds)} as long.")
    several = [(one.label, evaluations(one.frame[0])) for one in every]
    known = [(label, number) for label, number in several if number is not None]
    numbers = sorted({number for _, number in known})
    if len(numbers) > 1:
        groups = [(number, [code(label) for label, n in known if n == number]) for number in numbers]
        largest = max(groups, key=lambda group: len(group[1]))
        if len(largest[1]) > 2:
            groups = [group for group in groups if group is not largest] + [(largest[0], ["the others"])]
        parts = [f"{number:g} for {listed(names)}" for number, names in groups]
        sentences.append(f"Evaluations of f per draw, values plus slopes: {', '.join(parts)}.")
    steady = ranking.steadiest(every)
    if steady is not None:
        sentences.append(steady)
    return " ".join(sentences)


def _marks(frame: Frame) -> str:
    by_mark: dict[str, list[str]] = {}
    for one in series_of(frame.choices):
        for mark in dict.fromkeys(mark for record in one.frame for mark in marks_of(record)):
            cells = [record for record in one.frame if mark in marks_of(record)]
            by_mark.setdefault(mark, []).append(_where(one, cells))
    parts = [f"{mark.replace('_', ' ')}: {listed(names)}" for mark, names in by_mark.items()]
    return f"Intervals not to be relied on: {'; '.join(parts)}." if parts else ""


def _oracle(frame: Frame) -> str:
    rows = frame.ok.where(lambda record: record["estimator"] in ORACLES)
    if not len(rows):
        return ""
    values = rows[0].get("cost_values_per_draw")
    cost = f" for {count(int(values), 'value')} of f" if values is not None else ""
    return f"{code(str(rows[0]['estimator']))} sums over all outcomes{cost}: exact, shown for scale, never ranked."
