"""The command line: its commands, and how it ends."""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from .bench.allocation import keep_memory
from .bench.store import StoreError
from .commands.check import check
from .commands.compare import compare
from .commands.completion import completion
from .commands.coverage import coverage
from .commands.decide import decide
from .commands.doctor import doctor
from .commands.list import list_
from .commands.measure import measure
from .commands.merge import merge
from .commands.peers import peers
from .commands.plot import plot
from .commands.recommend import recommend
from .commands.report import report
from .commands.show import export, show
from .commands.study import plan, run
from .commands.validate import validate
from .estimators.errors import InputError

OK, CHECK_FAILED, USAGE, SOME_FAILED, BAD_STORE, INTERRUPTED = 0, 1, 2, 3, 4, 130
TRACEBACK = "VARBENCH_TRACEBACK"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="varbench")
def varbench() -> None:
    """Measure bias, variance and cost of gradient estimators for stochastic nodes.

    \b
    varbench list estimators                                   what there is
    varbench measure normal_square reinforce --draws 100000    one cell
    varbench recommend mine.py:problem --budget 1ms            which estimator to take, and how sure
    varbench check mine.py:estimator                           one of your own, by the contract
    varbench run quick && varbench report quick.db -o quick    a study and its page

    Exit codes: 0 ok, 1 a check failed, 2 usage, 3 some cells failed, 4 a bad store, 130 interrupted.
    """


COMMANDS = (
    list_,
    measure,
    recommend,
    check,
    run,
    plan,
    show,
    export,
    plot,
    report,
    compare,
    decide,
    merge,
    validate,
    coverage,
    peers,
    doctor,
    completion,
)
for command in COMMANDS:
    varbench.add_command(command)


def main() -> NoReturn:
    """Run the command line and end with its exit code."""
    interrupts: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    keep_memory()
    sys.exit(ended(interrupts=interrupts))


def ended(arguments: list[str] | None = None, interrupts: Sequence[int] = ()) -> int:
    """Run the command line; return the exit code of the contract, after at most one line on stderr, no traceback.

    Args:
        arguments: those of this process by default.
        interrupts: not empty once Ctrl-C was pressed: what a half-imported package raises then is no fault.
    """
    try:
        code = varbench.main(arguments, standalone_mode=False)
        return code if isinstance(code, int) else OK
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return USAGE
    except (KeyboardInterrupt, click.Abort) as error:
        return _said(str(error.__cause__ or error) or "interrupted", INTERRUPTED)  # click hides one in the other
    except click.UsageError as error:
        place = error.ctx.command_path if error.ctx else "varbench"
        return _said(f"{error.format_message()} See '{place} --help'.", USAGE)
    except click.ClickException as error:
        return _said(error.format_message(), USAGE)
    except InputError as error:
        return _said(str(error), USAGE)
    except StoreError as error:
        return _said(str(error), BAD_STORE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has left: nobody to complain to
        return OK
    except Exception as error:
        if interrupts:
            return _said("interrupted", INTERRUPTED)
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        reason = " ".join(str(error).split())
        return _said(
            f"{type(error).__name__}: {reason} (a fault of varbench's; {TRACEBACK}=1 shows where)", CHECK_FAILED
        )


def _said(line: str, code: int) -> int:
    click.echo(f"varbench: {' '.join(line.split())}", err=True)
    return code
