"""A study: problems x estimators x temperatures x num_samples, read from TOML and unfolded into cells."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ..estimators import catalogue as estimator_catalogue
from ..estimators.errors import InputError, unknown
from ..estimators.facts import Facts
from . import catalogue as problem_catalogue
from .specs import full_name, parse, resolved

SHIPPED = Path(__file__).parent / "studies"
DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Cell:
    """One thing to measure, in names and numbers only.

    Args:
        problem: full name, or a reference to a user's file.
        estimator: name, or a reference to a user's file.
        config: the estimator's full configuration.
        num_samples: S.
        num_draws: N.
        seed: of the noise.
        dtype: of theta, None for its own.
    """

    problem: str
    estimator: str
    config: Mapping[str, Any]
    num_samples: int
    num_draws: int
    seed: int
    dtype: str | None

    @property
    def key(self) -> str:
        """The cell's identity in a store."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def truth_key(self) -> str:
        """What the cells that share one truth have in common."""
        return json.dumps([self.problem, self.dtype, self.seed])


@dataclass(frozen=True)
class Grid:
    """A product of problems and settings; an empty axis means each estimator's own default."""

    problems: Sequence[str]
    estimators: Sequence[str]
    temperatures: Sequence[float] = ()
    num_samples: Sequence[int] = ()
    draws: int | None = None


@dataclass(frozen=True)
class Study:
    """What is asked, and on which grids."""

    name: str
    grids: Sequence[Grid]
    title: str = ""
    question: str = ""
    draws: int = 10_000
    seed: int = 0
    dtype: str | None = None
    source: str = field(default="", compare=False)

    def description(self) -> dict[str, Any]:
        """Return the study as plain data: what a store remembers, and reports print."""
        plain = asdict(self)
        plain.pop("source")
        return plain | {"files": self._files()}

    @classmethod
    def of_description(cls, description: Mapping[str, Any]) -> Study:
        """Return the study that ``description`` described.

        Raises:
            InputError: if it describes none.
        """
        table = {key: value for key, value in description.items() if key not in ("grids", "files")}
        grids = description.get("grids")
        if not isinstance(grids, list) or not grids:
            raise InputError("the store's study has no grids")
        read = [Grid(**_fields(f"the store's grid {n}", _given(grid), Grid)) for n, grid in enumerate(grids, 1)]
        known = _fields("the store's study", _given(table), cls, hidden=("grids", "source"))
        if "name" not in known:
            raise InputError("the store's study has no name")
        return cls(**known, grids=read)

    def _files(self) -> dict[str, str]:
        """Return the hashes of the users' files that the study names: other contents make it another study."""
        names = [parse(text).name for grid in self.grids for text in (*grid.problems, *grid.estimators)]
        paths = {Path(name.rpartition(":")[0]) for name in names if ":" in name}
        return {str(p): blake2b(p.read_bytes(), digest_size=8).hexdigest() for p in sorted(paths) if p.is_file()}

    def cells(self) -> list[Cell]:
        """Return the cells in the order of the file, each once.

        Raises:
            InputError: for an unknown problem, estimator or parameter.
        """
        return list({cell.key: cell for grid in self.grids for cell in self._unfold(grid)}.values())

    def _unfold(self, grid: Grid) -> Iterator[Cell]:
        for problem in grid.problems:
            name, particles = _problem(problem)
            for estimator in grid.estimators:
                for reference, config, S in _settings(estimator, grid, particles):
                    yield Cell(name, reference, config, S, grid.draws or self.draws, self.seed, self.dtype)


def _problem(text: str) -> tuple[str, int | None]:
    """Return a problem's full name, and the particles of a catalogued bound."""
    spec = parse(text)
    if spec.is_reference:
        return text.strip(), None
    facts = problem_catalogue.facts_of(spec.name)
    parameters = resolved(f"problem '{spec.name}'", spec.parameters, facts.parameters, facts.minimum)
    return full_name(spec.name, parameters), parameters.get("particles")


