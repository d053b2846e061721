"""Properties of a problem's cost: its shape, what a value depends on, whether it repeats itself, its slopes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ...estimators.errors import CostError, InputError
from ...estimators.families.bernoulli import Bernoulli
from ...estimators.families.categorical import Categorical
from ...estimators.noise import PhiloxNoise
from ..cost import Evaluator
from ..problem import Problem
from .verdict import Broken, Finding, Unchecked

ROWS = 24
CHUNKS = (1, 7, ROWS)
SAME = 1e-6  # relative to the spread of the values: beyond rounding
ALL_OUTCOMES = 2**14
STEP = {torch.float64: 1e-5, torch.float32: 1e-2}  # of finite differences, relative to the size of x
SLOPE_TOLERANCE = {torch.float64: 1e-4, torch.float32: 5e-2}
PANELS = 400  # of the integral of slopes from one outcome to another
JUMP = 0.02  # relative: what the rule over a kink may miss, and a step does not


@dataclass(frozen=True, eq=False)
class Posed:
    """A problem under examination, and points of its node."""

    problem: Problem

    @cached_property
    def points(self) -> Tensor:
        """ROWS points of the node [ROWS, *B, *event]."""
        return draws(self.problem, 0)

    @cached_property
    def others(self) -> Tensor:
        """As many other points."""
        return draws(self.problem, 1)

    def values(self, x: Tensor) -> Tensor:
        """Return the cost at points [n, *B, *event], as the harness calls it."""
        return Evaluator(self.problem)(x.unsqueeze(1))[0][:, 0]

    def slopes(self, x: Tensor) -> Tensor:
        """Return its slopes at points [n, *B, *event]."""
        found = Evaluator(self.problem)(x.unsqueeze(1), slopes=True)[1]
        assert found is not None
        return found[:, 0]


def draws(problem: Problem, seed: int, rows: int = ROWS) -> Tensor:
    """Return points of the node [rows, *B, *event]."""
    theta = problem.node.theta
    noise = PhiloxNoise(seed, f"{problem.name} (check)", 0, rows, theta.dtype, theta.device)
    return problem.node.draw(noise, 1)[:, 0]


def shape(posed: Posed) -> Finding:
    """The cost takes points [..., *B, *event] to values [..., *B]."""
    problem, node = posed.problem, posed.problem.node
    x = posed.points
    batch = tuple(node.batch_shape)
    for lead in ((ROWS,), (4, ROWS // 4), (1,), (1, 1)):
        given = x[: math.prod(lead)].reshape(*lead, *x.shape[1:])
        try:
            value = problem.cost(given.clone())
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise Broken(
                f"the cost raised {reason} at points {list(given.shape)} ([..., *B, *event], *B = {list(batch)}, "
                f"*event = {list(node.event_shape)}); it must take any axes in front: count axes from the end"
            ) from error
        if not isinstance(value, Tensor):
            raise Broken(f"the cost returned {type(value).__name__}; return a torch tensor")
        if value.shape != (*lead, *batch):
            raise Broken(
                f"the cost returned shape {list(value.shape)} for points {list(given.shape)}; return one value a node, "
                f"{[*lead, *batch]}: reduce the event axes only, e.g. x.sum(-1), never all axes",
                returned=list(value.shape),
            )
        if not value.is_floating_point():
            raise Broken(f"the cost returned {value.dtype}; return floating values, e.g. value.to(x.dtype)")
    return Finding(f"points [..., {_axes(*batch, *node.event_shape)}] to values [{_axes('...', *batch)}]")


def _axes(*sizes: object) -> str:
    return ", ".join(map(str, sizes))


def repeatable(posed: Posed) -> Finding:
    """Two calls at the same points give the same values."""
    state = torch.random.get_rng_state()
    Evaluator(posed.problem).check_repeatable(posed.points.unsqueeze(1))
    if not torch.equal(state, torch.random.get_rng_state()):
        raise Broken("the cost draws from torch's global generator: draw what is random in it once, outside")
    return Finding("two calls give the same values, to the bit")


def rows(posed: Posed) -> Finding:
    """A value depends on its own row of points alone, whatever the rows around it and their number."""
    whole = posed.values(posed.points)
    scale = float((whole - whole.mean(0)).abs().max()) or float(whole.abs().max())
    worst = 0.0
    for chunk in CHUNKS:
        try:
            parts = torch.cat([posed.values(part) for part in posed.points.split(chunk)])
        except CostError as error:
            raise Broken(
                f"{ROWS} rows at once have values, but in chunks of {chunk} {error}: the cost mixes rows; no sums, "
                "means or quotients over the axes in front"
            ) from error
        worst = max(worst, float((parts - whole).abs().max()))
    mixed = posed.values(torch.cat([posed.points[:1], posed.others[1:]]))
    worst = max(worst, float((mixed[0] - whole[0]).abs().max()))
    if worst > _rounding(posed) * max(scale, float(whole.abs().max())):
        raise Broken(
            f"the value at a point changes by up to {worst:.3g} with the other rows, or their number: the cost mixes "
            "rows (a mean over the axis of rows, batch normalisation in training mode); model.eval(), and no sums over "
            "the axes in front",
            largest_change=worst,
        )
    said = "to the bit" if worst == 0 else f"to rounding, {worst:.0e}; the harness's chunks of one size keep the bits"
    return Finding(f"chunks of {', '.join(map(str, CHUNKS))} rows give the same values, {said}", {"largest": worst})


def _rounding(posed: Posed) -> float:
    return 1e-9 if posed.problem.node.theta.dtype == torch.float64 else 1e-4


def nodes(posed: Posed) -> Finding:
    """In a batch the value of a node depends on its own x alone."""
    batch = posed.problem.node.batch_shape
    if math.prod(batch) == 1:
        raise Unchecked("the node is one, not a batch of several")
    whole = posed.values(posed.points)
    size = math.prod(batch)
    flat = posed.points.reshape(ROWS, size, *posed.problem.node.event_shape).clone()
    flat[:, 1:] = posed.others.reshape(flat.shape)[:, 1:]
    changed = posed.values(flat.reshape(posed.points.shape))
    worst = float((changed.reshape(ROWS, size)[:, 0] - whole.reshape(ROWS, size)[:, 0]).abs().max())
    if worst > _rounding(posed) * float(whole.abs().max()):
        raise Broken(
            f"the value of node 0 changes by up to {worst:.3g} when x of the other nodes does: each node of a batch is "
            "weighed by its own value only; keep *B apart, or make one node of all variables if they do act together",
            largest_change=worst,
        )
    return Finding(f"each of {size} nodes has a value of its own")


def finite(posed: Posed) -> Finding:
    """The cost is finite on all outcomes where they can be listed, else on many draws and far ones."""
    problem, node = posed.problem, posed.problem.node
    count = getattr(node, "num_outcomes", None)
    if count is not None and count <= ALL_OUTCOMES and count * node.theta.numel() <= 2**20:
        axes = (1,) * len(node.batch_shape)
        table = node.outcomes().reshape(-1, *axes, *node.event_shape)  # type: ignore[attr-defined]
        Evaluator(problem)(table.unsqueeze(1))
        return Finding(f"on all {count} outcomes", {"outcomes": count})
    x = draws(problem, 2, 4096 if node.theta.numel() <= 1024 else 256)
    posed.values(x)
    if node.family in ("normal", "laplace", "logistic", "student_t"):
        far = posed.points.clone()
        for reach in (-10.0, 10.0):
            posed.values(node.theta[..., 0, :] + reach * node.theta[..., 1, :] + 0 * far)
        return Finding(f"on {len(x)} draws and ten scales away")
    return Finding(f"on {len(x)} draws")


def dtype(posed: Posed) -> Finding:
    """Points of theta's dtype give values of that dtype, in float32 too."""
    problem = posed.problem
    dtypes = list(dict.fromkeys((problem.node.theta.dtype, torch.float32)))
    for dtype in dtypes:
        cast = problem.to(dtype, problem.node.theta.device)
        try:
            value = Posed(cast).values(draws(cast, 0))
        except CostError as error:
            raise Broken(
                f"with points in {str(dtype)[6:]}: {error}. Make the cost's constants follow, weights.to(x.dtype)"
            ) from error
        if value.dtype != dtype:
            raise Broken(
                f"points in {str(dtype)[6:]} give values in {str(value.dtype)[6:]}: make the cost's constants follow, "
                "weights.to(x.dtype)"
            )
    return Finding(f"{' and '.join(str(dtype)[6:] for dtype in dtypes)} kept")


