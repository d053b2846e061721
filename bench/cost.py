"""Calling the cost: in chunks of a fixed number of rows, counted and checked."""

import math

import torch
from torch import Tensor

from ..estimators._draws_last import in_rows
from ..estimators.errors import CostError
from ..estimators.node import Node
from .problem import Problem

CHUNK_ENTRIES = 2**18
TABLE_ENTRIES = 2**22


class Evaluator:
    """The cost f of a problem as the harness calls it.

    Points go in as chunks of equally many rows, the last one padded, because a torch network gives other bits
    for other batch sizes. What was evaluated is counted in ``num_values`` (forward) and ``num_slopes``
    (backward), one for a point of the whole batch. With an elbo or iwae, f is the cost plus log q; what each of the two
    is at its largest stands in ``largest_value`` and ``largest_slope``, for where they cancel.

    Args:
        problem: whose cost is called.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.num_values = 0
        self.num_slopes = 0
        self.largest_value = 0.0
        self.largest_slope = 0.0

    def __call__(self, points: Tensor, slopes: bool = False) -> tuple[Tensor, Tensor | None]:
        """Return values [N, P, *B] and, where asked for, slopes [N, P, *B, *event] at points [N, P, *B, *event].

        Raises:
            CostError: if the cost raises, or returns what is no tensor of finite floating values, one a node.
        """
        node = self.problem.node
        lead, trail = (
            points.shape[:2],
            (*points.shape[2 : points.ndim - len(node.event_shape)], *node.event_shape),
        )
        rows = in_rows(points.detach()).reshape(-1, *trail)
        batch = tuple(node.batch_shape)
        if math.prod(trail) != math.prod(batch) * math.prod(node.event_shape) and not self._broadcasts(rows):
            rows = rows.expand(rows.shape[0], *batch, *node.event_shape)
        values, slope_rows = self._in_chunks(rows, slopes)
        self.num_values += rows.shape[0]
        self.num_slopes += rows.shape[0] if slopes else 0
        gradient = None if slope_rows is None else slope_rows.reshape(*lead, *slope_rows.shape[1:])
        return values.reshape(*lead, *batch), gradient

    def _broadcasts(self, rows: Tensor) -> bool:
        """Whether the cost, called with 1 in place of *B, returns a value for each node of the batch."""
        value = self._call(rows[:2].clone())
        return value.shape == (min(2, rows.shape[0]), *self.problem.node.batch_shape)

    def _in_chunks(self, rows: Tensor, slopes: bool) -> tuple[Tensor, Tensor | None]:
        node = self.problem.node
        size = math.prod(node.batch_shape) * math.prod(node.event_shape)
        entries = CHUNK_ENTRIES if rows[0].numel() == size else TABLE_ENTRIES
        most, count = 1 << max(0, (entries // size).bit_length() - 1), rows.shape[0]
        chunk = math.ceil(count / math.ceil(count / most))
        if count % chunk:
            rows = torch.cat([rows, rows[:1].expand(chunk - count % chunk, *rows.shape[1:])])
        parts = [self._checked(part, slopes) for part in (rows.split(chunk) if count > chunk else (rows,))]
        values = torch.cat([value for value, _ in parts])[:count]  # copies: a cost may write into its last answer
        if not slopes:
            return values, None
        every = [slope for _, slope in parts if slope is not None]
        return values, every[0].contiguous() if len(every) == 1 else torch.cat(every)[:count]

    def _checked(self, points: Tensor, slopes: bool) -> tuple[Tensor, Tensor | None]:
        """Return f and, where asked for, its slopes at the points of one chunk."""
        value, slope = self._cost(points, slopes)
        self._note(value, slope)
        if self.problem.objective == "mean":
            return value, slope
        log_q, log_q_slope = log_q_at(self.problem.node, points, slopes)
        self._note(log_q, log_q_slope)
        return value + log_q, None if slope is None or log_q_slope is None else slope + log_q_slope

    def _note(self, value: Tensor, slope: Tensor | None) -> None:
        self.largest_value = max(self.largest_value, _largest(value))
        if slope is not None:
            self.largest_slope = max(self.largest_slope, _largest(slope))

    def _cost(self, points: Tensor, slopes: bool) -> tuple[Tensor, Tensor | None]:
        name, node = self.problem.name, self.problem.node
        with torch.set_grad_enabled(slopes):
            x = points.detach().clone().requires_grad_(slopes)  # a cost may write into its points: not into ours
            value = self._call(x)
            expected = (x.shape[0], *node.batch_shape)
            if value.shape != expected:
                raise CostError(
                    f"the cost of '{name}' returned shape {list(value.shape)} for points {list(x.shape)}; "
                    f"return one value a node, {list(expected)}: reduce the event axes only"
                )
            if not math.isfinite(_largest(value.detach())):
                raise CostError(
                    f"the cost of '{name}' returned NaN or infinity at a point of the "
                    f"{node.family} node; return finite values on all of its support"
                )
            if not slopes:
                return value, None
            if not value.requires_grad:
                raise CostError(
                    f"the cost of '{name}' has no derivative that torch can follow; write it in torch "
                    "operations, or declare the problem smooth='no' and use estimators that need values only"
                )
            (slope,) = torch.autograd.grad(value.sum(), x)
        return value.detach(), slope

    def check_repeatable(self, points: Tensor) -> None:
        """Call the cost twice at the same points.

        Raises:
            CostError: if the two answers differ.
        """
        first, second = (self(points)[0] for _ in range(2))
        if not torch.equal(first, second):
            raise CostError(
                f"the cost of '{self.problem.name}' is random: two calls at the same points differ; "
                "draw what is random in it once, outside (for a network, model.eval())"
            )

    def _call(self, x: Tensor) -> Tensor:
        name = self.problem.name
        try:
            value = self.problem.cost(x)
        except (Exception, SystemExit) as error:
            reason = " ".join(str(error).split())
            raise CostError(
                f"the cost of '{name}' raised {type(error).__name__} at points {list(x.shape)}: {reason}"
            ) from error
        if not isinstance(value, Tensor):
            raise CostError(f"the cost of '{name}' returned {type(value).__name__}; return a torch tensor")
        if not value.is_floating_point():
            raise CostError(
                f"the cost of '{name}' returned {value.dtype}; return floating values, e.g. value.to(x.dtype)"
            )
        return value


def _largest(x: Tensor) -> float:
    """Return max |x| in one pass: NaN where x holds one."""
    least, most = torch.aminmax(x)
    return max(-float(least), float(most))


def log_q_at(node: Node, points: Tensor, slopes: bool) -> tuple[Tensor, Tensor | None]:
    """Return log q [rows, *B] and its slopes at points, theta held fixed.

    Where q = 0 both are 0: no sample falls there, and in sums over all outcomes q log q has that limit.
    """
    theta = node.theta.detach()
    with torch.set_grad_enabled(slopes):
        x = points.detach().clone().requires_grad_(slopes)
        value = node.with_theta(theta).log_prob(x)
        value = torch.where(torch.isneginf(value), 0, value)
        if not slopes:
            return value, None
        (slope,) = torch.autograd.grad(value.sum(), x)
    masked = torch.isneginf(theta)  # such a class is none; only the families whose theta is shaped like x have them
    return value.detach(), torch.where(masked, 0, slope) if masked.any() else slope
