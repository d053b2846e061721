"""varbench recommend: the estimator of least mse within a budget."""

from __future__ import annotations

import re
from typing import Any

import click

from ..bench.specs import parse
from . import complete, options
from .output import put_json

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_FORM = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(evals|us|ms|s)")


class Amount(click.ParamType):
    """A budget as people write it, 1000evals or 1ms: an amount, and evaluations or seconds."""

    name = "BUDGET"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, str]:
        """Return the amount and its unit.

        Raises:
            click.UsageError: for a text of another form, or nothing at all.
        """
        if isinstance(value, tuple):
            return value
        match = _FORM.fullmatch(str(value).strip().lower())
        amount = float(match[1]) if match else 0.0
        if match is None or not 0 < amount < float("inf"):
            self.fail(f"'{value}' is no budget: write 1000evals (evaluations of f) or 1ms (us, ms, s)", param, ctx)
        return (amount, "evaluations") if match[2] == "evals" else (amount * _SECONDS[match[2]], "seconds")


@click.command()
@click.argument("problem", shell_complete=complete.problems)
@click.option(
    "--budget",
    type=Amount(),
    default="100evals",
    show_default=True,
    help="What ONE gradient estimate may cost: 1000evals, of which a backward pass counts 2, or 1ms.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--max-seconds",
    type=click.FloatRange(1.0),
    default=30.0,
    show_default=True,
    help="What the search itself may take, whatever the cost takes.",
)
@click.option(
    "--estimator",
    "estimators",
    multiple=True,
    metavar="FILE.py:NAME",
    help="An estimator of yours beside the catalogue's; brackets fix parameters, its bias is measured; repeatable.",
)
@options.as_json
def recommend(
    problem: str,
    budget: tuple[float, str],
    seed: int,
    max_seconds: float,
    estimators: tuple[str, ...],
    as_json: bool,
) -> None:
    """Recommend the estimator of least mse for PROBLEM within a budget.

    A candidate is an estimator at a temperature and a number of samples S; within the budget it averages
    n = floor(budget / cost of a draw) draws, mse(n) = bias_sq + variance/n. All that apply are screened by successive
    halving; oracles and what must be fitted first are left out.

    \b
    varbench recommend 'polynomial[dim=8,classes=4]' --budget 20evals
    varbench recommend mine.py:problem --budget 1ms --estimator mine.py:estimator
    """
    from ..analysis.recommend import as_text, line_of, regret
    from ..bench.candidates import Budget, candidates
    from ..bench.measure import prepared
    from ..bench.resolve import loaded_estimator
    from ..bench.search import search

    amount, unit = budget
    bound = prepared(problem, None, "cpu")
    specs = {given: parse(given) for given in estimators}
    own = [(loaded_estimator(spec.name), spec.parameters) for spec in specs.values()]
    names = {estimator.facts.name: given for (estimator, _), given in zip(own, specs, strict=True)}
    grid = candidates(bound, own)
    found = search(bound, Budget(amount, unit), seed=seed, max_seconds=max_seconds, grid=grid).plain()
    if not as_json:
        click.echo(as_text(problem, amount, unit, found, names))
        return
    said = {"regret": regret(found), "line": line_of(problem, found["choices"][0], names)}
    put_json({"problem": problem, "budget": amount, "unit": unit, "seed": seed, **said, **found})
