"""An estimator: two pure functions around the cost."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, signature

from torch import Tensor

from .catalogue import facts_of
from .facts import Facts
from .node import Node
from .noise import Noise


@dataclass(frozen=True, eq=False)
class Estimator:
    """A gradient estimator of grad_theta E_{x ~ p_theta}[f(x)].

    ``sample(node, noise, S, **config)`` returns the points [N, P, *B, *event] at which f is wanted;
    ``combine(node, noise, points, values, slopes, **config)`` returns N independent gradient draws
    [N, *B, *param]. Both are deterministic functions of their arguments and share noise by its name.
    Each takes, as keyword-only arguments, the parameters of ``facts.config`` that it uses.

    Raises:
        ValueError: if the keyword-only arguments of the two functions are not those of ``facts.config``.
    """

    facts: Facts
    sample: Callable[..., Tensor]
    combine: Callable[..., Tensor]

    def __post_init__(self) -> None:
        taken = set(keywords(self.sample)) | set(keywords(self.combine))
        if taken != set(self.facts.config):
            raise ValueError(
                f"estimator '{self.facts.name}': sample and combine take {sorted(taken)} by keyword, "
                f"its facts list {sorted(self.facts.config)}; make the two agree"
            )


def keywords(function: Callable[..., object]) -> tuple[str, ...]:
    """Return the names of a function's keyword-only arguments."""
    return tuple(p.name for p in signature(function).parameters.values() if p.kind is Parameter.KEYWORD_ONLY)


def load(name: str) -> Estimator:
    """Return a catalogued estimator from the module that bears its name."""
    facts = facts_of(name)
    module = import_module(f".{facts.alias_of or name}", __package__)
    return Estimator(facts, module.sample, module.combine)


def independent(node: Node, noise: Noise, S: int) -> Tensor:
    """Return S independent points of the node, by the cheapest noise that gives the law."""
    return node.draw(noise, S)


def weighted(values: Tensor, score: Tensor) -> Tensor:
    """Return values [N, P, *B] times score [N, P, *B, *param]."""
    return values.reshape(values.shape + (1,) * (score.ndim - values.ndim)) * score
