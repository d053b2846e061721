"""From what a person wrote to a Problem or an Estimator: catalogue names, and files of their own."""

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module, util
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ..estimators.catalogue import CATALOGUE as ESTIMATORS
from ..estimators.errors import InputError, unknown
from ..estimators.estimator import Estimator, load
from . import catalogue
from .problem import Problem
from .specs import Spec, full_name, parse, resolved

T = TypeVar("T", Problem, Estimator)


def problem_of(given: str | Problem) -> Problem:
    """Return the problem of this name: 'name[key=value]', 'path/to/file.py:attribute' or 'module:attribute'.

    Raises:
        InputError: for an unknown name or parameter, or a file that does not hold such a problem.
    """
    if isinstance(given, Problem):
        return given
    if not isinstance(given, str):
        raise TypeError(f"problem: got {type(given).__name__}; give a name or a varbench.Problem")
    spec = parse(given)
    if spec.is_reference:
        return _referenced(spec, Problem)
    facts = catalogue.facts_of(spec.name)
    parameters = resolved(f"problem '{spec.name}'", spec.parameters, facts.parameters, facts.minimum)
    module = import_module(f".problems.{spec.name}", __package__)
    name = full_name(spec.name, parameters)
    try:
        made: Problem = module.problem(name, **parameters)
    except (RuntimeError, MemoryError) as error:
        raise InputError(f"problem '{name}' could not be built, it is too large: {error}") from error
    return made


def loaded_estimator(name: str) -> Estimator:
    """Return the estimator of this name, without its configuration.

    Raises:
        InputError: for an unknown name, or a file that does not hold such an estimator.
    """
    return _referenced(Spec(name, {}), Estimator) if ":" in name else load(name)


def estimator_of(given: str | Estimator, **config: Any) -> tuple[Estimator, dict[str, Any]]:
    """Return the estimator of this name and its full configuration.

    Args:
        given: 'name[key=value]', 'path/to/file.py:attribute', 'module:attribute', or an Estimator.
        config: further parameters; None means not given.

    Raises:
        InputError: for an unknown name or parameter, one given twice, or a file without such an estimator.
    """
    config = {key: value for key, value in config.items() if value is not None}
    in_brackets: Mapping[str, Any] = {}
    if isinstance(given, Estimator):
        estimator = given
    elif isinstance(given, str):
        spec = parse(given)
        estimator, in_brackets = loaded_estimator(spec.name), spec.parameters
    else:
        raise TypeError(f"estimator: got {type(given).__name__}; give a name or a varbench.Estimator")
    twice = sorted(set(in_brackets) & set(config))
    if twice:
        raise InputError(f"'{twice[0]}' stands in the brackets of '{given}' and as an option too; give it once")
    name = estimator.facts.name
    return estimator, resolved(f"estimator '{name}'", {**in_brackets, **config}, estimator.facts.config)


def thing_of(given: str) -> tuple[Estimator | Problem, dict[str, Any]]:
    """Return the estimator or the problem of this name, whichever it is, and an estimator's parameters in brackets.

    Parameters that must be given may be missing.

    Raises:
        InputError: for an unknown name or parameter, or a file that holds neither.
    """
    spec = parse(given)
    if not spec.is_reference and spec.name in catalogue.CATALOGUE:
        return problem_of(given), {}
    if not spec.is_reference and spec.name not in ESTIMATORS:
        known = [*ESTIMATORS, *catalogue.CATALOGUE]
        raise unknown("estimator or problem", spec.name, known, "or give path/to/file.py:NAME")
    thing: Any = _attribute(spec, Estimator, Problem) if spec.is_reference else load(spec.name)
    if isinstance(thing, Estimator):
        name, defaults = thing.facts.name, thing.facts.config
        asked = {key: default for key, default in defaults.items() if default is not None or key in spec.parameters}
        return thing, resolved(f"estimator '{name}'", spec.parameters, asked if asked else defaults)
    return _made(spec, thing, Problem, Estimator), {}


def _referenced(spec: Spec, kind: type[T]) -> T:
    made: T = _made(spec, _attribute(spec, kind), kind)
    return made


def _attribute(spec: Spec, *kinds: type) -> Any:
    place, _, attribute = spec.name.rpartition(":")
    module = _file(Path(place).resolve()) if place.endswith(".py") else _module(place)
    if not hasattr(module, attribute):
        public = [name for name in vars(module) if isinstance(getattr(module, name), kinds)]
        what = " or ".join(kind.__name__.lower() for kind in kinds)
        raise unknown(f"{what} in {place}", attribute, public, f"define {attribute} at its top level")
    return getattr(module, attribute)


def _made(spec: Spec, thing: Any, *kinds: type) -> Any:
    """Return a thing of one of the kinds, or what a function makes of the parameters in brackets."""
    if callable(thing) and not isinstance(thing, kinds):
        try:
            thing = thing(**spec.parameters)
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise InputError(f"{spec.name} could not be called with {dict(spec.parameters)}: {reason}") from error
    elif spec.parameters:
        raise InputError(f"{spec.name} takes no parameters in brackets; only a function that returns one does")
    if not isinstance(thing, kinds):
        allowed = " or ".join(f"varbench.{kind.__name__}" for kind in kinds)
        raise InputError(f"{spec.name} is a {type(thing).__name__}; it must be a {allowed}")
    return thing


@cache
def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"there is no file {path}; give the path of a Python file, a colon, and a name in it")
    module_spec = util.spec_from_file_location(f"_varbench_user_{path.stem}", path)
    assert module_spec is not None
    loader = module_spec.loader
    assert loader is not None
    module = util.module_from_spec(module_spec)
    sys.path.append(str(path.parent))  # for what the file imports from beside it; searched last
    _executed(str(path), lambda: loader.exec_module(module))
    return module


def _module(name: str) -> ModuleType:
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    return _executed(name, lambda: import_module(name))


def _executed(what: str, run: Any) -> Any:
    try:
        return run()
    except SyntaxError as error:
        raise InputError(f"{what} does not parse: line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{what} could not be loaded: {type(error).__name__}: {reason}") from error
