"""Properties of an estimator that one run shows: its facts, that it runs, what it asks for, shapes, dtype."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any

import torch

from ...estimators.errors import InputError
from ...estimators.estimator import keywords
from ..cost import Evaluator
from ..draws import blamed
from ..specs import resolved
from .candidate import Candidate, evaluated, watched
from .verdict import Broken, Finding

POSITIONAL = {"sample": 3, "combine": 5, "fit": 4}
ONE_HOT = ("bernoulli", "categorical")


def facts(candidate: Candidate) -> Finding:
    """The facts agree with the signatures and say where the method comes from."""
    estimator, known = candidate.estimator, candidate.estimator.facts
    if not known.families:
        raise Broken("its facts name no family: list the nodes on which it is defined, e.g. families=('bernoulli',)")
    if not known.needs:
        raise Broken("its facts list no needs: say what it asks of the cost, 'values', 'slopes' or 'relaxed'")
    if not known.source.strip():
        raise Broken("its facts give no source: name the paper, or 'mine' if there is none")
    if known.min_samples < 1 or known.samples_multiple < 1 or known.min_samples % known.samples_multiple:
        raise Broken(
            f"min_samples={known.min_samples} is no multiple of samples_multiple={known.samples_multiple}: "
            "the smallest S must be one that is allowed"
        )
    halves = {"sample": estimator.sample, "combine": estimator.combine, "fit": estimator.fit}
    for half, function in halves.items():
        if function is None:
            continue
        every = signature(function).parameters.values()
        by_place = [p.name for p in every if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
        if len(by_place) != POSITIONAL[half]:
            raise Broken(
                f"{half} takes ({', '.join(by_place)}) by place; it must take {POSITIONAL[half]} arguments so, and its "
                "parameters by keyword only: put them behind a *"
            )
        for key in keywords(function):
            default, listed = signature(function).parameters[key].default, known.config[key]
            if default is not Parameter.empty and default != listed:
                raise Broken(
                    f"{half} has {key}={default!r} by default, its facts {key}={listed!r}: give the default once, in "
                    "the facts"
                )
    strangers = sorted(set(known.grid) - set(known.config))
    if strangers:
        raise Broken(f"its grid has values for '{strangers[0]}', which its config lacks: add it there, or drop it")
    for key, values in known.grid.items():
        for value in values:
            resolved(f"estimator '{known.name}': grid", {**candidate.config, key: value}, known.config)
    return Finding(f"{' and '.join(known.families)}; needs {', '.join(known.needs)}; source given")


def runs(candidate: Candidate) -> Finding:
    """Sample and combine run on every family that it claims, given all that there is to know of the cost."""
    for family in candidate.estimator.facts.families:
        problem = candidate.problem(family, "several")
        one = candidate.request(problem, candidate.sizes[0])
        noise = watched(problem)
        points = one.sample(problem, noise)
        values, slopes = _all_there_is(problem, points)
        with blamed(candidate.name, f"combine, on {family} nodes,"):
            one.estimator.combine(problem.node, noise, points, values, slopes, **one.arguments(one.estimator.combine))
    return Finding(f"on {' and '.join(candidate.estimator.facts.families)} nodes")


def needs(candidate: Candidate) -> Finding:
    """It works with what its facts say that it needs, and asks for the cost only where they say."""
    known = candidate.estimator.facts
    hidden = [what for what, shown in (("values", "values" in known.needs), ("slopes", known.uses_slopes)) if not shown]
    for family in known.families:
        problem = candidate.problem(family, "several")
        one = candidate.request(problem, candidate.sizes[0])
        noise = watched(problem)
        points = one.sample(problem, noise)
        on_support = family not in ONE_HOT or bool(((points == 0) | (points == 1)).all())
        if not on_support and "relaxed" not in known.needs:
            raise Broken(
                f"on {family} nodes it asks for the cost off the support (at points that are neither 0 nor 1), and its "
                "facts do not say so: add 'relaxed' to needs, so that it is not offered costs without a meaning there"
            )
        try:
            one.combine(problem, noise, points, *evaluated(one, problem, points))
        except InputError as error:
            raise Broken(
                f"it uses what its facts do not list: with {' and '.join(hidden) or 'nothing'} hidden (None), {error}. "
                f"Add to needs what it uses (it lists {', '.join(known.needs)})"
            ) from error
    return Finding(f"works with {' and '.join(hidden)} hidden (None)" if hidden else "asks for all, and works")


def _all_there_is(problem: Any, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:

    return Evaluator(problem)(points, slopes=True)


def shapes(candidate: Candidate) -> Finding:
    """Points and draws have their shapes for one variable, several, a batch of nodes, and each S."""
    tried = 0
    for family in candidate.estimator.facts.families:
        for kind in ("one", "several", "batch"):
            for S in candidate.sizes:
                problem = candidate.problem(family, kind)
                try:
                    run = candidate.run(problem, S=S)
                except InputError as error:
                    raise Broken(
                        f"on {_described(problem)}, S = {S}: {error}. Reduce over the axis of points (P) and over "
                        "*event only, and count the event's axes from the end: there may be batch axes *B before them"
                    ) from error
                batched, expected = problem.node.batch_shape, problem.node.theta.shape
                event = problem.node.event_shape
                if run.points.shape[2:] not in ((*batched, *event), (*(1 for _ in batched), *event)):
                    raise Broken(
                        f"on {_described(problem)}, S = {S}: sample returned {list(run.points.shape)}; it must be "
                        f"[N, P, *B, *event] with *B = {list(batched)}, *event = {list(problem.node.event_shape)}"
                    )
                assert run.draws.shape[1:] == expected
                tried += 1
    sizes = " and ".join(map(str, candidate.sizes))
    return Finding(f"one variable, several, a batch of three nodes; S = {sizes}", {"tried": tried})


def dtype(candidate: Candidate) -> Finding:
    """A float32 node gives float32 points and draws."""
    for family in candidate.estimator.facts.families:
        problem = candidate.problem(family, "several", torch.float32)
        run = candidate.run(problem)
        for what, found in (("points", run.points.dtype), ("draws", run.draws.dtype)):
            if found != torch.float32:
                raise Broken(
                    f"a float32 {family} node gave {str(found)[6:]} {what}: make constants of the node's dtype, "
                    "torch.tensor(c, dtype=node.theta.dtype), and leave .double() out"
                )
    return Finding("float32 stays float32")


def _described(problem: Any) -> str:
    node = problem.node
    return f"a {node.family} node with *B = {list(node.batch_shape)}, *event = {list(node.event_shape)}"
