"""Exact moments of one gradient draw: the expectation over an estimator's noise as a finite weighted sum.

Nothing here uses a node's own score or probabilities: laws come from torch.distributions.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from varbench.bench.proof.laid_noise import FixedNoise
from varbench.bench.proof.laws import law
from varbench.bench.proof.rules import (
    Axis,
    Cost,
    Rule,
    evaluated,
    exact_gradient,
    hermite,
    legendre,
    over_counts,
    over_normals,
    over_nothing,
    over_outcomes,
    over_the_node,
    polynomial,
    product,
    weighted_moments,
)
from varbench.estimators.estimator import STATE, Estimator, keywords, load, takes_state
from varbench.estimators.node import Node
from varbench.estimators.noise import Noise, PhiloxNoise

__all__ = [
    "FixedNoise",
    "Rule",
    "evaluated",
    "exact_gradient",
    "hermite",
    "law",
    "legendre",
    "over_counts",
    "over_normals",
    "over_outcomes",
    "over_the_node",
    "polynomial",
    "product",
]

REACH = 36.0  # of the logistic rule: the mass beyond is 5e-16


def logistic(split: float = 0.0, width: float = 1.0) -> Axis:
    """Return the rule of uniforms u = sigmoid(-t), t logistic, whose panels widen from width on away from t = split."""
    offsets = [0.0]
    while offsets[-1] < REACH:
        offsets.append(offsets[-1] + min(max(offsets[-1], width), 4.0))
    one_side = torch.tensor(offsets, dtype=torch.float64)
    edges = torch.cat([-one_side.flip(0), one_side[1:]]) + split
    t, w = legendre(edges.clamp(-REACH, REACH).unique())
    return torch.sigmoid(-t), w * torch.sigmoid(t) * torch.sigmoid(-t)


# ---------------------------------------------------------------- expectations over an estimator's noise


def over_cells(node: Node, S: int) -> Rule:
    """The cells of u in which neither u < p nor 1 - u < p changes, for the S/2 antithetic pairs of DisARM."""
    p = torch.sigmoid(node.theta)
    axes = []
    for low, high in zip(torch.minimum(p, 1 - p), torch.maximum(p, 1 - p), strict=True):
        edges = torch.stack([torch.zeros_like(low), low, high, torch.ones_like(low)])
        axes.append(((edges[1:] + edges[:-1]) / 2, edges[1:] - edges[:-1]))
    u, weights = product(axes * (S // 2))
    return Rule(weights, FixedNoise(len(u), uniform_x=u.reshape(-1, S // 2, len(p))))


def over_logistic(node: Node, temperature: float) -> Rule:
    """The uniform of one perturbed coin, split where the coin turns over."""
    u, weights = logistic(split=-float(node.theta), width=min(temperature, 1.0))
    return Rule(weights, FixedNoise(len(u), uniform_x=u.reshape(-1, 1, 1)))


def over_conditionals(node: Node, k: int, axis: Axis | None = None) -> Rule:
    """The two outcomes of one coin and the k uniforms of its conditional noise."""
    p = torch.sigmoid(node.theta)
    outcome = (torch.tensor([0.0, 1.0], dtype=torch.float64), torch.cat([1 - p, p]))
    numbers, weights = product([outcome] + [axis or logistic()] * k)
    x, v = numbers[:, :1].reshape(-1, 1, 1), numbers[:, 1:].reshape(-1, 1, k, 1)
    return Rule(weights, FixedNoise(len(x), uniform_conditional=v), x)


RULES: dict[str, Callable[[Node, int], Rule]] = {  # of the estimators whose expectation takes S alone
    "reinforce": over_the_node,
    "rloo": over_the_node,
    "disarm": over_cells,
    "reparameterization": over_the_node,
    "straight_through": over_outcomes,
    "reinmax": over_outcomes,
    "enumerate": over_nothing,
}
PROVEN_IN: dict[str, str] = {}  # of the others, whose expectation takes more than S: the module of tests that has it


GIVEN: dict[str, Any] = {}  # parameters that must be given, for tests that give none


def rule_of(estimator: Estimator, node: Node, S: int) -> Rule:
    """Return the rule of an estimator, or of the one that it is an alias of."""
    return RULES[estimator.facts.alias_of or estimator.facts.name](node, S)


# ---------------------------------------------------------------- draws, their moments, and the truth


def sampled(estimator: Estimator, node: Node, noise: Noise, S: int, **config: Any) -> Tensor:
    """Return the estimator's points [N, P, *B, *event]."""
    config = {**estimator.facts.config, **GIVEN, **config}
    return estimator.sample(node, noise, S, **_taken(estimator.sample, config))


