"""An estimator: two pure functions around the cost."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from inspect import Parameter, signature
from typing import Any

from torch import Tensor

from .catalogue import facts_of
from .facts import Facts
from .node import Node
from .noise import Noise

STATE = "state"


@dataclass(frozen=True, eq=False)
class Estimator:
    """A gradient estimator of grad_theta E_{x ~ p_theta}[f(x)].

    ``sample(node, noise, S, **config)`` returns the points [N, P, *B, *event] at which f is wanted;
    ``combine(node, noise, points, values, slopes, **config)`` returns N independent gradient draws
    [N, *B, *param]. Both are deterministic functions of their arguments and share noise by its name.
    Each takes, as keyword-only arguments, the parameters of ``facts.config`` that it uses.

    What is learned or moves (a baseline, the coefficient of a control variate) is fitted first and then frozen:
    ``fit(node, evaluate, stream, S, **config)`` returns a state, which sample and combine take as the keyword
    ``state``. ``evaluate(points, slopes=False)`` returns values and slopes of f and is counted; ``stream(step, rows)``
    is noise that no draw of the measurement shares.

    ``target_law(node, **config)`` says what the mean aims at where that is not grad E f(x), see target_law.py.

    Raises:
        ValueError: if the keyword-only arguments of the functions are not those of ``facts.config``, or a state is
            taken that no fit returns, or returned and not taken.
    """

    facts: Facts
    sample: Callable[..., Tensor]
    combine: Callable[..., Tensor]
    fit: Callable[..., Any] | None = None
    target_law: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        halves = (self.sample, self.combine)
        taken = {key for function in (*halves, self.fit) if function for key in keywords(function)}
        if any(map(takes_state, halves)) != (self.fit is not None):
            raise ValueError(
                f"estimator '{self.facts.name}': sample or combine takes 'state' by keyword exactly if there is a fit "
                "that returns one; make the two agree"
            )
        if taken != set(self.facts.config):
            raise ValueError(
                f"estimator '{self.facts.name}': sample and combine take {sorted(taken)} by keyword, "
                f"its facts list {sorted(self.facts.config)}; make the two agree"
            )


@lru_cache(maxsize=1024)  # asked several times a block
def keywords(function: Callable[..., object]) -> tuple[str, ...]:
    """Return the names of a function's keyword-only arguments: the parameters that it uses."""
    every = signature(function).parameters.values()
    return tuple(p.name for p in every if p.kind is Parameter.KEYWORD_ONLY and p.name != STATE)


@lru_cache(maxsize=1024)
def takes_state(function: Callable[..., object]) -> bool:
    """Return whether a function takes what the estimator's fit returned."""
    return STATE in signature(function).parameters


def load(name: str) -> Estimator:
    """Return a catalogued estimator from the module that bears its name."""
    facts = facts_of(name)
    module = import_module(f".{facts.alias_of or name}", __package__)
    optional = {name: getattr(module, name, None) for name in ("fit", "target_law")}
    return Estimator(facts, module.sample, module.combine, **optional)


def independent(node: Node, noise: Noise, S: int) -> Tensor:
    """Return S independent points of the node, by the cheapest noise that gives the law."""
    return node.draw(noise, S)


def weighted(values: Tensor, score: Tensor) -> Tensor:
    """Return values [N, P, *B] times score [N, P, *B, *param]."""
    return values.reshape(values.shape + (1,) * (score.ndim - values.ndim)) * score
