"""Sentences about rows, computed from their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ..numbers import p_value, short
from ..phrases import count, listed
from .lines import Line, Numbers, Verdict, lines_of, with_verdict

MEANT_FOR = "AVX-512"
NOISE_THERE = 0.16  # of numpy's time, in the prototype
LEAST_SHARE = 0.005  # that is told of
SEVERAL = 1.2  # times the other's cores: more than one
_REST = "noise, points and gradient"
_NAMES = {"cost": "f", "moments": "the moments", "the rest": _REST}


def reach(line: Line) -> str:
    """Return what is to be reached: '>= 8', '<= 0.4'."""
    return f"{'≤' if line.row['most'] else '≥'} {line.row['reach']:,g}"


def ratio(line: Line) -> str:
    """Return the measured ratio with its interval, without one where it was measured once, '' where not at all."""
    found = line.ratio
    if found is None:
        return ""
    value, lower, upper = (_three(end) for end in (found.value, found.lower, found.upper))
    return value if line.found and line.found["rounds"] == 1 else f"{value} [{lower}, {upper}]"


def _median(line: Line) -> str:
    return "" if line.ratio is None else _three(line.ratio.value)


def _three(number: float) -> str:
    """Return a number with three digits, '1.16' or '27,400'."""
    return short(number) if number < 100 else f"{float(f'{number:.3g}'):,.0f}"


def cost(line: Line, whose: str) -> str:
    """Return what a side costs: nanoseconds of a draw, or megabytes."""
    if line.found is None:
        return ""
    value = line.found[whose]
    if line.row["unit"] == "bytes":
        return f"{value / 1e6:,.0f} MB"
    return f"{short(value * 1e9)} ns" if value < 1e-7 else f"{value * 1e9:,.0f} ns"


def agreement(line: Line) -> str:
    """Return how the statistics of both sides compare: with p-values of the means and of the trace, corrected."""
    if line.found is None:
        return ""
    if line.found["equal"] is not None:
        return "equal to the bit" if line.found["equal"] else "not equal"
    compared = line.found["agreement"]
    if compared is None:
        return "none to compare"
    verb = "agree" if compared["agrees"] else "differ"
    return f"{verb}: p = {p_value(compared['p_mean'])} and {p_value(compared['p_trace'])}"


def reason(line: Line) -> str:
    """Return why a row is skipped, wrong, or not reached, as far as it was measured, and what else was."""
    verdict = line.verdict
    if verdict is Verdict.SKIPPED:
        return str(line.row["skipped"])
    assert line.found is not None
    if verdict is Verdict.DISAGREES:
        return _difference(line)
    said = [] if line.is_clear else ["the interval holds what is to be reached"]
    if verdict is Verdict.NOT_REACHED and line.found["parts"]:
        said.append(_where(line))
    return "; ".join([*said, *filter(None, [line.found["note"], _together(line)])])


def _together(line: Line) -> str:
    """Return what of two cores' work is lost where our side has them both: its cores over theirs, over the ratio."""
    assert line.found is not None
    cores = line.found["cores"]
    if line.verdict is not Verdict.NOT_REACHED or cores is None or cores[0] < SEVERAL * cores[1]:
        return ""
    assert line.ratio is not None
    more = cores[0] / cores[1] / line.ratio.value - 1
    return f"together they took {100 * more:.0f} % more processor time for a draw"


def _difference(line: Line) -> str:
    assert line.found is not None
    compared = line.found["agreement"]
    if compared is None:
        return "the bits of both sides differ"
    ours, theirs = compared["trace"]
    return (
        f"means or traces differ at the level {compared['level']:g}: trace {short(ours, 4)} by ours, "
        f"{short(theirs, 4)} by the other"
    )


