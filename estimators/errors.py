"""What can be wrong with what a caller gave, in one line that says what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Something that the caller gave and can mend: the message names it, what is allowed, and the remedy."""


class NotApplicable(InputError):  # noqa: N818  (a result about the pair, not a fault of either)
    """An estimator that has no meaning on this node or this cost."""


class CostError(InputError):
    """The user's cost raised, or returned something that is no cost."""


def unknown(kind: str, name: str, allowed: Iterable[str], remedy: str = "") -> InputError:
    """Return the error for a name that is not among the allowed ones, nearest names first."""
    allowed = sorted(allowed)
    near = get_close_matches(name, allowed, n=3, cutoff=0.5)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif allowed:
        hint = f"known are {', '.join(allowed)}"
    else:
        hint = f"there is no {kind} to set here"
    return InputError(f"unknown {kind} '{name}': {hint}{'; ' + remedy if remedy else ''}")
