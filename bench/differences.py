"""What differs between two studies, in words: why the store of one cannot go on with the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WORDS = 60  # letters of a text that is worth quoting
_SHOWN = 4  # entries of a list that are named


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return what differs between two descriptions of studies.

    Args:
        there: of the study that a store holds.
        here: of the one that is asked for.
    """
    found = [
        _changed(key, there.get(key), here.get(key))
        for key in _keys(there, here, ("grids", "files"))
        if there.get(key) != here.get(key)
    ]
    found += _grids(there.get("grids", []), here.get("grids", []))
    found += _files(there.get("files", {}), here.get("files", {}))
    return found


def _keys(there: Mapping[str, Any], here: Mapping[str, Any], without: Sequence[str] = ()) -> list[str]:
    return [key for key in dict.fromkeys((*there, *here)) if key not in without]


def _grids(there: Sequence[Mapping[str, Any]], here: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(there) != len(here):
        yield f"{len(there)} grids there, {len(here)} here"
    for number, (old, new) in enumerate(zip(there, here, strict=False), 1):
        place = f"grid {number} " if max(len(there), len(here)) > 1 else ""
        for key in _keys(old, new):
            if old.get(key) != new.get(key):
                yield place + _changed(key, old.get(key), new.get(key))


def _files(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    for path in _keys(there, here):
        if path not in here:
            yield f"the file {path} is read there only"
        elif path not in there:
            yield f"the file {path} is read here only"
        elif there[path] != here[path]:
            yield f"the file {path} has changed since"


def _changed(key: str, old: Any, new: Any) -> str:
    if isinstance(old, list) and isinstance(new, list):
        return f"{key}: {_of_lists(old, new)}"
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > _WORDS:
        return f"{key} is worded otherwise"
    return f"{key} is {_quoted(old)} there, {_quoted(new)} here"


def _of_lists(old: Sequence[Any], new: Sequence[Any]) -> str:
    verbs = {"adds": [one for one in new if one not in old], "drops": [one for one in old if one not in new]}
    said = [f"{verb} {_listed(entries)}" for verb, entries in verbs.items() if entries]
    return ", ".join(said) or "the same in another order or number"


def _listed(entries: Sequence[Any]) -> str:
    more = f" and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    return ", ".join(map(_quoted, entries[:_SHOWN])) + more


def _quoted(value: Any) -> str:
    return "not set" if value is None else repr(value) if isinstance(value, str) else str(value)