def completed(estimator: Estimator, node: Node, cost: Cost, S: int, config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with what is not given, and with the state of an estimator that fits one."""
    facts = estimator.facts
    missing = {key: GIVEN.get(key) if default is None else default for key, default in facts.config.items()}
    config = {**missing, **config}
    if estimator.fit is None or STATE in config:
        return config

    def evaluate(points: Tensor, slopes: bool = False) -> tuple[Tensor, Tensor | None]:
        found = evaluated(cost, points.expand(*points.shape[:2], *node.batch_shape, *node.event_shape))
        return found if slopes else (found[0], None)

    def stream(step: int, rows: int) -> PhiloxNoise:
        return PhiloxNoise(0, "tests (fit)", step, rows, node.theta.dtype)

    return {**config, STATE: estimator.fit(node, evaluate, stream, S, **_taken(estimator.fit, config))}


def _taken(half: Callable[..., Any], config: dict[str, Any]) -> dict[str, Any]:
    names = (*keywords(half), *([STATE] if takes_state(half) else []))
    return {key: config[key] for key in names if key in config}


def gradient_draws(
    estimator: Estimator, node: Node, cost: Cost, noise: Noise, S: int, points: Tensor | None = None, **config: Any
) -> Tensor:
    """Return the draws [N, *B, *param]: sample (unless points are given), evaluate, combine; a state is in config."""
    config = completed(estimator, node, cost, S, config)
    if points is None:
        points = sampled(estimator, node, noise, S, **config)
    config = _taken(estimator.combine, config)
    return estimator.combine(node, noise, points, *evaluated(cost, points), **config)


def moments(
    estimator: Estimator, node: Node, cost: Cost, rule: Rule, S: int, tie: Tensor | None = None, **config: Any
) -> tuple[Tensor, float]:
    """Return the exact mean [*param] and covariance trace of one draw; tied draws are tie @ draw."""
    draws = gradient_draws(estimator, node, cost, rule.noise, S, rule.points, **config)
    if tie is not None:
        draws = draws.flatten(1) @ tie.T
    return weighted_moments(draws, rule.weights)


def assert_unbiased(estimator: Estimator, node: Node, cost: Cost, S: int, **config: Any) -> None:
    """Assert that the exact mean of one draw is the exact gradient, to rounding."""
    mean, _ = moments(estimator, node, cost, rule_of(estimator, node, S), S, **config)
    torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=1e-11, atol=1e-12)


def assert_variance(estimator: Estimator, node: Node, cost: Cost, S: int, expected: float) -> None:
    """Assert that the exact covariance trace of one draw is the expected one, to rounding."""
    _, variance = moments(estimator, node, cost, rule_of(estimator, node, S), S)
    assert math.isclose(variance, expected, rel_tol=1e-11, abs_tol=1e-15), f"{variance} is not {expected}"


def assert_mean_of_st_gumbel_softmax(estimator: Estimator, node: Node, cost: Cost, temperature: float) -> None:
    """Assert that one coin's exact mean, over the outcome and one conditional noise, is that of st_gumbel_softmax."""
    st = load("st_gumbel_softmax")
    expected, _ = moments(st, node, cost, over_logistic(node, temperature), 1, temperature=temperature)
    rule = over_conditionals(node, 1)
    mean, _ = moments(estimator, node, cost, rule, 1, temperature=temperature, conditional_samples=1)
    torch.testing.assert_close(mean, expected, rtol=1e-9, atol=1e-12)


def assert_printed(value: float, printed: str) -> None:
    """Assert that the value is the printed one to all its digits."""
    mantissa, _, exponent = printed.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    assert abs(value - float(printed)) <= 0.5001 * unit, f"{value} is not {printed}"
