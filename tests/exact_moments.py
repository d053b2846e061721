"""Exact moments of one gradient draw: the expectation over an estimator's noise as a finite weighted sum.

Nothing here uses a node's own score or probabilities: laws come from torch.distributions.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent, Normal, OneHotCategorical

from varbench.estimators.estimator import STATE, Estimator, keywords, load, takes_state
from varbench.estimators.node import Node
from varbench.estimators.noise import Noise, PhiloxNoise

from .family_laws import COUNTED, family_law, support

Cost = Callable[[Tensor], Tensor]
Axis = tuple[Tensor, Tensor]  # numbers [Q] and weights [Q] of a rule in one variable

REACH = 36.0  # of the logistic rule: the mass beyond is 5e-16


class FixedNoise:
    """Noise that a test lays down: ``FixedNoise(N, uniform_x=u)`` answers ``uniform(*shape, name="x")`` with u."""

    def __init__(self, rows: int, **numbers: Tensor) -> None:
        self.rows, self._numbers = rows, numbers

    def uniform(self, *shape: int, name: str = "x") -> Tensor:
        return self._laid("uniform", name, shape)

    def normal(self, *shape: int, name: str = "x") -> Tensor:
        return self._laid("normal", name, shape)

    def exponential(self, *shape: int, name: str = "x") -> Tensor:
        return self._laid("exponential", name, shape)

    def gumbel(self, *shape: int, name: str = "x") -> Tensor:
        return -self.exponential(*shape, name=name).log()

    def logistic(self, *shape: int, name: str = "x") -> Tensor:
        u = self.uniform(*shape, name=name)
        return torch.log1p(-u) - u.log()

    def generator(self, name: str) -> np.random.Generator:
        raise NotImplementedError(f"no generator '{name}' was laid down")

    def _laid(self, law: str, name: str, shape: tuple[int, ...]) -> Tensor:
        numbers = self._numbers[f"{law}_{name}"]
        assert numbers.shape == (self.rows, *shape), f"{law} '{name}' is wanted as {(self.rows, *shape)}"
        return numbers


@dataclass(frozen=True)
class Rule:
    """What stands for the expectation over noise: N rows of it (or of points), and their weights [N]."""

    weights: Tensor
    noise: FixedNoise
    points: Tensor | None = None


def law(node: Node, theta: Tensor | None = None) -> Distribution:
    """Return the node's law as torch has it, at theta or at its own parameter."""
    theta = node.theta if theta is None else theta
    match node.family:
        case "bernoulli":
            return Independent(Bernoulli(logits=theta), 1)
        case "categorical":
            return Independent(OneHotCategorical(logits=theta), 1)
        case "normal":
            return Independent(Normal(*theta.unbind(-2)), 1)
    return family_law(node, theta)


# ---------------------------------------------------------------- rules


def product(axes: Sequence[Axis]) -> Axis:
    """Return the product rule: numbers [Q1 Q2 ..., n] and weights [Q1 Q2 ...]."""
    numbers = torch.cartesian_prod(*[x for x, _ in axes]).reshape(-1, len(axes))
    weights = torch.cartesian_prod(*[w for _, w in axes]).reshape(-1, len(axes))
    return numbers, weights.prod(-1)


def hermite(order: int = 6) -> Axis:
    """Return the Gauss-Hermite rule of N(0, 1), exact for polynomials of degree 2 order - 1."""
    x, w = np.polynomial.hermite_e.hermegauss(order)
    return torch.from_numpy(x), torch.from_numpy(w / math.sqrt(2 * math.pi))


def legendre(edges: Tensor, order: int = 24) -> Axis:
    """Return the Gauss-Legendre rule on the panels between the edges."""
    x, w = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(order))
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * x).flatten(), (half[:, None] * w).flatten()


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


def over_outcomes(node: Node, S: int) -> Rule:
    """All joint outcomes of S independent points, for estimators without other noise."""
    outcomes = node.outcomes()
    index = torch.arange(len(outcomes))
    rows, weights = product([(index, law(node).log_prob(outcomes).exp())] * S)
    return Rule(weights, FixedNoise(len(rows)), outcomes[rows])