def slopes(posed: Posed) -> Finding:
    """Slopes agree with finite differences, and add up to differences of the cost between outcomes."""
    problem, node = posed.problem, posed.problem.node
    if problem.smooth == "no":
        raise Unchecked("declared smooth='no': no estimator will ask for slopes")
    relaxed = problem.smooth == "everywhere" and isinstance(node, Bernoulli | Categorical)
    x = posed.points + 0.37 * (posed.others - posed.points) if relaxed else posed.points
    found = _slopes(posed, x)
    direction = torch.cos(1 + torch.arange(x[0].numel(), dtype=x.dtype)).reshape(x.shape[1:]).expand_as(x)
    step = STEP[x.dtype] * (1 + float(x.abs().max()))
    ahead, behind = (posed.values(x + sign * step * direction) for sign in (1, -1))
    inner = (found * direction).sum(tuple(range(-len(node.event_shape), 0)))
    differences = (ahead - behind) / (2 * step)
    scale = max(float(inner.abs().max()), float(differences.abs().max()))
    off = float((inner - differences).abs().max())
    rough = 64 * torch.finfo(x.dtype).eps * float(ahead.abs().max()) / step
    if off > SLOPE_TOLERANCE[x.dtype] * scale + rough:
        raise Broken(
            f"slopes differ from finite differences by up to {off:.3g} (of {scale:.3g}) at points of the "
            f"{'relaxed ' if relaxed else ''}node: {_remedy(problem)}",
            difference=off,
        )
    if relaxed or node.family not in ("bernoulli", "categorical", "subset", "poisson", "geometric"):
        _adds_up(posed)
    where = "relaxed points, and sums from outcome to outcome" if relaxed else f"{len(x)} points"
    relative = off / scale if scale else 0.0
    return Finding(f"finite differences agree to {relative:.0e} at {where}", {"difference": relative})


