"""Comparing two stores, or two estimators, cell by cell: ratios, adjusted for their number, and thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..statistics import LEVEL, Estimate, holm
from .cells import Cell, Pair, Side, matched
from .ratios import Ratio, geometric_mean, ratio_of


@dataclass(frozen=True)
class Row:
    """One number of one pair of cells.

    Args:
        pair: the cells of A and B.
        metric: one of ``ratios.METRICS``.
        ratio: B / A.
        p: p-value of "the ratio is 1"; None where there is no ratio.
        p_adjusted: the same, adjusted for the number of comparisons.
    """

    pair: Pair
    metric: str
    ratio: Ratio
    p: float | None
    p_adjusted: float | None

    @property
    def shown(self) -> bool:
        """Whether a difference is shown, at 5 % over all comparisons together."""
        return self.ratio.tested and self.p_adjusted is not None and self.p_adjusted <= LEVEL


@dataclass(frozen=True)
class Skipped:
    """A pair that cannot be compared, and why."""

    pair: Pair
    reason: str

    @property
    def lost(self) -> bool:
        """Whether A was measured and B failed."""
        return self.pair[0].record["status"] == "ok" and self.pair[1].record["status"] == "failed"


@dataclass(frozen=True)
class Comparison:
    """What there is to say about A and B.

    Args:
        a: one side.
        b: the other.
        metrics: what was compared, in this order.
        pairs: all matched cells.
        rows: each metric of each measured pair, metric by metric.
        skipped: matched cells of which one was not measured.
        only_a: cells of A without a partner.
        only_b: cells of B without a partner.
    """

    a: Side
    b: Side
    metrics: Sequence[str]
    pairs: Sequence[Pair]
    rows: Sequence[Row]
    skipped: Sequence[Skipped]
    only_a: Sequence[Cell]
    only_b: Sequence[Cell]

    def of(self, metric: str) -> list[Row]:
        """Return the rows of one metric."""
        return [row for row in self.rows if row.metric == metric]

    def geometric_mean(self, metric: str) -> tuple[Estimate | None, int]:
        """Return the geometric mean of a metric's ratios with its 95 % interval, and their number."""
        ratios = [row.ratio for row in self.of(metric)]
        return geometric_mean(ratios), sum(ratio.tested for ratio in ratios)


def compare(a: Side, b: Side, metrics: Sequence[str] = ("variance",)) -> Comparison:
    """Compare two sides cell by cell.

    p-values are adjusted over all comparisons, of all metrics together (Holm 1979, Scand. J. Statistics 6).

    Args:
        a: what is compared with.
        b: what is compared; ratios are B / A.
        metrics: of ``ratios.METRICS``.
    """
    pairs, only_a, only_b = matched(a, b)
    measured = [pair for pair in pairs if all(cell.record["status"] == "ok" for cell in pair)]
    found = [(pair, metric, _ratio(pair, metric)) for metric in metrics for pair in measured]
    raw = [ratio.p() for *_, ratio in found]
    positions = [i for i, (*_, ratio) in enumerate(found) if ratio.tested]
    adjusted = dict(zip(positions, holm([raw[i] or 0.0 for i in positions]), strict=True))
    rows = [Row(*parts, raw[i], adjusted.get(i, raw[i])) for i, parts in enumerate(found)]
    skipped = [Skipped(pair, reason) for pair in pairs if (reason := _reason(pair))]
    return Comparison(a, b, tuple(metrics), pairs, rows, skipped, only_a, only_b)


def _ratio(pair: Pair, metric: str) -> Ratio:
    x, y = pair
    return ratio_of(x.record, y.record, x.replicates, y.replicates, metric)


def _reason(pair: Pair) -> str:
    """Return why a pair is not compared, once where both have one reason; '' where both were measured."""
    reasons = {
        side: f"{cell.record['status'].replace('_', ' ')}: {cell.record.get('reason') or 'no reason given'}"
        for side, cell in zip("AB", pair, strict=True)
        if cell.record["status"] != "ok"
    }
    if len(reasons) == 2 and len(set(reasons.values())) == 1:
        return f"both {reasons['A']}"
    return "; ".join(f"{side} {reason}" for side, reason in reasons.items())


@dataclass(frozen=True)
class Rule:
    """A threshold: the comparison fails where a ratio is shown to lie beyond it.

    Args:
        metric: one of ``ratios.METRICS``.
        above: whether a ratio above the threshold fails, else one below it.
        threshold: a positive number.
    """

    metric: str
    above: bool
    threshold: float

    def __str__(self) -> str:
        return f"{self.metric}{'>' if self.above else '<'}{self.threshold:g}"

    def crossed(self, ratio: Ratio) -> bool:
        """Return whether the ratio itself, without its interval, lies beyond."""
        if ratio.log is None:  # zero on one side alone is beyond every threshold
            return ratio.a is not None and ratio.b is not None and (ratio.b > 0) == self.above
        beyond = ratio.log - math.log(self.threshold)
        return (beyond > 0) == self.above and beyond != 0


def failures(comparison: Comparison, rules: Sequence[Rule]) -> dict[Rule, list[Row]]:
    """Return for each rule the rows that are shown to lie beyond its threshold.

    Each row and rule is a test of "the ratio is the threshold", which at one row fails where the end of the 95 %
    interval lies beyond; over several rows and rules its p-values are adjusted (Holm). Where all true ratios keep to
    the thresholds, a run fails in at most 2.5 % of cases, one that lies on the right side being no failure.
    """
    cases = [(rule, row) for rule in rules for row in comparison.of(rule.metric)]
    tested = [(rule, row) for rule, row in cases if row.ratio.tested]
    adjusted = holm([row.ratio.p(rule.threshold) or 0.0 for rule, row in tested])
    shown = {(rule, id(row)) for (rule, row), p in zip(tested, adjusted, strict=True) if p <= LEVEL}

    def fails(rule: Rule, row: Row) -> bool:
        return rule.crossed(row.ratio) and ((rule, id(row)) in shown or not row.ratio.tested)

    return {rule: [row for row in comparison.of(rule.metric) if fails(rule, row)] for rule in rules}
