"""What a stochastic node is: a family of laws bound to its parameter."""

from typing import ClassVar, Protocol, Self

import torch
from torch import Tensor

from .errors import InputError
from .noise import Noise

MAX_OUTCOMES = 2**20
MAX_ENTRIES = 2**26  # of the table of all outcomes: half a gigabyte in float64


class Node(Protocol):
    """A law p_theta of x, for a batch *B of independent nodes.

    Shapes: theta [*B, *param], x [N, S, *B, *event].
    """

    family: ClassVar[str]

    @property
    def theta(self) -> Tensor:
        """The parameter [*B, *param]."""
        ...

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """*B: the shape of the batch of independent nodes, () for one."""
        ...

    @property
    def event_shape(self) -> tuple[int, ...]:
        """*event: the shape of one outcome of one node."""
        ...

    def with_theta(self, theta: Tensor) -> Self:
        """Return the same family at another parameter."""
        ...

    def draw(self, noise: Noise, S: int) -> Tensor:
        """Return S points [N, S, *B, *event], by the cheapest noise that gives the law."""
        ...

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p_theta(x) [..., *B]; each *B axis of x may be 1."""
        ...

    def score(self, x: Tensor) -> Tensor:
        """Return grad_theta log p_theta(x) [..., *B, *param]."""
        ...


class Pathwise(Node, Protocol):
    """A node whose points move smoothly with theta."""

    def pathwise(self, x: Tensor, v: Tensor) -> Tensor:
        """Return (dx/dtheta)^T v [..., *B, *param] for v [..., *B, *event], at fixed noise."""
        ...


class Counts(Node, Protocol):
    """A node of independent whole numbers x_d, each with one parameter theta_d."""

    def successor(self, x: Tensor) -> Tensor:
        """Return x with each variable at its next outcome, or at its last."""
        ...

    def step_weight(self, x: Tensor) -> Tensor:
        """Return -(dQ(x_d)/dtheta_d) / q(x_d) [..., *B, D], Q the distribution function and q the probability."""
        ...


class Truncatable(Node, Protocol):
    """Counts whose law can be cut off into a choice among finitely many."""

    def truncated(self, size: int) -> tuple[Tensor, Tensor]:
        """Return log q and its derivative in theta [*B, D, size], x = 0 ... size - 1; the last stands for its tail."""
        ...


class WeakDerivative(Node, Protocol):
    """A node of independent variables x_d with R parameters each, whose laws have signed derivatives.

    dp_d/dtheta_rd = (p+_rd - p-_rd) / h_rd with laws p+ and p-, and h the spacing. For one parameter a variable (R = 1)
    theta may be [*B, D], else it is [*B, R, D].
    """

    @property
    def weak_spacing(self) -> Tensor:
        """h [R, *B, D]."""
        ...

    def weak_derivative(self, noise: Noise, S: int) -> tuple[Tensor, Tensor]:
        """Return x+ ~ p+ and x- ~ p- [N, S, R, *B, D], coupled.

        They may share the noise of ``draw``, coordinate by coordinate: x+_rd is independent of the other x_e.
        """
        ...


class Enumerable(Node, Protocol):
    """A node with finitely many outcomes, whose score is x minus its mean."""

    @property
    def probs(self) -> Tensor:
        """The mean of x [*B, *event]."""
        ...

    @property
    def num_outcomes(self) -> int:
        """Number M of joint outcomes of one node of the batch."""
        ...

    def outcomes(self) -> Tensor:
        """Return all outcomes [M, *event].

        Raises:
            InputError: for more than 2^20 outcomes, or a table that would not fit into memory.
        """
        ...

    def score_sum(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return sum_m weights_m score(x_m) for weights [N, M, *B] and x [N, M, *B or 1, *event]."""
        ...


class Discrete(Enumerable, Protocol):
    """A node with finitely many outcomes and a relaxation: what the straight-through forms are written in."""

    def tempered(self, temperature: float) -> Tensor:
        """Return the mean of x at logits / temperature [*B, *event]."""
        ...

    def perturbed(self, noise: Noise, S: int) -> Tensor:
        """Return perturbed logits z [N, S, *B, *event] with harden(z) ~ p_theta."""
        ...

    def harden(self, z: Tensor) -> Tensor:
        """Return the outcome that the perturbed logits z choose."""
        ...

    def soften(self, z: Tensor, temperature: float) -> Tensor:
        """Return the relaxed outcome at this temperature."""
        ...

    def conditional(self, x: Tensor, noise: Noise, name: str) -> Tensor:
        """Return perturbed logits z given harden(z) = x, from noise of this name."""
        ...

    def conditional_pullback(self, x: Tensor, noise: Noise, v: Tensor, name: str) -> Tensor:
        """Return (dz/dtheta)^T v for z = conditional(x, noise, name), x and the noise held fixed."""
        ...

    def pullback_given(self, x: Tensor, z: Tensor, v: Tensor) -> Tensor:
        """Return (dz/dtheta)^T v for the z that conditional noise gave, harden(z) = x, by z itself."""
        ...

    def midway(self, x: Tensor) -> Self:
        """Return the nodes, one for each point x [..., *B, *event], with mean (p + x) / 2."""
        ...

    def pullback(self, y: Tensor, v: Tensor) -> Tensor:
        """Return J(y) v, where J(y) is the Jacobian of the mean in the logits where that mean is y."""
        ...


def checked_theta(family: str, argument: str, theta: Tensor, axes: str, ndim: int) -> None:
    """Refuse a parameter that is no float64 or float32 tensor of at least ndim axes, or holds NaN or +inf.

    Raises:
        TypeError: if theta is no tensor.
        InputError: for a wrong dtype, too few axes, no entry, or entries that are not finite (-inf is a mask).
    """
    what = f"{family}({argument})"
    if not isinstance(theta, Tensor):
        raise TypeError(f"{what}: got {type(theta).__name__}; give a torch tensor of shape {axes}")
    if theta.dtype not in (torch.float64, torch.float32):
        raise InputError(f"{what}: got {theta.dtype}; give float64 or float32, e.g. {argument}.double()")
    if theta.ndim < ndim or theta.numel() == 0:
        raise InputError(f"{what}: got shape {list(theta.shape)}; it must be {axes} and not empty")
    if torch.isnan(theta).any() or torch.isposinf(theta).any():
        raise InputError(f"{what}: holds NaN or +inf; give finite numbers")


def outcome_count(node: Enumerable) -> int:
    """Return the number of joint outcomes of one node, after checking that they can be listed.

    Raises:
        InputError: for more than 2^20 outcomes, or a table that would not fit into memory.
    """
    M = node.num_outcomes
    entries = M * torch.Size(node.event_shape).numel()
    if M > MAX_OUTCOMES or entries > MAX_ENTRIES:
        raise InputError(
            f"a {node.family} node of shape {list(node.event_shape)} has about 2^{M.bit_length() - 1} joint outcomes: "
            "at most 2^20 can be enumerated, and 2^26 numbers in their table; take fewer variables or classes"
        )
    return M