def over_cells(node: Node, S: int) -> Rule:
    """The cells of u in which neither u < p nor 1 - u < p changes, for the S/2 antithetic pairs of DisARM."""
    p = torch.sigmoid(node.theta)
    axes = []
    for low, high in zip(torch.minimum(p, 1 - p), torch.maximum(p, 1 - p), strict=True):
        edges = torch.stack([torch.zeros_like(low), low, high, torch.ones_like(low)])
        axes.append(((edges[1:] + edges[:-1]) / 2, edges[1:] - edges[:-1]))
    u, weights = product(axes * (S // 2))
    return Rule(weights, FixedNoise(len(u), uniform_x=u.reshape(-1, S // 2, len(p))))


def over_normals(node: Node, S: int) -> Rule:
    """Gauss-Hermite in every coordinate of S points."""
    D = node.event_shape[0]
    e, weights = product([hermite()] * (S * D))
    return Rule(weights, FixedNoise(len(e), normal_x=e.reshape(-1, S, D)))


def over_the_node(node: Node, S: int) -> Rule:
    """S independent points of the node, whatever its family."""
    if node.family == "normal":
        return over_normals(node, S)
    if node.family in COUNTED:
        return over_counts(node, S)
    return over_outcomes(node, S) if node.family in ("bernoulli", "categorical") else over_support(node, S)


def over_support(node: Node, S: int) -> Rule:
    """S independent points of a quadrature rule over the support."""
    x, volumes = support(node)
    rows, weights = product([(torch.arange(len(x)), law(node).log_prob(x).exp() * volumes)] * S)
    return Rule(weights, FixedNoise(len(rows)), x[rows])


def over_counts(node: Node, S: int) -> Rule:
    """One noise inside the cell of each outcome that matters, for S points of independent whole numbers or coins."""
    axes, numbers = [], torch.arange(60, dtype=torch.float64)
    for d in range(node.event_shape[0]):
        one = node.with_theta(node.theta[d : d + 1])
        if node.family == "bernoulli":
            q = torch.cat([torch.sigmoid(one.theta), torch.sigmoid(-one.theta)])  # x = 1, then x = 0
            axes.append(((q.cumsum(0) - q / 2), q))
        elif node.family == "geometric":
            q = law(one).log_prob(numbers.unsqueeze(-1)).exp()
            axes.append(((numbers + 0.5) * torch.log1p(one.theta.exp()), q))
        else:
            q = law(one).log_prob(numbers.unsqueeze(-1)).exp()
            kept = q.flip(0).cumsum(0).flip(0) > 1e-15
            axes.append(((q.cumsum(0) - q / 2)[kept], q[kept]))
    noise, weights = product(axes * S)
    name = "exponential_x" if node.family == "geometric" else "uniform_x"
    return Rule(weights, FixedNoise(len(noise), **{name: noise.reshape(-1, S, node.event_shape[0])}))


def over_nothing(node: Node, S: int) -> Rule:
    """One row: the estimator is deterministic."""
    return Rule(torch.ones(1, dtype=torch.float64), FixedNoise(1))


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


def evaluated(cost: Cost, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cost's values [N, P, *B] and slopes [N, P, *B, *event]."""
    points = points.detach().clone().requires_grad_()
    values = cost(points)
    (slopes,) = torch.autograd.grad(values.sum(), points)
    return values.detach(), slopes


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
    w = rule.weights.reshape(-1, *(1,) * (draws.ndim - 1))
    mean = (w * draws).sum(0)
    return mean, float((w * (draws - mean).square()).sum())


def exact_gradient(node: Node, cost: Cost) -> Tensor:
    """Return grad E f(x) [*param] by differentiating the finite sum for E f(x)."""
    theta = node.theta.clone().requires_grad_()
    if node.family == "normal":
        e, p = product([hermite()] * node.event_shape[0])
        x = theta[0] + theta[1] * e
    else:
        x, volumes = (node.outcomes(), 1) if node.family in ("bernoulli", "categorical") else support(node)
        p = volumes * law(node, theta).log_prob(x).exp()
    (p * cost(x)).sum().backward()
    return theta.grad


def polynomial(node: Node, degree: int) -> Cost:
    """Return a cost of this degree in which all variables meet: sum_j h^j / j with h a fixed linear form of x."""
    size = math.prod(node.event_shape)
    a = torch.cos(1.0 + torch.arange(size, dtype=torch.float64)).to(node.theta.dtype)

    def cost(x: Tensor) -> Tensor:
        h = (x.cos() if node.family == "von_mises" else x).flatten(-len(node.event_shape)) @ a
        return sum(h**j / j for j in range(1, degree + 1))

    return cost


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
