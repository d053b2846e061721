"""varbench completion: the script by which a shell completes what is typed."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_VARBENCH_COMPLETE"  # that click looks for when it is called as varbench
_PLAIN = "COMPREPLY+=($value)"  # in click's script for bash
_OPEN = f"{_PLAIN}\n            [[ $value == *[=/] ]] && compopt -o nospace 2>/dev/null"  # key= and folder/ go on


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes varbench's commands, names, studies, stores and filters in SHELL.

    \b
    bash   eval "$(varbench completion bash)"         in ~/.bashrc
    zsh    eval "$(varbench completion zsh)"          in ~/.zshrc, after compinit
    fish   varbench completion fish | source          in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, shell
    found = kind(context.find_root().command, {}, "varbench", VARIABLE)
    script = found.source_template % found.source_vars()
    click.echo(script.replace(_PLAIN, _OPEN) if shell == "bash" else script)