def _slopes(posed: Posed, x: Tensor) -> Tensor:
    try:
        return posed.slopes(x)
    except InputError as error:
        raise Broken(f"declared smooth='{posed.problem.smooth}', but {error}") from error


def _adds_up(posed: Posed) -> None:
    """The integral of slopes along the segment from one point to another is the difference of the values there."""
    a, b = posed.points[:8], posed.others[:8]
    middles = (torch.arange(PANELS, dtype=a.dtype) + 0.5) / PANELS
    event = tuple(range(-len(posed.problem.node.event_shape), 0))
    total = torch.zeros_like(posed.values(a))
    for t in middles:
        total += (posed.slopes(a + t * (b - a)) * (b - a)).sum(event) / PANELS
    difference = posed.values(b) - posed.values(a)
    off, scale = float((total - difference).abs().max()), float(difference.abs().max())
    if off > JUMP * scale and off > JUMP * float(total.abs().max()):
        raise Broken(
            f"slopes summed up from one outcome to another differ from the difference of the costs there by {off:.3g} "
            f"(of {scale:.3g}): the cost jumps between, or part of it is detached; {_remedy(posed.problem)}",
            difference=off,
        )


def _remedy(problem: Problem) -> str:
    if problem.smooth == "everywhere":
        return (
            "write the cost in torch operations without rounding, comparisons or detach, or declare smooth='points' or "
            "smooth='no', so that relaxations are not offered what has no meaning there"
        )
    return "write the cost in torch operations without detach, or declare smooth='no'"
