"""The page's sentences, computed from the counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..phrases import count, listed
from .cells import INTERVALS, LEAST, LEVEL, MOST, Cell, Judged, Rate, Verdict, comparisons, judged
from .marks import ANY, worths
from .verdicts import false_alarms, refuted

LEVELS = (0.05, 0.01, 0.001)
_POWER = 0.8


def summary(cells: Sequence[Cell]) -> list[dict[str, str]]:
    """Return what the counts say, as topics with a sentence or two each."""
    fixed = [cell for cell in cells if not cell.row["precision"]]
    topics = {
        "in all": _size(cells),
        "unmarked": _unmarked(cells),
        "marked": _marked(judged(cells)),
        "misled": _misled(cells),
        "marks": _marks(fixed),
        "false alarms": _false_alarms(fixed),
        "power": _power(fixed),
        "precision": _precision([cell for cell in cells if cell.row["precision"]]),
    }
    return [{"topic": topic, "text": text} for topic, text in topics.items() if text]


def _size(cells: Sequence[Cell]) -> str:
    rows = {id(cell.row): cell.row for cell in cells}.values()
    draws = [row["num_draws"] for row in rows]
    times = {row["replicates"] for row in rows}
    often = f"{min(times):,}" + (f" to {max(times):,}" if len(times) > 1 else "")
    return (
        f"{count(len(rows), 'case')}, N from {min(draws):,} to {max(draws):,}, each measured {often} times under other "
        f"seeds; {count(len(cells), 'interval')} held against exact values."
    )


def _unmarked(cells: Sequence[Cell]) -> str:
    found = [one for one in judged(cells) if one.verdict is not Verdict.MARKED]
    if not found:
        return ""
    held = [one.cell.held for one in found]
    said = [
        f"{count(len(found), 'interval')} in cases of which fewer than half of the replicates are marked cover "
        f"{_lowest(held)} to {_highest(held)}"
    ]
    for verdict, bound in (
        (Verdict.TOO_SHORT, f"under {100 * LEAST:g} %"),
        (Verdict.TOO_LONG, f"over {100 * MOST:g} %"),
    ):
        those = [one for one in found if one.verdict is verdict]
        said.append(
            f"{len(those) or 'none'} {'is' if len(those) == 1 else 'are'} shown to cover {bound}"
            + (f" ({listed(_named(those))})" if those else "")
        )
    return "; ".join(said) + f", at {100 * LEVEL:g} % over {comparisons(cells)} binomial tests (Bonferroni)."


def _marked(found: Sequence[Judged]) -> str:
    those = [one.cell for one in found if one.verdict is Verdict.MARKED]
    if not those:
        return "No case has half of its replicates marked."
    parts = []
    for interval, name in INTERVALS.items():
        held = [cell.held for cell in those if cell.interval == interval]
        if held:
            parts.append(f"{name} {_lowest(held)} to {_highest(held)}")
    return f"{count(len(those), 'interval')} in marked cases cover: {', '.join(parts)}."


def _misled(cells: Sequence[Cell]) -> str:
    worst = max(cells, key=lambda cell: cell.misled.value)
    return (
        "Who believes every unmarked interval and no marked one is wrong most often on "
        f"{worst.name}, {INTERVALS[worst.interval]}: in {worst.misled} of all measurements."
    )


def _marks(cells: Sequence[Cell]) -> str:
    any_mark = next(worth for worth in worths(cells) if worth.mark == ANY)
    return (
        f"Of measurements whose interval of the variance is shown to cover less than {100 * LEAST:g} %, "
        f"{any_mark.sensitivity} carry a mark (sensitivity); of the others {any_mark.false_marks} do (false marks)."
    )


def _false_alarms(cells: Sequence[Cell]) -> str:
    said = []
    for level in LEVELS:
        found = false_alarms(cells, level)
        if found:
            rates = [one.rate for one in found]
            pooled = Rate(sum(rate.count for rate in rates), sum(rate.trials for rate in rates))
            worst = max(found, key=lambda one: one.rate.value)
            where = f"{_fine(worst.rate)} at worst ({worst.cell.name})"
            said.append(f"at {100 * level:g} % in {_fine(pooled)} of measurements, {where}")
    return "An unbiased estimator in an unmarked case is called biased " + "; ".join(said) + "." if said else ""


def _power(cells: Sequence[Cell]) -> str:
    """Return the least bias of the grid that is found four times in five, for each shape of Normal noise."""
    found = [one for one in refuted(cells, LEVELS[0]) if one.cell.row["what"] == "normal"]
    found = [one for one in found if one.cell.row["num_draws"] == 1_000 and one.cell.row["along"] == "first"]
    shapes = dict.fromkeys((one.cell.row["dim"], one.cell.row["spectrum"]) for one in found)
    said = []
    for dim, spectrum in shapes:
        those = [one for one in found if (one.cell.row["dim"], one.cell.row["spectrum"]) == (dim, spectrum)]
        seen = [one for one in those if one.rate.value >= _POWER]
        if seen:
            least = min(seen, key=lambda one: one.cell.row["bias"])
            said.append(f"{least.cell.row['bias']:g} standard errors for D = {dim}, {spectrum} ({least.rate})")
    if not said:
        return ""
    return (
        f"At N = 1,000 of Normal draws a bias is found at {100 * LEVELS[0]:g} % in {100 * _POWER:g} % of measurements "
        f"or more, on the grid of this page, from {listed(said)}; a standard error is sqrt(variance / N), so that ten "
        "times the bias shows with a hundredth of the draws."
    )


def _precision(cells: Sequence[Cell]) -> str:
    those = [cell for cell in cells if cell.interval == "variance"]
    said = [
        f"{cell.name} {cell.held} (mean N {cell.row['draws'] / cell.row['replicates']:,.0f}, "
        f"{Rate(cell.row['capped'], cell.row['replicates'])} ended at their cap of {cell.row['num_draws']:,})"
        for cell in those
    ]
    return f"Measurements that end at a stated precision cover the variance: {'; '.join(said)}." if said else ""


def _named(found: Iterable[Judged]) -> list[str]:
    return [f"{one.cell.name}, {INTERVALS[one.cell.interval]}: {one.cell.held}" for one in found]


def _lowest(rates: Sequence[Rate]) -> str:
    return str(min(rates, key=lambda rate: rate.value))


def _highest(rates: Sequence[Rate]) -> str:
    return str(max(rates, key=lambda rate: rate.value))


def _fine(rate: Rate) -> str:
    return f"{100 * rate.value:.2f} %"
