"""What differs between two studies, in words: why the store of one cannot go on with the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WORDS = 60  # letters of a text that is worth quoting
_SHOWN = 4  # entries of a list that are named


@dataclass(frozen=True)
class _Places:
    """What two studies are called where they differ."""

    first: str
    second: str


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], places: tuple[str, str] = ("there", "here")
) -> list[str]:
    """Return what differs between two descriptions of studies: the first few things, of two names these alone.

    Args:
        first: of the study that a store holds.
        second: of the one that is asked for.
        places: what the two are called.
    """
    names = _Places(*places)
    if first.get("name") != second.get("name"):
        return [_changed("name", first.get("name"), second.get("name"), names)]
    found = [
        _changed(key, first.get(key), second.get(key), names)
        for key in _keys(first, second, ("grids", "files"))
        if first.get(key) != second.get(key)
    ]
    found += _grids(first.get("grids", []), second.get("grids", []), names)
    found += _files(first.get("files", {}), second.get("files", {}), names)
    return found if len(found) <= _SHOWN else [*found[:_SHOWN], f"and {len(found) - _SHOWN} more"]


def _keys(first: Mapping[str, Any], second: Mapping[str, Any], without: Sequence[str] = ()) -> list[str]:
    return [key for key in dict.fromkeys((*first, *second)) if key not in without]


def _grids(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]], names: _Places) -> Iterator[str]:
    if len(first) != len(second):
        yield f"grids are {len(first)} {names.first}, {len(second)} {names.second}"
    for number, (old, new) in enumerate(zip(first, second, strict=False), 1):
        place = f"grid {number} " if max(len(first), len(second)) > 1 else ""
        for key in _keys(old, new):
            if old.get(key) != new.get(key):
                yield place + _changed(key, old.get(key), new.get(key), names)


def _files(first: Mapping[str, Any], second: Mapping[str, Any], names: _Places) -> Iterator[str]:
    for path in _keys(first, second):
        if path not in second:
            yield f"the file {path} is read {names.first} only"
        elif path not in first:
            yield f"the file {path} is read {names.second} only"
        elif first[path] != second[path]:
            yield f"the file {path} has changed"


def _changed(key: str, old: Any, new: Any, names: _Places) -> str:
    if isinstance(old, list) and isinstance(new, list):
        return f"{key}: {names.second} {_of_lists(old, new)}"
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > _WORDS:
        return f"{key} is worded otherwise"
    return f"{key} is {_quoted(old)} {names.first}, {_quoted(new)} {names.second}"


def _of_lists(old: Sequence[Any], new: Sequence[Any]) -> str:
    verbs = {"adds": [one for one in new if one not in old], "drops": [one for one in old if one not in new]}
    said = [f"{verb} {_listed(entries)}" for verb, entries in verbs.items() if entries]
    return ", ".join(said) or "has the same in another order or number"


def _listed(entries: Sequence[Any]) -> str:
    more = f" and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    return ", ".join(map(_quoted, entries[:_SHOWN])) + more


def _quoted(value: Any) -> str:
    return "not set" if value is None else repr(value) if isinstance(value, str) else str(value)