def _where(line: Line) -> str:
    """Return where the time of our draws goes, and what would be left without the largest part."""
    assert line.found is not None
    parts, of = line.found["parts"], sum(line.found["parts"].values())
    shares = sorted(((seconds / of, part) for part, seconds in parts.items()), reverse=True)
    said = listed([f"{100 * share:.0f} % in {_NAMES[part]}" for share, part in shares if share >= LEAST_SHARE])
    share, part = shares[0]
    assert line.ratio is not None
    without = line.ratio.value * (1 - share) if line.row["most"] else line.ratio.value / (1 - share)
    return f"of our time {said}; with {_NAMES[part]} for nothing the ratio would be {short(without, 2)}"


def findings(numbers: Numbers) -> list[dict[str, str]]:
    """Return what the table says, as topics with a sentence or two each."""
    lines = lines_of(numbers)
    topics = {
        "reached": _those(lines, Verdict.REACHED),
        "not reached": _those(lines, Verdict.NOT_REACHED),
        "wrong": _those(lines, Verdict.DISAGREES),
        "skipped": _those(lines, Verdict.SKIPPED),
        "machine": _machine(numbers),
        "statistics": _statistics(lines),
    }
    return [{"topic": topic, "text": text} for topic, text in topics.items() if text]


def headline(numbers: Numbers) -> str:
    """Return one sentence about all rows."""
    lines = lines_of(numbers)
    reached = len(with_verdict(lines, Verdict.REACHED))
    return f"{reached} of {count(len(lines), 'row')} {'is' if reached == 1 else 'are'} reached"


def _those(lines: Sequence[Line], verdict: Verdict) -> str:
    those = with_verdict(lines, verdict)
    if not those:
        return ""
    of = f"{len(those)} of {count(len(lines), 'row')}"
    if verdict is Verdict.SKIPPED:
        return f"{of}: {listed([line.name for line in those], len(those))}."
    said = listed([f"{line.name} {_median(line)} ({reach(line)})" for line in those], len(those))
    return f"{of}, the median ratio and in brackets what is to be reached: {said}."


def _machine(numbers: Numbers) -> str:
    """Return how far the processor is from the one that the ratios are meant for."""
    vectors, noise = numbers["vectors"], numbers["noise"]
    said = [f"The ratios to reach are meant for a processor with {MEANT_FOR}"]
    if vectors:
        said.append(", as this is one." if vectors == MEANT_FOR else f"; this one has {vectors}, narrower vectors.")
    else:
        said.append("; whether this is one is not known.")
    if noise:
        value, lower, upper = (short(noise[end], 2) for end in ("value", "lower", "upper"))
        said.append(
            f" An exponential of the kernels takes {value} [{lower}, {upper}] of the time of numpy's, which uses no "
            f"vectors; it took {NOISE_THERE} where the ratios were set."
        )
    return "".join(said)


def _statistics(lines: Sequence[Line]) -> str:
    compared = [line for line in lines if line.found and line.found["agreement"]]
    equal = [line for line in lines if line.found and line.found["equal"]]
    said = []
    if compared:
        agree = sum(line.found["agreement"]["agrees"] for line in compared if line.found)
        level = next(line.found["agreement"]["level"] for line in compared if line.found)
        said.append(
            f"In {agree} of {count(len(compared), 'row')} with an opponent the mean of every entry and the trace of "
            f"the covariance agree (Welch tests, at {level:g} for all entries of a row together)."
        )
    if equal:
        said.append(f"In {count(len(equal), 'row')} both sides are equal to the bit.")
    return " ".join(said)


def caption(lines: Sequence[Line]) -> str:
    """Return the figure's sentence."""
    shown = [line for line in lines if line.found]
    reached = sum(line.verdict is Verdict.REACHED for line in shown)
    return (
        f"Each ratio over what it is to reach, or what it may be at most over the ratio: right of the dashed line is "
        f"reached, {reached} of {count(len(shown), 'row')}. Dots are medians over rounds, bars 95 % intervals; hollow "
        "dots are not reached, crosses are sides whose statistics differ. At the right the ratio, its interval and "
        "what is to be reached."
    )
