"""Filters by name and parameter: which cells or records a person means."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from ..estimators.errors import InputError, unknown
from .records import label, literal, read_value
from .specs import parse
from .study import Cell

K = TypeVar("K")
Facts = Mapping[str, Sequence[Any]]  # key -> what it may be called

NAMES = ("problem", "estimator", "num_samples")  # keys that every cell has, before its parameters
STATUS = "status"  # a key of what is stored
_FORM = re.compile(r"\s*([^<>=!\s]+)\s*(<=|>=|!=|<|>|=)\s*(.+?)\s*")
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_SHOWN = 8  # values that an error names


@dataclass(frozen=True)
class Filter:
    """One condition: the value of a key fits a pattern, or compares with a number.

    Args:
        key: problem, estimator, num_samples, status, or a parameter of either.
        relation: '=', '!=', '<', '<=', '>' or '>='.
        wanted: a pattern with * and ?, or a number in words.
    """

    key: str
    relation: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.key}{self.relation}{self.wanted}"

    def fits(self, facts: Facts) -> bool:
        """Return whether a cell has the key and one of its values fits; for '!=' whether it has none that fits."""
        return any(self._holds(value) for value in facts.get(self.key, ())) != (self.relation == "!=")

    def _holds(self, value: Any) -> bool:
        number = read_value(self.wanted)
        if self.relation in _ORDERS:
            return _is_number(value) and _ORDERS[self.relation](value, number)
        if _is_number(value) and _is_number(number):
            return bool(value == number)
        return matches(literal(value), self.wanted)


def matches(text: str, pattern: str) -> bool:
    """Return whether text fits a pattern of * and ?; a bracket is part of a name here, no set of characters."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def read_filters(texts: Iterable[str]) -> list[Filter]:
    """Return the filters that a person wrote.

    Raises:
        InputError: for one of another form, or a comparison with what is no number.
    """
    found = []
    for text in texts:
        match = _FORM.fullmatch(text)
        if match is None or match[3].startswith("="):
            raise InputError(
                f"--filter '{text}': write it as KEY=PATTERN, KEY!=PATTERN or KEY<NUMBER, "
                "e.g. --filter 'problem=normal*' or --filter 'temperature<=1'"
            )
        one = Filter(*match.groups())
        if one.relation in _ORDERS and not _is_number(read_value(one.wanted)):
            raise InputError(f"--filter '{text}': '{one.wanted}' is no number; {one.relation} compares numbers only")
        found.append(one)
    return found


def facts_of_cell(cell: Cell) -> Facts:
    """Return what filters see of a cell of a study."""
    return _facts(cell.problem, cell.estimator, cell.config, cell.num_samples)


def facts_of_record(record: Mapping[str, Any]) -> Facts:
    """Return what filters see of a stored record: its status too."""
    named = (record["problem"], record["estimator"], record["config"], record["num_samples"])
    return {**_facts(*named), STATUS: [record["status"]]}


def chosen(items: Mapping[K, Facts], filters: Sequence[Filter], where: str) -> list[K]:
    """Return the keys of the items that fit all filters, in their order.

    Args:
        items: what filters see of each.
        filters: to narrow by, one after the other.
        where: the items' place in the words of an error, e.g. "'quick'".

    Raises:
        InputError: for a key that no item has, or filters that nothing fits; it names what there is.
    """
    known = dict.fromkeys((*NAMES, *(key for facts in items.values() for key in facts)))
    left = list(items)
    for position, one in enumerate(filters):
        if one.key not in known:
            raise unknown("key of --filter", one.key, known)
        kept = [key for key in left if one.fits(items[key])]
        if not kept:
            values = _values(one.key, [items[key] for key in left])
            raise InputError(
                f"no cell of {where} fits {' and '.join(map(str, filters[: position + 1]))}: {one.key} is "
                f"{values} there; widen the pattern (* stands for anything), or leave a filter out"
            )
        left = kept
    return left


def matching(records: Sequence[dict[str, Any]], texts: Iterable[str], where: str) -> list[dict[str, Any]]:
    """Return the records that fit all filters, see ``chosen``."""
    filters = read_filters(texts)
    if not filters:
        return list(records)
    positions = chosen(dict(enumerate(map(facts_of_record, records))), filters, where)
    return [records[position] for position in positions]


def _facts(problem: str, estimator: str, config: Mapping[str, Any], num_samples: int) -> Facts:
    name, inside = _parts(problem)
    short = label({"estimator": estimator, "config": config})
    facts: dict[str, list[Any]] = {
        "problem": list(dict.fromkeys((problem, name))),
        "estimator": list(dict.fromkeys((estimator, short))),
        "num_samples": [num_samples],
    }
    for parameters in (inside, config):
        for key, value in parameters.items():
            facts.setdefault(key, []).append(value)
    return facts


def _parts(problem: str) -> tuple[str, Mapping[str, Any]]:
    try:
        spec = parse(problem)
    except InputError:  # a user's problem is called what the user likes
        return problem, {}
    return spec.name, spec.parameters


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _values(key: str, items: Sequence[Facts]) -> str:
    """Return the values of a key in words, the first names only where there is a longer one."""
    found = list(dict.fromkeys(literal(facts[key][0]) for facts in items if key in facts))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return (", ".join(found[:_SHOWN]) + more) if found else "not set"