def _settings(text: str, grid: Grid, particles: int | None) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Yield name, configuration and S of an estimator at each point of the grid; a bound's particles are its S."""
    spec = parse(text)
    facts = _facts(spec.name)
    given = dict(spec.parameters)
    temperatures: Sequence[float | None] = [None]
    if "temperature" in facts.config and "temperature" not in given:
        temperatures = grid.temperatures or facts.grid.get("temperature", [None])
    samples = [facts.min_samples] if facts.deterministic else grid.num_samples or [particles or facts.min_samples]
    for temperature in temperatures:
        chosen = given if temperature is None else {**given, "temperature": temperature}
        config = resolved(f"estimator '{spec.name}'", chosen, facts.config)
        for S in samples:
            yield spec.name, config, S


def _facts(name: str) -> Facts:
    if ":" not in name:
        return estimator_catalogue.facts_of(name)
    from .resolve import loaded_estimator  # a user's file needs torch, the catalogue does not

    return loaded_estimator(name).facts


def shipped() -> dict[str, Path]:
    """Return the studies that ship with varbench, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def read_study(name: str) -> Study:
    """Return the study of this name, or in this TOML file.

    Raises:
        InputError: for a name that is not shipped, a file that is missing or no TOML, an unknown or missing field,
            or a value of the wrong type; the message names the field.
    """
    known = shipped()
    path = known.get(name, Path(name))
    if not path.is_file():
        if path.suffix == ".toml" or len(path.parts) > 1:
            raise InputError(f"there is no study file {name}; give a TOML file, or one of {', '.join(known)}")
        raise unknown("study", name, known, "or give the path of a TOML file")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path} is no readable TOML file: {error}") from error
    table.setdefault("name", path.stem)
    grids = table.pop("grid", None)
    if not isinstance(grids, list) or not grids:
        raise InputError(f"{path}: it has no [[grid]]; a study needs one with problems and estimators")
    read = [Grid(**_fields(f"{path}: grid {number}", grid, Grid)) for number, grid in enumerate(grids, 1)]
    return Study(**_fields(f"{path}", table, Study, hidden=("grids", "source")), grids=read, source=str(path))


# field -> (what a single value must be, whether it is a list, in words)
_FORMS: dict[str, tuple[Callable[[Any], bool], bool, str]] = {
    "name": (lambda v: isinstance(v, str) and bool(re.fullmatch(r"\w[\w .-]*", v)), False, "a word that names a file"),
    "title": (lambda v: isinstance(v, str), False, "text"),
    "question": (lambda v: isinstance(v, str), False, "text"),
    "draws": (lambda v: type(v) is int and v >= 2, False, "a whole number of at least 2"),
    "seed": (lambda v: type(v) is int and v >= 0, False, "a whole number of at least 0"),
    "dtype": (lambda v: v in DTYPES, False, " or ".join(DTYPES)),
    "problems": (lambda v: isinstance(v, str), True, "a list of problem names"),
    "estimators": (lambda v: isinstance(v, str), True, "a list of estimator names"),
    "temperatures": (lambda v: type(v) in (int, float) and 0 < v < float("inf"), True, "a list of positive numbers"),
    "num_samples": (lambda v: type(v) is int and v >= 1, True, "a list of whole numbers of at least 1"),
}


def _given(table: object) -> object:
    """Return a table of a description without what was left to its default."""
    return {k: v for k, v in table.items() if v is not None and v != []} if isinstance(table, dict) else table


def _fields(where: str, table: object, kind: type, hidden: Sequence[str] = ()) -> dict[str, Any]:
    """Return a TOML table's fields after holding them against a dataclass and the forms of its fields."""
    if not isinstance(table, dict):
        raise InputError(f"{where}: got {table!r}; it must be a table of key = value")
    allowed = {f.name: f for f in fields(kind) if f.name not in hidden}
    for key, value in table.items():
        if key not in allowed:
            raise unknown(f"field in {where}", key, allowed)
        fits, many, words = _FORMS[key]
        if not (isinstance(value, list) and value and all(map(fits, value)) if many else fits(value)):
            raise InputError(f"{where}: {key} = {value!r}; it must be {words}")
    for key in ("problems", "estimators"):
        if key in allowed and key not in table:
            raise InputError(f"{where}: {key} is missing; give a list of names")
    return table
