"""Every estimator, one entry each: lists, plans, tests, plots and the README's table read these."""

from ..errors import unknown
from ..facts import Facts
from . import (
    black_box,
    bounds,
    control_variates,
    coupled,
    exact,
    partial_sums,
    pathwise,
    relaxations,
    score_function,
    straight_through,
)

GROUPS: dict[str, tuple[Facts, ...]] = {
    "score function": score_function.ENTRIES,
    "control variates": control_variates.ENTRIES,
    "coupled samples": coupled.ENTRIES,
    "partial sums": partial_sums.ENTRIES,
    "black box": black_box.ENTRIES,
    "pathwise": pathwise.ENTRIES,
    "bounds": bounds.ENTRIES,
    "relaxations": relaxations.ENTRIES,
    "straight-through": straight_through.ENTRIES,
    "exact": exact.ENTRIES,
}
CATALOGUE: dict[str, Facts] = {facts.name: facts for entries in GROUPS.values() for facts in entries}


def facts_of(name: str) -> Facts:
    """Return the facts of a catalogued estimator.

    Raises:
        InputError: for a name that is not in the catalogue; it lists the nearest ones.
    """
    if name not in CATALOGUE:
        raise unknown("estimator", name, CATALOGUE, "see 'varbench list estimators'")
    return CATALOGUE[name]
