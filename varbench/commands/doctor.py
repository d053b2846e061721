"""varbench doctor: what is here, and what is missing."""

import os

import click

from ..bench import environment

_OPTIONAL = {"sklearn": ("scikit-learn", "to retrain the digits model: pip install 'varbench[data]'")}


@click.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Say which versions, threads and devices there are, and what is missing."""
    missing = [name for name in environment.PACKAGES if environment.installed(name) is None]
    click.echo(f"python      {environment.versions()['python']}")
    for name in environment.PACKAGES:
        click.echo(f"{name:11} {environment.installed(name) or 'MISSING: pip install ' + name}")
    for name, remedy in _OPTIONAL.values():
        click.echo(f"{name:11} {environment.installed(name) or 'not installed, needed only ' + remedy}")
    click.echo(f"commit      {environment.commit() or 'none: not run from a checkout'}")
    click.echo(f"processor   {environment.processor()}, {os.cpu_count()} cores")
    if "torch" not in missing:
        import torch

        click.echo(f"threads     torch would use {torch.get_num_threads()}; varbench measures with 1 a block")
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none; --device cpu only"
        click.echo(f"GPU         {device}")
    if missing:
        click.echo(f"missing: {', '.join(missing)}")
        context.exit(1)
    click.echo("nothing is missing")
