"""A property of an estimator or a problem, and the verdict on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ...estimators.errors import InputError

OK, FAILS, NOT_CHECKED = "ok", "FAILS", "not checked"

S = TypeVar("S")


@dataclass(frozen=True)
class Finding:
    """What was seen of a property that holds: in words, and the figures."""

    reason: str
    figures: Mapping[str, Any] = field(default_factory=dict)


class Broken(Exception):  # noqa: N818  (a verdict, not a fault of varbench's)
    """A property that does not hold: what was seen, what it means, what to do."""

    def __init__(self, reason: str, **figures: Any) -> None:
        super().__init__(reason)
        self.finding = Finding(reason, figures)


class Unchecked(Exception):  # noqa: N818
    """The reason why a property could not be checked here."""


@dataclass(frozen=True)
class Property(Generic[S]):
    """A property by its name.

    Args:
        name: one word.
        check: returns a Finding, or raises Broken or Unchecked; an InputError is Broken too.
        requires: properties without which this one says nothing.
    """

    name: str
    check: Callable[[S], Finding]
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The verdict on one property.

    Args:
        name: of the property.
        status: ok, FAILS or not checked.
        reason: why, in words.
        figures: the numbers behind it, by name.
    """

    name: str
    status: str
    reason: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def judged(subject: S, properties: Sequence[Property[S]]) -> list[Verdict]:
    """Return a verdict on each property, in order: one fault is reported once, by the first property that sees it."""
    verdicts: dict[str, Verdict] = {}
    waiting: set[str] = set()  # on a property that fails
    for one in properties:
        lacking = [name for name in one.requires if verdicts[name].status == FAILS or name in waiting]
        if lacking:
            verdict = Verdict(one.name, NOT_CHECKED, f"says nothing before '{lacking[0]}' is mended")
            waiting.add(one.name)
        else:
            verdict = _verdict(subject, one)
        verdicts[one.name] = verdict
    return list(verdicts.values())


def _verdict(subject: S, one: Property[S]) -> Verdict:
    try:
        found = one.check(subject)
    except Broken as broken:
        return Verdict(one.name, FAILS, broken.finding.reason, broken.finding.figures)
    except Unchecked as reason:
        return Verdict(one.name, NOT_CHECKED, str(reason))
    except InputError as error:
        return Verdict(one.name, FAILS, str(error))
    return Verdict(one.name, OK, found.reason, found.figures)
