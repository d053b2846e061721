"""What families of D independent variables share: theta [*B, R, D], one row for each kind of parameter."""

from typing import Self

import torch
from torch import Tensor

from ..errors import InputError
from ..node import checked_theta

RARE = 1e-6  # the mass that may lie beyond the smallest or largest numbers of a dtype


class Rows:
    """Shapes of a node whose parameter is [*B, R, D] and whose event is [D].

    A subclass is a frozen dataclass with one field, its parameter, that ``theta`` returns.
    """

    @property
    def theta(self) -> Tensor:
        """The parameter [*B, R, D]."""
        raise NotImplementedError

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """*B."""
        return tuple(self.theta.shape[:-2])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """[D]."""
        return tuple(self.theta.shape[-1:])

    def with_theta(self, theta: Tensor) -> Self:
        """Return the same family at another parameter."""
        return type(self)(theta)  # type: ignore[call-arg]


def checked_rows(family: str, argument: str, theta: Tensor, rows: tuple[str, ...]) -> None:
    """Refuse a parameter that is not [*B, R, D], a float tensor of finite numbers with a row for each name.

    Raises:
        TypeError, InputError: naming the argument, and how to stack the rows.
    """
    shape = f"[*B, {len(rows)}, D]"
    checked_theta(family, argument, theta, shape, 2)
    if theta.shape[-2] != len(rows):
        raise InputError(
            f"{family}({argument}): got shape {list(theta.shape)}; it must be {shape}, "
            f"e.g. torch.stack([{', '.join(rows)}], -2)"
        )
    checked_finite(family, argument, theta)


def checked_finite(family: str, argument: str, theta: Tensor) -> None:
    """Refuse entries that are -inf too, which a mask may be and a location may not.

    Raises:
        InputError: if an entry is not finite.
    """
    if not torch.isfinite(theta).all():
        raise InputError(f"{family}({argument}): every entry must be finite, and one is -inf")


def checked_positive(family: str, argument: str, what: str, numbers: Tensor, least: float = 0.0) -> None:
    """Refuse numbers that are not positive, or not above ``least``.

    Raises:
        InputError: naming the smallest of them.
    """
    smallest = float(numbers.detach().min())
    if not smallest > 0:
        raise InputError(f"{family}({argument}): {what} must be positive, and one is {smallest:g}")
    if smallest < least:
        raise InputError(
            f"{family}({argument}): {what} of {smallest:g} puts more than {RARE:g} of the mass beyond what "
            f"{str(numbers.dtype).removeprefix('torch.')} can tell apart; give at least {least:.3g}"
            + ("" if numbers.dtype == torch.float64 else ", or float64")
        )
