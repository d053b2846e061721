"""All numbers of the frontier's page: python -m varbench.bench.frontier.study -o reports/frontier/frontier.json."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...estimators.estimator import load
from ...estimators.families.categorical import Categorical
from .costs import Array, Costs
from .forms import Forms, Linear
from .known import FORMS, LEFT_OUT, Form
from .matrices import BATCHES, Known, law
from .programme import Frontier
from .unbiased import least_variance_unbiased

CLASSES = (2, 3, 4, 5)
COSTS = ("quadratic", "cubic")
SKEWS = {"uniform": 1.0, "mildly skewed": 2 / 3, "strongly skewed": 1 / 3}  # p_k over p_(k-1)
NUMBERS = (1.0, 10.0, 100.0, 1000.0)  # of draws, at which mse are compared
FACTORS = tuple(np.linspace(1.0, 0.05, 39).tolist())  # p_k over p_(k-1), along which reinmax is held against the least
CURVE = tuple(np.geomspace(0.02, 1e4, 48).tolist())
TABLE = (3, "strongly skewed")  # the choice whose matrices are shown
BETWEEN = 41  # temperatures of a line
ROWS = 1024
DIGITS = 6
ROUNDING = 1e-12
NO_RATIO = 1e-6  # nearer to the bias_sq of 0 there is no variance to compare with

SETTING = ("value", "bias_sq", "bias_sq_se", "variance", "variance_se", "above", "above_se")  # of a form, as listed


def probabilities(num_classes: int, factor: float) -> Array:
    """Return p, each class as probable as the one before times the factor."""
    p = factor ** np.arange(num_classes)
    return np.asarray(p / p.sum())


def node_of(probs: Array) -> Categorical:
    """Return one choice with these probabilities."""
    return Categorical(torch.from_numpy(np.log(probs))[None])


def data(rows: int = ROWS, classes: Sequence[int] = CLASSES) -> dict[str, Any]:
    """Return everything that the page shows, in units of the mean square of the exact gradient.

    Args:
        rows: of a batch of draws, for each outcome.
        classes: numbers K of classes.
    """
    choices = [_choice(K, skew, rows) for K in classes for skew in SKEWS]
    return {
        "rows": rows,
        "batches": BATCHES,
        "numbers": list(NUMBERS),
        "setting": list(SETTING),
        "left_out": LEFT_OUT,
        "choices": choices,
        "matrices": _shown(*TABLE),
        "unbiased": [
            {"classes": K, "settings": [[_round(r), _round(_unbiased(K, r))] for r in FACTORS]} for K in classes
        ],
    }


def _choice(K: int, skew: str, rows: int) -> dict[str, Any]:
    p = probabilities(K, SKEWS[skew])
    node = node_of(p)
    frontiers = {name: Frontier(Forms(Costs(name, K), p)) for name in COSTS}
    found = [(form, [law(load(form.name), node, config, rows) for config in form.configs()]) for form in FORMS]
    lines = {form.label: _line(form, node) for form, laws in found if form.along and laws[0].exact}
    return {
        "classes": K,
        "skew": skew,
        "probs": _round(p),
        "costs": {name: _frontier(name, frontiers, found, lines) for name in COSTS},
    }


def _frontier(
    name: str,
    frontiers: dict[str, Frontier],
    found: Sequence[tuple[Form, Sequence[Known]]],
    lines: dict[str, list[Linear]],
) -> dict[str, Any]:
    frontier = frontiers[name]
    forms, scale = frontier.forms, frontier.forms.scale
    ends = _round(np.array(frontier.point(np.inf)) / scale)
    return {
        "scale": _round(scale),
        "least": {"bias_sq": ends[0], "variance": ends[1]},
        "curve": [[_round(n), *_round(np.array(frontier.point(n)) / scale)] for n in CURVE],
        "budgets": [[n, *_round(np.array(frontier.point(n)) / scale)] for n in NUMBERS],
        "unbiased": _round(forms.variance(Linear.fixed(forms.probs, least_variance_unbiased(forms.probs))) / scale),
        "forms": [_form(frontier, form, laws, lines.get(form.label, [])) for form, laws in found],
        "transfer": [_transfer(frontier, frontiers, n) for n in (*NUMBERS, np.inf)],
    }


def _line(form: Form, node: Categorical) -> list[Linear]:
    """Return what a form is between its settings."""
    between = replace(form, values=tuple(np.geomspace(min(form.values), max(form.values), BETWEEN)))
    return [law(load(form.name), node, config).all() for config in between.configs()]


def _form(frontier: Frontier, form: Form, laws: Sequence[Known], line: Sequence[Linear]) -> dict[str, Any]:
    """Return where a form stands at its settings, and the line between them: empty where it would have to be drawn."""
    forms, scale = frontier.forms, frontier.forms.scale
    values = form.values or (None,)
    return {
        "label": form.label,
        "name": form.name,
        "along": form.along,
        "outside": form.outside,
        "exact": all(one.exact for one in laws),
        "settings": [[value, *_standing(frontier, one)] for value, one in zip(values, laws, strict=True)],
        "line": [_round([forms.bias_sq(one) / scale, forms.variance(one) / scale]) for one in line],
    }


def _standing(frontier: Frontier, one: Known) -> list[float | None]:
    """Return bias_sq, variance, and how many times the frontier's variance that is, each before its standard error.

    There is no such ratio where 0 as an estimate has no larger bias_sq, or may have none larger.
    """
    forms, scale = frontier.forms, frontier.forms.scale
    bias_sq, bias_sq_se = one.estimate(lambda given: forms.bias_sq(given) / scale)
    variance, variance_se = one.estimate(lambda given: forms.variance(given) / scale)
    known = [0.0 if one.exact and abs(bias_sq) < ROUNDING else bias_sq, bias_sq_se, variance, variance_se]
    if max(bias_sq, forms.bias_sq(one.all()) / scale) + 3 * bias_sq_se >= 1 - NO_RATIO:
        return [*_round(known), None, None]
    above = one.estimate(lambda given: forms.variance(given) / frontier.variance_at(forms.bias_sq(given)))
    return [*_round(known), *_round(above)]


def _transfer(frontier: Frontier, frontiers: dict[str, Frontier], n: float) -> dict[str, Any]:
    """Return what the matrices that are best on the other costs do on these."""
    (other,) = (one for one in frontiers.values() if one is not frontier)
    forms, scale = frontier.forms, frontier.forms.scale
    moved = other.at(n)
    bias_sq, variance = forms.bias_sq(moved) / scale, forms.variance(moved) / scale
    own = np.array(frontier.point(n)) / scale
    return {
        "n": None if np.isinf(n) else n,
        "bias_sq": _round(bias_sq),
        "variance": _round(variance),
        "own_bias_sq": _round(own[0]),
        "own_variance": _round(own[1]),
    }


def _shown(K: int, skew: str) -> dict[str, Any]:
    """Return reinmax's matrices beside optimal ones, and how far these are from it."""
    p = probabilities(K, SKEWS[skew])
    reinmax = _reinmax(p).mean
    quadratic, cubic = (Frontier(Forms(Costs(name, K), p)) for name in COSTS)
    columns = [
        ("reinmax", reinmax),
        ("unbiased on quadratics, least variance", quadratic.at(np.inf).mean),
        ("quadratics, n = 10", quadratic.at(10.0).mean),
        ("cubics, n = 10", cubic.at(10.0).mean),
    ]
    size = np.einsum("d,dri,dri->", p, reinmax, reinmax)
    return {
        "classes": K,
        "skew": skew,
        "probs": _round(p),
        "columns": [
            {
                "label": label,
                "M": [[_round(row) for row in one] for one in M],
                "distance": _round(np.sqrt(np.einsum("d,dri,dri->", p, M - reinmax, M - reinmax) / size)),
            }
            for label, M in columns
        ],
    }


