"""A problem: a node, a cost, and what is known of their gradient."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..estimators.errors import InputError
from ..estimators.facts import OBJECTIVES
from ..estimators.node import Node

SMOOTH = ("everywhere", "points", "no")


@dataclass(frozen=True, eq=False)
class Problem:
    """The task of estimating grad_theta E_{x ~ p_theta}[f(x)].

    Args:
        name: full name; with the seed it keys the noise.
        node: the law p_theta, e.g. ``Categorical(logits)``.
        cost: f, from x [..., *B, *event] to [..., *B]; each node of the batch is weighed by its own value.
            It may be called with 1 in place of each *B axis; where its result is then not shaped [..., *B],
            the harness expands x.
        exact_grad: the truth in closed form [*B, *param]; without it the truth is found by enumeration or quadrature.
        terms: a separable cost's summands [..., *B, D]; they serve the truth only, estimators never see them.
        smooth: where f is differentiable: ``everywhere``, at the ``points`` of the support only, or ``no``where.
        tie: matrix [Q, n]: the gradient is tie @ (flattened gradient of the node); for parameters that share a logit.
        source: where the problem comes from.
        objective: ``mean``, E f(x). With ``elbo`` and ``iwae`` the cost is -log p(x, data), q is the node's law, and
            the harness adds log q(x), in values and slopes alike: f = cost + log q = -log w, w the importance weight.
            The gradient is that of -ELBO = E f, or of the bound -E log mean_i w_i over ``particles`` points.
        particles: K >= 2 of an iwae, the num_samples of each draw; 1 otherwise.
        coefficients: c [D, M] of a cost on Normal variables that is f(x) = sum_d sum_m c_dm x_d^m, lowest power first;
            with them a kernel needs no call of the cost.

    Raises:
        InputError: for an unknown ``smooth`` or ``objective``, particles that do not fit it, terms beside a log q, or
            shapes that do not fit the node.
    """

    name: str
    node: Node
    cost: Callable[[Tensor], Tensor]
    exact_grad: Tensor | None = None
    terms: Callable[[Tensor], Tensor] | None = None
    smooth: str = "everywhere"
    tie: Tensor | None = None
    source: str = ""
    objective: str = "mean"
    particles: int = 1
    coefficients: Tensor | None = None

    def __post_init__(self) -> None:
        theta = self.node.theta
        if self.smooth not in SMOOTH:
            raise InputError(f"problem '{self.name}': smooth='{self.smooth}'; allowed are {', '.join(SMOOTH)}")
        self._check_objective()
        self._check_coefficients()
        if not callable(self.cost):
            raise InputError(f"problem '{self.name}': its cost is no function; give f(x) -> one value a node")
        if self.exact_grad is not None and self.exact_grad.shape != theta.shape:
            raise InputError(
                f"problem '{self.name}': exact_grad has shape {list(self.exact_grad.shape)}; "
                f"it must have theta's, {list(theta.shape)}"
            )
        if self.exact_grad is not None and not torch.isfinite(self.exact_grad).all():
            raise InputError(f"problem '{self.name}': exact_grad holds NaN or infinity; give the finite gradient")
        if self.tie is not None and (self.tie.ndim != 2 or self.tie.shape[1] != theta.numel()):
            raise InputError(
                f"problem '{self.name}': tie has shape {list(self.tie.shape)}; it must be [Q, {theta.numel()}]"
            )

    def _check_objective(self) -> None:
        what = f"problem '{self.name}'"
        if self.objective not in OBJECTIVES:
            raise InputError(f"{what}: objective='{self.objective}'; allowed are {', '.join(OBJECTIVES)}")
        if isinstance(self.particles, bool) or not isinstance(self.particles, int):
            raise InputError(f"{what}: particles={self.particles!r}; it must be a whole number")
        if self.objective == "iwae" and self.particles < 2:
            raise InputError(f"{what}: particles={self.particles}; an iwae needs at least 2 (of 1 it is the elbo)")
        if self.objective != "iwae" and self.particles != 1:
            raise InputError(f"{what}: particles={self.particles} without objective='iwae'; leave particles out")
        if self.objective != "mean" and self.terms is not None:
            raise InputError(f"{what}: terms are summands of a mean's cost; leave them out with '{self.objective}'")

    def _check_coefficients(self) -> None:
        c, what = self.coefficients, f"problem '{self.name}': coefficients"
        if c is None:
            return
        if self.node.family != "normal" or self.objective != "mean":
            raise InputError(
                f"{what} are of a mean's cost on Normal variables; leave them out with this node or objective"
            )
        D = self.node.event_shape[0]
        if c.ndim != 2 or c.shape[0] != D or not c.shape[1]:
            raise InputError(f"{what} have shape {list(c.shape)}; they must be [{D}, M], lowest power first")
        if not torch.isfinite(c).all():
            raise InputError(f"{what} hold NaN or infinity; give finite numbers")

    @property
    def num_entries(self) -> int:
        """Number of entries of the tied gradient."""
        return self.node.theta.numel() if self.tie is None else self.tie.shape[0]

    def tied(self, gradients: Tensor) -> Tensor:
        """Return gradients [N, *B, *param] as float64 rows [N, Q], tied where the problem ties parameters."""
        return self.rows(gradients).double()

    def rows(self, gradients: Tensor) -> Tensor:
        """Return the same rows in the gradients' dtype where nothing is tied."""
        rows = gradients.reshape(gradients.shape[0], -1)
        return rows if self.tie is None else rows.double() @ self.tie.to(rows.device, torch.float64).T

    def to(self, dtype: torch.dtype, device: torch.device | str) -> "Problem":
        """Return the problem with theta cast; the cost is called with points of that dtype on that device."""
        node = self.node.with_theta(self.node.theta.detach().to(device, dtype))
        return replace(self, node=node)

    def without_log_q(self) -> "Problem":
        """Return the mean of the cost alone, for what takes log q apart."""
        return replace(self, objective="mean", particles=1, exact_grad=None)
