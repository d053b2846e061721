"""Numbers for people: as many digits as their intervals support."""

from __future__ import annotations

import math

from .statistics import FLOOR_P, Estimate


def plain(value: float, resolution: float) -> str:
    """Return a number rounded to the decimal place of ``resolution``, scientific where it is small or large.

    Args:
        value: the number.
        resolution: a power of ten; digits below it are noise.
    """
    place = math.floor(math.log10(resolution) + 1e-9)
    rounded = round(value / 10.0**place)
    if rounded == 0:
        return "0"
    exponent = math.floor(math.log10(abs(rounded)) + 1e-9) + place
    if -3 <= exponent < 5:
        return f"{rounded * 10.0**place:.{max(0, -place)}f}"
    return f"{rounded * 10.0 ** (place - exponent):.{max(0, exponent - place)}f}e{exponent}"


def resolution_of(found: Estimate) -> float:
    """Return the place of the second digit of an interval's half-width, at most six digits of the number itself."""
    half = (found.upper - found.lower) / 2
    largest = max(abs(found.value), abs(found.upper), 1e-300)
    finest = 10.0 ** (math.floor(math.log10(largest)) - 5)
    return max(10.0 ** (math.floor(math.log10(half)) - 1), finest) if half > 0 else max(finest, 1e-300)


def with_interval(found: Estimate | None, unit: str = "") -> str:
    """Return '0.01594 [0.01592, 0.01595]', with digits governed by the interval's width; '' for None."""
    if found is None:
        return ""
    if found.value == found.lower == found.upper:
        return short(found.value) + unit
    place = resolution_of(found)
    return f"{plain(found.value, place)}{unit} [{plain(found.lower, place)}, {plain(found.upper, place)}]"


def short(value: float | None, digits: int = 3) -> str:
    """Return a number with a few significant digits, '' for None."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    return plain(value, 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1))


def times(value: float) -> str:
    """Return a factor as people say it: '1.4 times', '27 times', '1,300 times'."""
    if value >= 1e6:
        return f"{short(value, 1)} times"
    return f"{value:,.2g} times" if value < 100 else f"{float(f'{value:.2g}'):,.0f} times"


def of_gradient(fraction: float) -> str:
    """Return a length in units of the exact gradient's: '7.3 % of |∇|', '4.2 |∇|'."""
    if fraction >= 1:
        return f"{short(fraction, 2)} |∇|"
    return "below 0.01 % of |∇|" if fraction < 1e-4 else f"{short(100 * fraction, 2)} % of |∇|"


def seconds(found: Estimate | None) -> str:
    """Return a time with its interval in ns, us, ms or s."""
    if found is None:
        return ""
    for factor, unit in ((1e9, "ns"), (1e6, "us"), (1e3, "ms")):
        if abs(found.value) * factor < 1000:
            return with_interval(Estimate(found.value * factor, found.lower * factor, found.upper * factor), f" {unit}")
    return with_interval(found, " s")


def p_value(p: float | None) -> str:
    """Return a p-value with two digits; the floor of asymptotic ones as '<1e-4'."""
    if p is None:
        return ""
    return "<1e-4" if p <= FLOOR_P else short(p, 2) if p < 0.1 else f"{p:.2f}"
