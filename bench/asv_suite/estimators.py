"""One benchmark class for each estimator of the catalogue, under the estimator's own name."""

from typing import Any, ClassVar

from . import kernels
from .facts import listed

_SMALL = ["small"]


class _Draws:
    """Time and memory of one block of gradient draws: noise, sample, cost and combine."""

    facts: ClassVar[Any]
    version = "1"  # to be raised where a benchmark measures something else: asv then drops the old results
    params: ClassVar[Any] = list(kernels.SIZES)
    param_names: ClassVar[Any] = ["problem"]
    timeout = 120
    rounds = 2
    repeat = (3, 8, 0.4)
    sample_time = 0.01
    warmup_time = 0.05

    def setup(self, size: str) -> None:
        """Build the problem and the estimator, outside of what is timed."""
        self.kernel = kernels.kernel(self.facts, size)

    def time_draws(self, size: str) -> None:
        """Time a block of draws."""
        self.kernel.draws()

    def peakmem_draws(self, size: str) -> None:
        """Find the largest memory of the process, torch included, that computes a block of draws."""
        self.kernel.draws()


class _Variance(_Draws):
    """The variance of one draw on the small problem too, alone and times the seconds that a draw takes."""

    def track_variance(self, size: str) -> dict[str, Any]:
        """Return the variance for each of a few seeds."""
        return {"samples": kernels.variances(self.facts), "number": 1}

    def track_variance_times_seconds(self, size: str) -> dict[str, Any]:
        """Return the variance of the first seed times the seconds of one draw, for each round."""
        (variance,) = kernels.variances(self.facts, kernels.SEEDS[:1])
        return {"samples": [variance * each for each in kernels.seconds(self.kernel)], "number": 1}

    track_variance.params = _SMALL  # type: ignore[attr-defined]
    track_variance.unit = "squared gradient units"  # type: ignore[attr-defined]
    track_variance_times_seconds.params = _SMALL  # type: ignore[attr-defined]
    track_variance_times_seconds.unit = "squared gradient units x seconds"  # type: ignore[attr-defined]


def _class_of(facts: Any) -> type[_Draws]:
    """Return the class of one estimator; the variance of a deterministic one is 0 and needs no watching."""
    base = _Draws if facts.deterministic else _Variance
    attributes = {"facts": facts, "params": list(kernels.problems_of(facts)), "__module__": __name__}
    return type(facts.name, (base,), attributes)


globals().update({name: _class_of(facts) for name, facts in listed().items()})
