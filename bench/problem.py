"""A problem: a node, a cost, and what is known of their gradient."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..estimators.errors import InputError
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

    Raises:
        InputError: for an unknown ``smooth``, or shapes that do not fit the node.
    """

    name: str
    node: Node
    cost: Callable[[Tensor], Tensor]
    exact_grad: Tensor | None = None
    terms: Callable[[Tensor], Tensor] | None = None
    smooth: str = "everywhere"
    tie: Tensor | None = None
    source: str = ""

    def __post_init__(self) -> None:
        theta = self.node.theta
        if self.smooth not in SMOOTH:
            raise InputError(f"problem '{self.name}': smooth='{self.smooth}'; allowed are {', '.join(SMOOTH)}")
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

    @property
    def num_entries(self) -> int:
        """Number of entries of the tied gradient."""
        return self.node.theta.numel() if self.tie is None else self.tie.shape[0]

    def tied(self, gradients: Tensor) -> Tensor:
        """Return gradients [N, *B, *param] as float64 rows [N, Q], tied where the problem ties parameters."""
        rows = gradients.reshape(gradients.shape[0], -1).double()
        return rows if self.tie is None else rows @ self.tie.to(rows).T

    def to(self, dtype: torch.dtype, device: torch.device | str) -> "Problem":
        """Return the problem with theta cast; the cost is called with points of that dtype on that device."""
        node = self.node.with_theta(self.node.theta.detach().to(device, dtype))
        return Problem(self.name, node, self.cost, self.exact_grad, self.terms, self.smooth, self.tie, self.source)
