"""What is to be measured: an estimator with its config, and which of them share their points."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..estimators.errors import InputError, NotApplicable
from ..estimators.estimator import STATE, Estimator, keywords, takes_state
from ..estimators.kernels.rates import whole_rate
from ..estimators.node import outcome_count
from ..estimators.noise import PhiloxNoise
from .problem import Problem

MAX_BLOCK = 4096
THETA_ENTRIES = 2**20
POINT_ENTRIES = 2**22
STRIP_ENTRIES = 2**18  # of a strip's noise: as many numbers as a block has of a gradient, however many its samples


@dataclass(frozen=True, eq=False)
class Request:
    """An estimator as it is to be measured.

    Args:
        estimator: the two functions and their facts.
        config: its full configuration.
        num_samples: S.
        state: what the estimator's fit returned, see fitting.py; None where it has none, or was not fitted yet.
        fit_seconds: that the fit took.
        fit_values: evaluations of the cost that it took.
    """

    estimator: Estimator
    config: Mapping[str, Any]
    num_samples: int
    state: Any = None
    fit_seconds: float | None = None
    fit_values: int | None = None

    @property
    def points_key(self) -> tuple[object, ...]:
        """What decides the points: requests of one key share noise, points and evaluations."""
        used = tuple((name, self.config[name]) for name in keywords(self.estimator.sample))
        state = id(self.state) if takes_state(self.estimator.sample) else None
        return self.estimator.sample, used, self.num_samples, state

    @property
    def program(self) -> Hashable:
        """What decides the operations, whatever their numbers: requests of one program differ in temperature alone.

        Temperatures whose softmax is a power are one program, the others another.
        """
        shape = tuple(sorted((name, value) for name, value in self.config.items() if name != "temperature"))
        temperature = self.config.get("temperature")
        power = isinstance(temperature, int | float) and temperature > 0 and whole_rate(temperature) > 0
        return self.estimator.sample, self.estimator.combine, self.num_samples, shape, power, id(self.state)

    def arguments(self, half: Callable[..., Any]) -> dict[str, Any]:
        """Return what sample, combine or fit takes by keyword."""
        config = {key: self.config[key] for key in keywords(half)}
        return config | ({STATE: self.state} if takes_state(half) else {})

    def sample(self, problem: Problem, noise: PhiloxNoise, kernel: Callable[..., Tensor] | None = None) -> Tensor:
        """Return the points [N, P, *B, *event], by a kernel where one is given.

        Raises:
            InputError: if the estimator raises, or returns another shape.
        """
        name, node = self.estimator.facts.name, problem.node
        with blamed(name, "sample"):
            half = kernel or self.estimator.sample
            points = half(node, noise, self.num_samples, **self.arguments(self.estimator.sample))
        axes = 2 + len(node.batch_shape) + len(node.event_shape)
        if points.ndim != axes or points.shape[0] != noise.rows:
            raise InputError(
                f"estimator '{name}': sample returned shape {list(points.shape)}; it must be [N, P, *B, *event] "
                f"with N = {noise.rows}, *B = {list(node.batch_shape)}, *event = {list(node.event_shape)}"
            )
        return points.detach()

    def combine(
        self,
        problem: Problem,
        noise: PhiloxNoise,
        points: Tensor,
        values: Tensor,
        slopes: Tensor | None,
        kernel: Callable[..., Tensor] | None = None,
    ) -> Tensor:
        """Return the gradient draws [N, *B, *param]; the estimator sees of the cost only what it says it needs.

        Raises:
            InputError: if the estimator raises, or returns another shape.
        """
        facts = self.estimator.facts
        with blamed(facts.name, "combine"):
            half = kernel or self.estimator.combine
            draws = half(
                problem.node,
                noise,
                points,
                values if "values" in facts.needs else None,
                slopes if facts.uses_slopes else None,
                **self.arguments(self.estimator.combine),
            )
        expected = (noise.rows, *problem.node.theta.shape)
        if draws.shape != expected:
            raise InputError(
                f"estimator '{facts.name}': combine returned shape {list(draws.shape)}; "
                f"it must be [N, *B, *param] = {list(expected)}"
            )
        if facts.adds_score and problem.objective == "elbo":
            draws = draws + problem.node.score(points).mean(1)
        return draws.detach()

    def fuse(self, problem: Problem, noise: PhiloxNoise, kernel: Callable[..., Tensor], table: Any) -> Tensor:
        """Return the gradient draws [N, *B, *param] of a separable cost by one kernel."""
        return kernel(problem.node, noise, table, self.num_samples, **self.both)

    @property
    def both(self) -> dict[str, Any]:
        """What its two halves take by keyword."""
        return self.arguments(self.estimator.sample) | self.arguments(self.estimator.combine)


class blamed:  # noqa: N801  (reads as a clause: with blamed(...))
    """Turns what an estimator raises into one line that names it."""

    def __init__(self, name: str, half: str) -> None:
        self.who = f"estimator '{name}': {half}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, InputError):
            reason = " ".join(str(error).split())
            raise InputError(f"{self.who} raised {type(error).__name__}: {reason}") from error


def request(problem: Problem, estimator: Estimator, config: Mapping[str, Any], num_samples: int | None) -> Request:
    """Return the request after checking that the estimator has a meaning on this problem.

    Raises:
        NotApplicable: if it has none on this node or this cost.
        InputError: if num_samples is not one that the estimator takes.
    """
    facts = estimator.facts
    _check_applicable(problem, estimator)
    smallest = problem.particles if problem.objective == "iwae" else facts.min_samples
    S = smallest if num_samples is None else num_samples
    if isinstance(S, bool) or not isinstance(S, int):
        raise InputError(f"num_samples={num_samples!r}; it must be a whole number")
    if facts.deterministic and facts.min_samples != S:
        raise InputError(f"'{facts.name}' takes no samples: leave num_samples={S} out")
    if facts.min_samples > S:
        raise InputError(f"num_samples={S}: '{facts.name}' needs at least {facts.min_samples}")
    if S % facts.samples_multiple:
        raise InputError(f"num_samples={S}: '{facts.name}' needs a multiple of {facts.samples_multiple}")
    if problem.objective == "iwae" and problem.particles != S:
        raise NotApplicable(
            f"num_samples={S}: '{problem.name}' is a bound over {problem.particles} particles, and each draw takes "
            "that many; leave num_samples out, or set the problem's particles"
        )
    return Request(estimator, dict(config), S)


def _check_applicable(problem: Problem, estimator: Estimator) -> None:
    facts, family = estimator.facts, problem.node.family
    if family not in facts.families:
        raise NotApplicable(
            f"'{facts.name}' is defined on {' and '.join(facts.families)} nodes, '{problem.name}' has a {family} node; "
            "'varbench list estimators' shows what fits"
        )
    if problem.objective not in facts.objectives:
        raise NotApplicable(
            f"'{facts.name}' is defined on the objective {' and '.join(facts.objectives)}, that of '{problem.name}' is "
            f"{problem.objective}: take {'vimco' if problem.objective == 'iwae' else 'rloo'}, or see "
            "'varbench list estimators'"
        )
    lacking = {"everywhere": (), "points": ("relaxed",), "no": ("relaxed", "slopes")}[problem.smooth]
    for need in facts.needs:
        if need in lacking:
            where = "off the support" if need == "relaxed" else "at its points"
            raise NotApplicable(
                f"'{facts.name}' needs slopes of the cost {where}, and '{problem.name}' is declared "
                f"smooth='{problem.smooth}'; take an estimator that needs values only, e.g. rloo"
            )
    if facts.deterministic:
        try:
            outcome_count(problem.node)  # type: ignore[arg-type]
        except InputError as error:
            raise NotApplicable(f"'{facts.name}' on '{problem.name}': {error}") from error


def block_rows(problem: Problem, requested: Request) -> int:
    """Return how many draws a block has: a function of the shape, not of memory or workers."""
    if requested.estimator.facts.deterministic:
        return 1
    n, rows = problem.node.theta.numel(), MAX_BLOCK
    while rows > 1 and (rows * n > THETA_ENTRIES or rows * n * requested.num_samples > POINT_ENTRIES):
        rows //= 2
    return rows


def strip_rows(problem: Problem, S: int) -> int:
    """Return how many draws of a block are made at a time: a power of two of at least 256, see ``BlockSums``."""
    rows = STRIP_ENTRIES // (problem.node.theta.numel() * S)
    return max(256, 2 ** (rows.bit_length() - 1))


def groups(requests: Iterable[Request]) -> list[list[int]]:
    """Return the positions of the requests, those that share their points together."""
    together: dict[tuple[object, ...], list[int]] = {}
    for position, one in enumerate(requests):
        together.setdefault(one.points_key, []).append(position)
    return list(together.values())
