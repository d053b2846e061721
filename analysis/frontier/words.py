"""What the frontier's numbers say, in words that are computed from them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from ..numbers import short, times
from ..phrases import count, listed
from .standings import Curve, Numbers, Setting, Standing


def findings(numbers: Numbers) -> list[dict[str, str]]:
    """Return what a reader should know first: a topic and sentences.

    Raises:
        ValueError: if a form of the class lies below its frontier.
    """
    return [
        {"topic": topic, "text": text}
        for topic, text in (
            ("no bias", _without_bias(numbers)),
            ("some bias", _with_draws(numbers, "quadratic")),
            ("cubics", f"{_cubics(numbers)} {_with_draws(numbers, 'cubic')}"),
            ("other costs", _transferred(numbers)),
            ("below it", _below(numbers)),
            ("errors", _errors(numbers)),
        )
    ]


def best_known(one: Standing, n: float) -> tuple[Curve, Setting]:
    """Return the estimator of the class that has the least bias_sq + variance / n; of equals, nearest to 1."""

    def mse_then_value(found: tuple[Curve, Setting]) -> tuple[float, float]:
        return float(f"{found[1].mse(n):.4g}"), abs(math.log(found[1].value or 1.0))

    return min(one.inside, key=mse_then_value)


def least_mse(one: Standing, n: float) -> float:
    """Return the least bias_sq + variance / n of the class."""
    (found,) = (b + v / n for number, b, v in one.budgets if number == n)
    return found


def gaps(standings: Sequence[Standing], n: float) -> Iterator[tuple[float, str]]:
    """Yield, frontier by frontier, the mse of the best known estimator over the least, and its name."""
    for one in standings:
        curve, setting = best_known(one, n)
        yield setting.mse(n) / least_mse(one, n), curve.at(setting)


def gaps_along(one: Standing) -> Iterator[tuple[float, Curve, Setting, float]]:
    """Yield n, from 1 on, the best known estimator there, and its mse over the least."""
    for n, bias_sq, variance in one.curve:
        if n >= 1:
            curve, setting = best_known(one, n)
            yield n, curve, setting, setting.mse(n) / (bias_sq + variance / n)


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{short(low)}" if short(low) == short(high) else f"{short(low)} to {short(high)}"


def _without_bias(numbers: Numbers) -> str:
    optimal: list[tuple[float, Standing]] = []
    others: list[tuple[float, Standing]] = []
    for one in numbers.of("quadratic"):
        ratio = one.setting("reinmax", 1.0).variance / one.least[1]
        (optimal if ratio < 1 + 1e-5 else others).append((ratio, one))
    peak, K, factor = max((v, K, r) for K, points in numbers.unbiased for r, v in points)
    text = (
        "On quadratics `reinmax` at τ = 1 is without bias. Of all M(D, p) ∇f(D) that are, it has the least variance in "
        f"{len(optimal)} of {len(optimal) + len(others)} cases ({_cases([one for _, one in optimal])})"
    )
    if others:
        text += f" and {_range([100 * (ratio - 1) for ratio, _ in others])} % above the least in the others"
    return (
        f"{text}; along all skews tried it is never more than {short(100 * (peak - 1))} % above (K = {K}, each class "
        f"{short(factor)} times as probable as the one before)."
    )


def _cases(standings: Sequence[Standing]) -> str:
    """Return 'K = 2 at every p, and every K at uniform p' where that is what they are, else each by its name."""
    two = [one for one in standings if one.classes == 2]
    uniform = [one for one in standings if one.skew == "uniform"]
    if len(standings) == len({id(one) for one in [*two, *uniform]}) and two and uniform:
        return "K = 2, and uniform p"
    return listed(f"K = {one.classes} {one.skew}" for one in standings) or "none"


def _with_draws(numbers: Numbers, costs: str) -> str:
    parts = []
    for n in numbers.numbers:
        found = list(gaps(numbers.of(costs), n))
        name, hits = Counter(name for _, name in found).most_common(1)[0]
        parts.append(
            f"{_range([gap for gap, _ in found])} for n = {n:,.0f} (most often {name}, {hits} of {len(found)})"
        )
    return (
        f"On {costs} costs the best known form has this many times the least bias² + variance / n there is: "
        f"{listed(parts)}."
    )


def _cubics(numbers: Numbers) -> str:
    by_classes: dict[int, list[float]] = {}
    for one in numbers.of("cubic"):
        by_classes.setdefault(one.classes, []).append(100 * one.least[0])
    least = listed(f"{_range(values)} % (K = {K})" for K, values in by_classes.items())
    same = all(max(values) - min(values) < 1e-3 for values in by_classes.values())
    reinmax = [100 * one.setting("reinmax", 1.0).bias_sq for one in numbers.of("cubic")]
    return (
        f"No M is without bias on cubics: at least {least} of the mean |∇|² is left"
        f"{', the same at every p tried' if same else ''}; `reinmax` at τ = 1 leaves {_range(reinmax)} %."
    )


def _transferred(numbers: Numbers) -> str:
    parts = []
    for costs, other in (("quadratic", "cubic"), ("cubic", "quadratic")):
        ranges = []
        for n in numbers.numbers:
            ratios = [
                (moved["bias_sq"] + moved["variance"] / n) / (moved["own_bias_sq"] + moved["own_variance"] / n)
                for one in numbers.of(costs)
                for moved in one.transfer
                if moved["n"] == n
            ]
            ranges.append(f"{_range(ratios)} for n = {n:,.0f}")
        parts.append(f"The M that is best for {other} costs has, on {costs} ones, times the least: {listed(ranges)}.")
    return " ".join(parts)


def _below(numbers: Numbers) -> str:
    inside = [(standing, curve, one) for standing in numbers.standings for curve, one in standing.inside]
    for standing, curve, one in inside:
        if one.below:
            raise ValueError(
                f"{curve.at(one)} has {short(one.above)} times the least variance at its bias ({standing.name}), which "
                "cannot be: its matrices or the frontier are wrong"
            )
    outside = [
        (curve, one)
        for standing in numbers.standings
        for curve in standing.curves
        if curve.outside
        for one in curve.settings
    ]
    under = Counter(curve.label for curve, one in outside if one.below)
    text = (
        f"None of {count(len(inside), 'setting')} of forms with D ~ p, as must be. "
        f"{sum(under.values())} of {len(outside)} of those that draw D from another law"
    )
    if under:
        text += f" ({listed(f'`{label}` {hits} times' for label, hits in under.most_common())}), which the frontier "
        text += "does not bound"
    return text + "."


def _errors(numbers: Numbers) -> str:
    drawn = [
        one.above_se / one.above
        for standing in numbers.standings
        for curve in standing.curves
        if not curve.exact
        for one in curve.settings
        if one.above and one.above_se is not None
    ]
    middle = sorted(drawn)[len(drawn) // 2]
    return (
        "The frontier and all forms whose M is fixed given D are exact to rounding. The others are means over "
        f"{numbers.draws:,} draws of each outcome: the standard error of their ratio to the frontier is "
        f"{short(100 * middle, 2)} % in the middle and {short(100 * max(drawn), 2)} % at most."
    )


def caption(standings: Sequence[Standing]) -> str:
    """Return a sentence or two under the plane of some frontiers."""
    n = 10.0
    parts = []
    for one in standings:
        curve, setting = best_known(one, n)
        parts.append(f"{curve.at(setting)} ({one.skew}: {times(setting.mse(n) / least_mse(one, n))} the least)")
    first = standings[0]
    return (
        f"Averages over {first.costs} costs for K = {first.classes}: no estimator M(D, p) ∇f(D) with D ~ p lies in the "
        "grey. Curves run along the temperature from 0.1 to 5, large markers at 1; hollow ones draw D from another "
        f"law, arrows say: less bias than the axis holds. Of the known forms, least at {n:.0f} draws: {listed(parts)}."
    )


def gain_caption(numbers: Numbers) -> str:
    """Return a sentence under the figure of what reinmax leaves to gain."""
    peaks = [(K, *max((v, r) for r, v in points)) for K, points in numbers.unbiased]
    parts = listed(f"{short(100 * (v - 1))} % at {short(r)} (K = {K})" for K, v, r in peaks if v > 1 + 1e-6)
    none = listed(f"K = {K}" for K, v, _ in peaks if v <= 1 + 1e-6)
    return (
        "Variance of `reinmax` at τ = 1 over the least of an unbiased M(D, p) ∇f(D), on quadratics, as p grows more "
        f"skewed: at most {parts}" + (f"; nothing for {none}." if none else ".")
    )


def draws_caption(quadratic: Sequence[Standing], cubic: Sequence[Standing]) -> str:
    """Return a sentence or two under the best known mse over the least."""
    parts = []
    for standings in (quadratic, cubic):
        found = [
            (ratio, n, curve.at(setting), one.skew) for one in standings for n, curve, setting, ratio in gaps_along(one)
        ]
        ratio, n, name, skew = max(found)
        parts.append(f"{ratio:.2f} on {standings[0].costs} costs ({name} at n = {n:,.0f}, {skew})")
    return (
        "For each n the known form and setting of least bias² + variance / n, over the least that any M(D, p) ∇f(D) "
        f"has; markers say which form it is. The largest gap is {listed(parts)}."
    )
