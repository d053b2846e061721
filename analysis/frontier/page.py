"""The page of the frontier: python -m varbench.analysis.frontier.page reports/frontier/frontier.json -o DIR."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..numbers import plain, short
from ..rendering import rendered
from ..style import context
from ..svg import to_svg
from . import words
from .gain import left_to_gain, over_draws
from .plane import plane
from .standings import Curve, Numbers, Setting, Standing, read

COMMAND = "make frontier"
TITLE = "The straight-through frontier"
QUESTION = (
    "How little variance can an estimator M(D, p) ∇f(D) have at a given bias, averaged over random costs, and how far "
    "above that are the straight-through estimators that people use?"
)
DRAWN = (3, 5)  # K of the figures
MOST_BIAS = 0.5  # bias_sq, of the settings that a form is judged by


def render(numbers: Numbers) -> str:
    """Return the page's text.

    Raises:
        ValueError: if the numbers lack what a figure shows, or a form lies where none can.
    """
    standings, findings = numbers.standings, words.findings(numbers)
    planes = [_plane(numbers, K, costs) for costs in ("quadratic", "cubic") for K in DRAWN]
    with context():
        caption = words.gain_caption(numbers)
        gain = to_svg(left_to_gain(numbers), "fu", "What reinmax leaves to gain without bias", caption)
        over = [[one for one in numbers.of(costs) if one.classes == max(DRAWN)] for costs in ("quadratic", "cubic")]
        draws_caption = words.draws_caption(*over)
        draws = to_svg(over_draws(*over), "fn", "The best known form over the least mse", draws_caption)
    return rendered(
        "frontier.html.j2",
        title=TITLE,
        question=QUESTION,
        size=f"{len(standings)} frontiers, {sum(len(c.settings) for one in standings for c in one.curves):,} settings",
        command=COMMAND,
        findings=findings,
        skews=_skews(numbers),
        planes=planes,
        gain={"svg": Markup(gain), "caption": caption},
        draws={"svg": Markup(draws), "caption": draws_caption},
        matrices=numbers.matrices,
        forms=[_form(numbers, costs, label) for costs in ("quadratic", "cubic") for label in _labels(numbers)],
        budgets=[_budget(one, n) for one in standings for n in numbers.numbers],
        transfers=[_transfer(one, moved) for one in standings for moved in one.transfer],
        most_bias=short(MOST_BIAS),
        groups=[{"name": one.name, "rows": _rows(one)} for one in standings],
        left_out=list(numbers.left_out.items()),
    )


def _plane(numbers: Numbers, K: int, costs: str) -> dict[str, Any]:
    found = [one for one in numbers.of(costs) if one.classes == K]
    if not found:
        raise ValueError(f"the numbers hold no {costs} costs of {K} classes; write them again: {COMMAND}")
    caption, title = words.caption(found), f"Estimators over the frontier: {costs} costs, {K} classes"
    with context():
        svg = to_svg(plane(found), f"f{costs[0]}{K}", title, caption)
    return {"name": f"frontier-{costs}-{K}", "svg": Markup(svg), "caption": caption}


def _labels(numbers: Numbers) -> list[str]:
    return [curve.label for curve in numbers.standings[0].curves if not curve.outside]


def _form(numbers: Numbers, costs: str, label: str) -> dict[str, str]:
    """Return how far a form lies above the frontier over all p, at settings that leave most of the gradient right."""
    found = sorted(
        (setting.above, f"{curve.at(setting)}, {one.classes} classes, {one.skew}")
        for one in numbers.of(costs)
        for curve, setting in one.inside
        if curve.label == label and setting.above is not None and setting.bias_sq <= MOST_BIAS
    )
    number, of = len(found), sum(c.label == label for one in numbers.of(costs) for c, _ in one.inside)
    row = {"form": f"`{label}`", "costs": costs, "number": f"{number} of {of}", "least": "", "middle": "", "most": ""}
    if found:
        row |= {"least": short(found[0][0]), "middle": short(found[number // 2][0]), "most": short(found[-1][0])}
    return row | {"nearest": found[0][1] if found else ""}


def _skews(numbers: Numbers) -> str:
    factors = {one.skew: one.probs[1] / one.probs[0] for one in numbers.standings}
    return ", ".join(f"{short(factor)} ({skew})" for skew, factor in factors.items())


def _budget(one: Standing, n: float) -> dict[str, str]:
    curve, setting = words.best_known(one, n)
    least = words.least_mse(one, n)
    (bias_sq,) = (b for number, b, _ in one.budgets if number == n)
    return {
        "case": one.name,
        "n": f"{n:,.0f}",
        "least": short(least),
        "bias_sq": short(bias_sq),
        "above": short(setting.mse(n) / least),
        "known": curve.at(setting),
    }


def _transfer(one: Standing, moved: Any) -> dict[str, str]:
    n = moved["n"]
    mse, own = (
        moved[f"{whose}bias_sq"] + (moved[f"{whose}variance"] / n if n is not None else 0.0) for whose in ("", "own_")
    )
    return {
        "case": one.name,
        "made_for": "cubic" if one.costs == "quadratic" else "quadratic",
        "n": "inf" if n is None else f"{n:,.0f}",
        **{key: short(moved[key]) for key in ("bias_sq", "variance", "own_bias_sq", "own_variance")},
        "above": short(mse / own) if own > 0 else "",
    }


def _rows(one: Standing) -> list[dict[str, str]]:
    return [_row(curve, setting) for curve in one.curves for setting in curve.settings]


def _row(curve: Curve, one: Setting) -> dict[str, str]:
    return {
        "estimator": curve.at(one),
        "bias_sq": _with_error(one.bias_sq, one.bias_sq_se),
        "variance": _with_error(one.variance, one.variance_se),
        "above": _with_error(one.above, one.above_se),
        "inside": curve.outside or "D ~ p",
    }


def _with_error(value: float | None, error: float | None) -> str:
    """Return '0.153 ± 0.002', as many digits as the error's first; the value alone where it is exact."""
    if value is None:
        return ""
    if not error:
        return short(value, 4)
    place = 10.0 ** float(f"{error:e}".split("e")[1])
    return f"{plain(value, place)} ± {plain(error, place)}"


def write(numbers: Numbers, out_dir: Path) -> Path:
    """Write index.html and return its path; the same numbers give the same bytes.

    Raises:
        ValueError: if the numbers lack what a figure shows, or a form lies where none can.
        OSError: if the folder cannot be written.
    """
    page = render(numbers)
    Path(out_dir).mkdir(parents=True, exist_ok=True)
    path = Path(out_dir) / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; 2 where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m varbench.analysis.frontier.page", description=__doc__)
    parser.add_argument("numbers", type=Path, help="the JSON file of varbench.bench.frontier.study")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the page")
    given = parser.parse_args(arguments)
    try:
        path = write(read(given.numbers), given.out)
    except (LookupError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