def _reinmax(p: Array) -> Linear:
    return law(load("reinmax"), node_of(p), {"temperature": 1.0}).all()


def _unbiased(K: int, factor: float) -> float:
    """Return reinmax's variance on quadratics over the least that an unbiased estimator of its class has."""
    p = probabilities(K, factor)
    forms = Forms(Costs("quadratic", K), p)
    return forms.variance(_reinmax(p)) / forms.variance(Linear.fixed(p, least_variance_unbiased(p)))


def _round(number: Any) -> Any:
    """Return a number, or a list of them, with as many digits as the page may want."""
    if np.ndim(number):
        return [_round(one) for one in number]
    return float(f"{float(number):.{DIGITS}g}") + 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the numbers; 2 where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m varbench.bench.frontier.study", description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True, help="the JSON file")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text(data()), encoding="utf-8")
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    print(given.out)
    return 0


def text(found: dict[str, Any]) -> str:
    """Return JSON with one line for each setting, so that a change of numbers reads as one."""
    lines = json.dumps(found, indent=1, allow_nan=False)
    for _ in range(4):  # what fits a line goes on one: innermost first
        lines = _joined(lines)
    return lines + "\n"


def _joined(lines: str) -> str:
    def one_line(match: re.Match[str]) -> str:
        flat = re.sub(r"\s*\n\s*", " ", match[0]).replace("[ ", "[").replace(" ]", "]")
        return flat if len(flat) <= 400 else match[0]

    return re.sub(r"[\[{][^\[\]{}]*\n[^\[\]{}]*[\]}]", one_line, lines)


if __name__ == "__main__":
    sys.exit(main())
