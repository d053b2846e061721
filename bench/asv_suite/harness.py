"""What the harness does around the estimators: sums over draws, and exact gradients."""

from typing import Any, ClassVar

from . import kernels


class _Timed:
    """Attributes of a benchmark of the harness."""

    version = "1"  # to be raised where a benchmark measures something else
    params: ClassVar[Any] = list(kernels.SIZES)
    param_names: ClassVar[Any] = ["problem"]
    timeout = 120
    rounds = 2
    repeat = (3, 8, 0.4)
    sample_time = 0.01
    warmup_time = 0.05


class Moments(_Timed):
    """The sums over draws from which every statistic follows."""

    def setup(self, size: str) -> None:
        """Draw what is to be summed, and compile."""
        self.run = kernels.moments(size)
        self.run()

    def time_moments(self, size: str) -> None:
        """Time the sums over one block."""
        self.run()


class Enumeration(_Timed):
    """The exact gradient by a sum over all joint outcomes."""

    def setup(self, size: str) -> None:
        """Build the problem."""
        self.run = kernels.enumeration(size)

    def time_exact_enumeration(self, size: str) -> None:
        """Time the truth of one problem."""
        self.run()


class FactorizedEnumeration(_Timed):
    """The exact gradient of a separable cost."""

    def setup(self, size: str) -> None:
        """Build the problem."""
        self.run = kernels.factorized_enumeration(size)

    def time_exact_enumeration_per_factor(self, size: str) -> None:
        """Time the truth of one problem."""
        self.run()
