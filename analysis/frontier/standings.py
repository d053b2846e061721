"""The numbers of the frontier's page, read from the file that the harness wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...bench.records import literal

SURE = 3.0  # standard errors by which a drawn number lies on one side of another


@dataclass(frozen=True)
class Setting:
    """An estimator at one value of what its curve varies; squares in units of the mean square of the exact gradient.

    Args:
        value: of the parameter, None for a single point.
        bias_sq: average over the costs, its standard error beside it.
        variance: likewise.
        above: times the least variance at this bias_sq; None where 0 as an estimate has no larger bias_sq.
    """

    value: float | None
    bias_sq: float
    bias_sq_se: float
    variance: float
    variance_se: float
    above: float | None
    above_se: float | None

    def mse(self, n: float) -> float:
        """Return bias_sq + variance / n, with what the errors of drawn numbers may hide."""
        return self.bias_sq + SURE * self.bias_sq_se + (self.variance + SURE * self.variance_se) / n

    @property
    def below(self) -> bool:
        """Whether it lies below the frontier, by more than its error can explain."""
        return self.above is not None and self.above + SURE * (self.above_se or 0.0) < 1 - 1e-6


@dataclass(frozen=True)
class Curve:
    """A straight-through form along one of its parameters.

    Args:
        label: its name, with the parameters that are not the catalogue's.
        name: of the estimator.
        along: the parameter.
        outside: why it lies outside the class of the frontier, '' where it lies in it.
        exact: whether its numbers are free of draws.
        settings: in the order of the parameter.
        line: bias_sq and variance between the settings; empty where it would have to be drawn.
        variant: its place among the curves of one estimator, by which it is drawn.
    """

    label: str
    name: str
    along: str
    outside: str
    exact: bool
    settings: Sequence[Setting]
    line: Sequence[tuple[float, float]]
    variant: int

    def at(self, setting: Setting) -> str:
        """Return 'gumbel_rao at τ = 0.5'."""
        if setting.value is None:
            return f"`{self.label}`"
        letter = "τ" if self.along == "temperature" else self.along
        return f"`{self.label}` at {letter} = {literal(setting.value)}"


@dataclass(frozen=True)
class Standing:
    """One frontier and the estimators around it.

    Args:
        classes: K.
        skew: of p, in a word.
        probs: p.
        costs: quadratic or cubic.
        least: the least bias_sq, and the least variance of what has it.
        curve: points (n, bias_sq, variance) of the frontier, n rising.
        budgets: the same at the numbers n of draws of the page.
        unbiased: variance of what is unbiased on quadratics and has the least variance there.
        curves: the estimators.
        transfer: what the matrices that are best on the other costs do on these, n by n.
    """

    classes: int
    skew: str
    probs: Sequence[float]
    costs: str
    least: tuple[float, float]
    curve: Sequence[tuple[float, float, float]]
    budgets: Sequence[tuple[float, float, float]]
    unbiased: float
    curves: Sequence[Curve]
    transfer: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        """'3 classes, uniform, quadratic costs'."""
        return f"{self.classes} classes, {self.skew}, {self.costs} costs"

    @property
    def inside(self) -> list[tuple[Curve, Setting]]:
        """Every setting of the estimators of the class."""
        return [(curve, one) for curve in self.curves if not curve.outside for one in curve.settings]

    def setting(self, label: str, value: float | None) -> Setting:
        """Return one setting of an estimator.

        Raises:
            LookupError: if it is not there.
        """
        for curve in self.curves:
            for one in curve.settings:
                if (curve.label, one.value) == (label, value):
                    return one
        raise LookupError(f"the numbers hold no {label} at {value}; write them again: make frontier")


@dataclass(frozen=True)
class Numbers:
    """All that the page shows.

    Args:
        standings: the frontiers.
        numbers: n of draws at which mse are compared.
        matrices: reinmax's and optimal ones, for one p.
        unbiased: (K, [(p_k over p_(k-1), reinmax's variance over the least)]) on quadratics.
        left_out: forms that are not drawn, with reasons.
        draws: of each outcome, where an estimator is drawn.
    """

    standings: Sequence[Standing]
    numbers: Sequence[float]
    matrices: Mapping[str, Any]
    unbiased: Sequence[tuple[int, Sequence[tuple[float, float]]]]
    left_out: Mapping[str, str]
    draws: int

    def of(self, costs: str) -> list[Standing]:
        """Return the frontiers of one class of costs."""
        return [one for one in self.standings if one.costs == costs]


def read(path: Path) -> Numbers:
    """Return the numbers of a file.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no such file.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        return Numbers(
            standings=[
                _standing(choice, costs, one) for choice in found["choices"] for costs, one in choice["costs"].items()
            ],
            numbers=found["numbers"],
            matrices=found["matrices"],
            unbiased=[(one["classes"], [(r, v) for r, v in one["settings"]]) for one in found["unbiased"]],
            left_out=found["left_out"],
            draws=found["rows"] * found["batches"],
        )
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} does not hold the frontier's numbers ({error!r}); write them: make frontier"
        ) from None


def _standing(choice: Mapping[str, Any], costs: str, one: Mapping[str, Any]) -> Standing:
    names = [form["name"] for form in one["forms"]]
    curves = [
        Curve(
            **{key: form[key] for key in ("label", "name", "along", "outside", "exact")},
            settings=[Setting(*setting) for setting in form["settings"]],
            line=[(b, v) for b, v in form["line"]],
            variant=names[:place].count(form["name"]),
        )
        for place, form in enumerate(one["forms"])
    ]
    return Standing(
        classes=choice["classes"],
        skew=choice["skew"],
        probs=choice["probs"],
        costs=costs,
        least=(one["least"]["bias_sq"], one["least"]["variance"]),
        curve=[(n, b, v) for n, b, v in one["curve"]],
        budgets=[(n, b, v) for n, b, v in one["budgets"]],
        unbiased=one["unbiased"],
        curves=curves,
        transfer=one["transfer"],
    )
