"""What is known of an estimator without running it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FAMILIES = (
    "bernoulli",
    "categorical",
    "normal",
    "laplace",
    "logistic",
    "student_t",
    "multivariate_normal",
    "gamma",
    "beta",
    "dirichlet",
    "von_mises",
    "poisson",
    "geometric",
    "subset",
)
NEEDS = ("values", "slopes", "relaxed")
OBJECTIVES = ("mean", "elbo", "iwae")
TARGETS = ("expectation", "relaxed", "tempered", "smoothed", "bound")


@dataclass(frozen=True)
class Facts:
    """One catalogue entry: literals only, so that lists and plans need no torch.

    Args:
        name: the estimator's name, also the name of its module in ``estimators/``.
        families: the node families on which it is defined.
        needs: what it asks of the cost f at its points: ``values``; ``slopes`` df/dx at points of the
            support; ``relaxed``, slopes at points off the support.
        unbiased: whether its mean is grad E f(D) on every problem where it applies.
        source: authors, year and identifier of the paper, with the equation where there is one.
        summary: the estimate in one line.
        config: its parameters with their defaults; None marks one that must be given.
        grid: the values of each parameter that are worth measuring.
        min_samples: the smallest number of samples S in one draw.
        samples_multiple: S is a multiple of this.
        target: what its mean estimates.
        objectives: of its problems: ``mean`` of f; ``elbo``, log q added to f; ``iwae``, a bound over particles.
        adds_score: whether on an elbo the mean score of its points is added: the derivative of log q in theta itself,
            which automatic differentiation of the sampled elbo has besides the path.
        alias_of: the entry that is the same estimator, if this is a second name.
        oracle: whether it uses what no user has (the truth, or all outcomes).
        deterministic: whether every draw is the same number; it is then computed once.
    """

    name: str
    families: tuple[str, ...]
    needs: tuple[str, ...]
    unbiased: bool
    source: str
    summary: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    min_samples: int = 1
    samples_multiple: int = 1
    target: str = "expectation"
    objectives: tuple[str, ...] = ("mean", "elbo")
    adds_score: bool = False
    alias_of: str | None = None
    oracle: bool = False
    deterministic: bool = False

    def __post_init__(self) -> None:
        for kind, given, allowed in (
            ("family", self.families, FAMILIES),
            ("need", self.needs, NEEDS),
            ("target", (self.target,), TARGETS),
            ("objective", self.objectives, OBJECTIVES),
        ):
            for one in given:
                if one not in allowed:
                    raise ValueError(
                        f"Facts of '{self.name}': unknown {kind} '{one}'; allowed are {', '.join(allowed)}"
                    )

    @property
    def uses_slopes(self) -> bool:
        """Whether df/dx is asked for, on or off the support."""
        return "slopes" in self.needs or "relaxed" in self.needs
