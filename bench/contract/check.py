"""check: whether an estimator or a problem is what the harness relies on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ...estimators.errors import InputError
from ...estimators.estimator import Estimator
from ..problem import Problem
from ..threads import one_thread_each
from . import costs, extremes, proof, purity, shapes, truths
from .candidate import DRAWS, Candidate
from .costs import Posed
from .verdict import FAILS, Property, Verdict, judged

_RUNS = ("facts", "runs", "needs", "shapes")
_PURE = (*_RUNS, "repeatable", "untouched")

ESTIMATOR: tuple[Property[Candidate], ...] = (
    Property("facts", shapes.facts),
    Property("runs", shapes.runs, ("facts",)),
    Property("needs", shapes.needs, ("runs",)),
    Property("shapes", shapes.shapes, ("runs", "needs")),
    Property("dtype", shapes.dtype, _RUNS),
    Property("repeatable", purity.repeatable, _RUNS),
    Property("untouched", purity.untouched, (*_RUNS, "repeatable")),
    Property("rows", purity.rows, _PURE),
    Property("nodes", purity.nodes, (*_PURE, "rows")),
    Property("independent", purity.independent, (*_PURE, "rows")),
    Property("bits", purity.bits, _PURE),
    Property("extremes", extremes.extremes, _RUNS),
    Property("mean", proof.mean, (*_PURE, "rows", "nodes", "independent")),
    Property("variance", proof.variance, (*_PURE, "rows", "nodes", "independent")),
)

_COST = ("shape", "finite", "repeatable")

PROBLEM: tuple[Property[Posed], ...] = (
    Property("fields", truths.fields),
    Property("shape", costs.shape),
    Property("finite", costs.finite, ("shape",)),
    Property("repeatable", costs.repeatable, ("shape", "finite")),
    Property("rows", costs.rows, _COST),
    Property("nodes", costs.nodes, (*_COST, "rows")),
    Property("dtype", costs.dtype, _COST),
    Property("slopes", costs.slopes, (*_COST, "rows", "nodes")),
    Property("terms", truths.terms, _COST),
    Property("gradient", truths.gradient, (*_COST, "rows", "nodes", "terms")),
)


@dataclass(frozen=True)
class Checked:
    """The verdicts on one estimator or problem.

    Args:
        name: as it calls itself.
        kind: estimator or problem.
        verdicts: one for each property.
    """

    name: str
    kind: str
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether no property fails."""
        return all(verdict.status != FAILS for verdict in self.verdicts)

    def plain(self) -> dict[str, Any]:
        """Return the verdicts as plain data."""
        return {
            "name": self.name,
            "kind": self.kind,
            "passed": self.passed,
            "properties": [asdict(verdict) for verdict in self.verdicts],
        }


def check(thing: Estimator | Problem, num_draws: int = DRAWS, **config: Any) -> Checked:
    """Return the verdict on each property of the contract.

    Args:
        thing: an estimator or a problem.
        num_draws: N of a statistical test of an estimator's mean; where noise can be integrated nothing is drawn.
        config: parameters of the estimator; those that must be given are in the middle of its grid by default.

    Raises:
        InputError: for an estimator of an objective other than the mean, which the nodes of check do not have.
    """
    if isinstance(thing, Estimator) and "mean" not in thing.facts.objectives:
        raise InputError(
            f"'{thing.facts.name}' is defined on the objective {' and '.join(thing.facts.objectives)}, "
            "and check's problems have the mean: measure it on a problem of its objective, "
            "e.g. gaussian_elbo or gaussian_iwae"
        )
    with one_thread_each():
        if isinstance(thing, Problem):
            return Checked(thing.name, "problem", tuple(judged(Posed(thing), PROBLEM)))
        candidate = Candidate(thing, config, num_draws)
        return Checked(candidate.name, "estimator", tuple(judged(candidate, ESTIMATOR)))
