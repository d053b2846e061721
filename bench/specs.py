"""Names with parameters, as people write them: name[key=value,...]."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ..estimators.errors import InputError
from .records import literal, read_value

_SPEC = re.compile(r"(?P<name>[^\[\]]+?)\s*(?:\[(?P<inside>[^\[\]]*)\])?\s*")


@dataclass(frozen=True)
class Spec:
    """A name and the parameters in its brackets, not yet held against what they are allowed to be."""

    name: str
    parameters: Mapping[str, Any]

    @property
    def is_reference(self) -> bool:
        """Whether the name points to a user's file or module (path.py:attribute, module:attribute)."""
        return ":" in self.name


def parse(text: str) -> Spec:
    """Return the parts of 'name' or 'name[key=value,...]'.

    Raises:
        InputError: if the text is not of that form, or names a key twice.
    """
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        raise InputError(f"'{text}' is no name: write NAME or NAME[key=value,...]")
    parameters: dict[str, Any] = {}
    for pair in filter(None, (part.strip() for part in (match["inside"] or "").split(","))):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not key or not value:
            raise InputError(f"'{pair}' in '{text}': brackets hold key=value only, e.g. {match['name']}[dim=3]")
        if key in parameters:
            raise InputError(f"'{key}' stands twice in '{text}'; give it once")
        parameters[key] = read_value(value)
    return Spec(match["name"].strip(), parameters)


def full_name(name: str, parameters: Mapping[str, Any]) -> str:
    """Return the name with all its parameters, sorted: the one spelling that keys noise and records."""
    inside = ",".join(f"{key}={literal(value)}" for key, value in sorted(parameters.items()))
    return f"{name}[{inside}]" if inside else name


def resolved(
    what: str,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    minimum: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return the defaults overridden by what was given, each value of its default's type.

    Args:
        what: "problem 'x'" or "estimator 'x'", for messages.
        given: parameters by name.
        defaults: allowed names; the type of a default is the type of the parameter (None: a number that must be
            given). Whole-number parameters are at least 1, a temperature is positive.
        minimum: smallest allowed values of single parameters.

    Raises:
        InputError: for an unknown name, a wrong type, a number that is not finite or too small, or one missing.
    """
    for key in given:
        if key not in defaults:
            raise _takes_no(what, key, defaults)
    values = {key: _typed(what, key, given.get(key, default), default) for key, default in defaults.items()}
    for key, value in values.items():
        least = (minimum or {}).get(key, 1 if type(value) is int else None)
        if least is not None and value < least:
            raise InputError(f"{what}: {key}={literal(value)}; it must be at least {literal(least)}")
        if key == "temperature" and value <= 0:
            raise InputError(f"{what}: temperature={literal(value)}; it must be a positive number, e.g. 0.5")
    return values


def _takes_no(what: str, key: str, allowed: Mapping[str, Any]) -> InputError:
    near = get_close_matches(key, allowed, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it takes {', '.join(sorted(allowed)) or 'none at all'}"
    return InputError(f"{what} takes no parameter '{key}': {hint}")


def _typed(what: str, key: str, value: Any, default: Any) -> Any:
    if value is None:
        raise InputError(f"{what} needs a {key}: give --{key} 0.5, or [{key}=0.5] behind its name")
    kind = float if default is None else type(default)
    if kind is float and type(value) in (int, float):
        if not math.isfinite(value):
            raise InputError(f"{what}: {key}={value}; it must be a finite number")
        return float(value)
    if type(value) is not kind:
        names = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
        raise InputError(f"{what}: {key}={value!r}; it must be {names.get(kind, kind.__name__)}")
    return value
