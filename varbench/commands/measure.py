"""varbench measure: one estimator on one problem."""

from inspect import signature
from typing import Any

import click

from ..bench.records import Measurement, dumps, read_value
from ..estimators.errors import InputError
from . import complete


@click.command()
@click.argument("problem", shell_complete=complete.problems)
@click.argument("estimator", shell_complete=complete.estimators)
@click.option("--temperature", type=float, help="Temperature of a relaxed or straight-through estimator.")
@click.option("--num-samples", type=int, help="S, samples in one draw; the smallest that the method allows by default.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Another parameter of the estimator.")
@click.option("--draws", type=int, help="N, independent gradient draws; 10,000 by default.")
@click.option("--precision", type=float, help="Draw until the variance is known to this share of it, e.g. 0.02.")
@click.option("--max-draws", type=int, help="With --precision: draw no more than this; 1,048,576 by default.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--dtype", type=click.Choice(["float64", "float32"]), help="Theta's own by default.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--threads", type=int, default=1, show_default=True, help="Blocks measured at a time.")
@click.option("--no-timing", is_flag=True, help="Leave the seconds out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--vectors", is_flag=True, help="With --json: gradients of over 1,000 entries too.")
@click.pass_context
def measure(
    context: click.Context,
    problem: str,
    estimator: str,
    temperature: float | None,
    num_samples: int | None,
    settings: tuple[str, ...],
    draws: int | None,
    precision: float | None,
    max_draws: int | None,
    no_timing: bool,
    as_json: bool,
    vectors: bool,
    **rest: Any,
) -> None:
    """Measure bias, variance and cost of ESTIMATOR on PROBLEM.

    Both are a name from 'varbench list', with parameters in brackets where it has any, or path/to/file.py:NAME:

    \b
    varbench measure 'bernoulli_quadratic[target=0.45,logit=2]' reinforce --draws 1000000
    varbench measure mine.py:problem gumbel_softmax --temperature 0.5 --json
    """
    config = _config(settings, temperature)
    amount = _amount(draws, precision, max_draws)
    from ..bench.measure import measure as measured  # after the options: a wrong one needs no torch

    for key in config.keys() & signature(measured).parameters.keys():
        raise InputError(f"--set {key}: '{estimator}' takes no parameter of that name; see 'varbench measure --help'")
    found = measured(problem, estimator, num_samples=num_samples, timing=not no_timing, **amount, **rest, **config)
    if as_json:
        click.echo(dumps(found.record(vectors)))
    else:
        from ..analysis.terminal import as_text

        click.echo(as_text(found.record()))
    if found.status == "failed":
        context.exit(3)
    if precision is not None and (missed := _missed(found, precision)):
        click.echo(f"varbench: {missed}", err=True)
        context.exit(1)


def _config(settings: tuple[str, ...], temperature: float | None) -> dict[str, Any]:
    """Return the estimator's parameters given as options.

    Raises:
        InputError: for what is no KEY=VALUE, or a key given twice.
    """
    config: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
    for setting in settings:
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not key or not equals or not value:
            raise InputError(f"--set {setting}: write it as KEY=VALUE, e.g. --set conditional_samples=100")
        if key in config:
            raise InputError(f"'{key}' is given twice as an option; give it once")
        config[key] = read_value(value)
    return config


def _amount(draws: int | None, precision: float | None, max_draws: int | None) -> dict[str, Any]:
    """Return how much is drawn, as measure() takes it.

    Raises:
        InputError: for options that do not go together.
    """
    if precision is None:
        if max_draws is not None:
            raise InputError("--max-draws is the cap of --precision; for a fixed number take --draws")
        return {} if draws is None else {"num_draws": draws}
    if draws is not None:
        raise InputError("--draws fixes the number of draws, --precision finds it: give one of them")
    return {"precision": precision} | ({} if max_draws is None else {"max_draws": max_draws})


def _missed(found: Measurement, precision: float) -> str | None:
    """Return in words why the asked precision is not the one reached, None where it is, or where nothing varies."""
    from ..bench.precision import half_width, reached

    if reached(found, precision) or (found.variance == 0 and found.variance_upper == 0):
        return None
    width = half_width(found)
    known = "no variance seen" if width == float("inf") else f"the variance is known to {width:.2g} of it"
    marks = f", marked {', '.join(found.marks)}" if found.marks else ""
    return f"--precision {precision:g} not reached at {found.num_draws:,} draws: {known}{marks}; raise --max-draws"
