"""Properties of a problem as a whole: its fields, and that what it says of its gradient is so."""

from __future__ import annotations

import dataclasses
import math

import torch
from scipy import special

from ...estimators.facts import FAMILIES
from ..cost import Evaluator
from ..exact import truth
from ..reference import known_truth
from .costs import Posed, draws
from .verdict import Broken, Finding, Unchecked

ROUNDING = 1e-7  # relative to the gradient: of enumeration and quadrature
MAX_SECONDS, MAX_DRAWS = 6.0, 2**17
FALSE_ALARM = 1e-6  # of the comparison with a long run


def fields(posed: Posed) -> Finding:
    """Name, family, theta and tie are what the harness expects."""
    problem, node = posed.problem, posed.problem.node
    if not problem.name.strip():
        raise Broken("its name is empty: give one, it keys the noise")
    if node.family not in FAMILIES:
        raise Broken(f"its node is of family '{node.family}'; known are {', '.join(FAMILIES)}")
    if problem.tie is not None and not torch.isfinite(problem.tie).all():
        raise Broken("its tie holds NaN or infinity: give the matrix [Q, n] of d(node parameter)/d(shared one)")
    tie = "" if problem.tie is None else f", tied to {problem.num_entries}"
    return Finding(
        f"a {node.family} node, *B = {list(node.batch_shape)}, *event = {list(node.event_shape)}, "
        f"{node.theta.numel()} parameters{tie}, smooth='{problem.smooth}'"
    )


def terms(posed: Posed) -> Finding:
    """Terms, where given, add up to the cost."""
    problem, node = posed.problem, posed.problem.node
    if problem.terms is None:
        raise Unchecked("it gives no terms")
    x = draws(problem, 0)
    summands = problem.terms(x)
    D = node.event_shape[0]
    expected = (*x.shape[: 1 + len(node.batch_shape)], D)
    if summands.shape != expected:
        raise Broken(f"terms returned shape {list(summands.shape)}; it must be [..., *B, D] = {list(expected)}")
    values = posed.values(x)
    off = float((summands.sum(-1) - values).abs().max())
    if off > 64 * D * torch.finfo(values.dtype).eps * max(float(summands.abs().max()), 1e-300):
        raise Broken(
            f"its terms do not add up to its cost: off by {off:.3g} of {float(values.abs().max()):.3g}; mend or drop "
            "them, the exact gradient is computed from them",
            difference=off,
        )
    swapped = posed.others.clone()
    index = (slice(None),) * (1 + len(node.batch_shape)) + (0,)
    swapped[index] = x[index]
    if float((problem.terms(swapped)[..., 0] - summands[..., 0]).abs().max()) > 1e-9 * float(summands.abs().max()):
        raise Broken("term 0 changes when the other variables do: a separable cost's summand d depends on x_d alone")
    return Finding(f"{D} terms add up to the cost to {off:.0e}", {"difference": off})


def gradient(posed: Posed) -> Finding:
    """The gradient given is the one found without it, by enumeration or quadrature or a long run of rloo."""
    problem = posed.problem
    plain = dataclasses.replace(problem, exact_grad=None)
    if problem.exact_grad is None:
        found = truth(plain)
        if found.gradient is not None:
            return Finding(f"none is given; found by {found.method}")
        raise Unchecked(f"none is given, and none is found ({found.reason}): measure will run rloo for a minute")
    found = known_truth(plain, 0, MAX_DRAWS, MAX_SECONDS)
    if found.gradient is None:
        raise Unchecked(f"nothing to hold it against: {found.reason}")
    given = truth(problem).gradient
    assert given is not None
    off, size = float((given - found.gradient).norm()), float(found.gradient.norm())
    advice = "mend exact_grad, or leave it out: it is d E[f] / d theta, theta as the node has it, a mean over nothing"
    if not found.error_trace:
        if off > ROUNDING * max(size, _scale(posed)):
            raise Broken(
                f"exact_grad is off by {off / size if size else off:.2g} of the gradient's norm, by {found.method}; "
                f"{advice}",
                difference=off,
            )
        return Finding(
            f"exact_grad is that of {found.method}, to {off / size if size else off:.0e}", {"difference": off}
        )
    c, nu = found.error_square / found.error_trace, found.error_trace**2 / found.error_square
    p = float(special.gammaincc(nu / 2, off**2 / c / 2))
    detectable = math.sqrt(c * (float(special.chdtri(nu, FALSE_ALARM)) + 4 * math.sqrt(2 * nu))) / size if size else 0.0
    figures = {"p": p, "false_alarm": FALSE_ALARM, "detectable_relative": detectable}
    if p < FALSE_ALARM:
        raise Broken(
            f"exact_grad is off by {off / size:.2g} of the gradient's norm, by {found.method}; {advice}", **figures
        )
    return Finding(
        f"exact_grad agrees with {found.method}: off by {off / size if size else off:.1g} of its norm; an error of "
        f"{detectable:.1g} would be seen (false alarms {FALSE_ALARM:g})",
        figures,
    )


def _scale(posed: Posed) -> float:
    """Return the spread of the cost times the size of a score: what cancels in a gradient that is nearly 0."""
    values, _ = Evaluator(posed.problem)(posed.points.unsqueeze(1))
    return 1e-3 * float(values.std())
