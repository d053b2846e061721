"""varbench measure: one estimator on one problem."""

from inspect import signature
from typing import Any

import click

from ..bench.records import dumps, read_value
from ..estimators.errors import InputError
from . import complete


@click.command()
@click.argument("problem", shell_complete=complete.problems)
@click.argument("estimator", shell_complete=complete.estimators)
@click.option("--temperature", type=float, help="Temperature of a relaxed or straight-through estimator.")
@click.option("--num-samples", type=int, help="S, samples in one draw; the smallest that the method allows by default.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Another parameter of the estimator.")
@click.option("--draws", type=int, default=10_000, show_default=True, help="N, independent gradient draws.")
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
    draws: int,
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
    from ..bench.measure import measure as measured  # after the options: a wrong one needs no torch

    for key in config.keys() & signature(measured).parameters.keys():
        raise InputError(f"--set {key}: '{estimator}' takes no parameter of that name; see 'varbench measure --help'")
    found = measured(
        problem, estimator, num_draws=draws, num_samples=num_samples, timing=not no_timing, **rest, **config
    )
    if as_json:
        click.echo(dumps(found.record(vectors)))
    else:
        from ..analysis.terminal import as_text

        click.echo(as_text(found.record()))
    if found.status == "failed":
        context.exit(3)


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
