"""Black-box methods: the gradients of their smoothed objectives, oracles, exact rules, wrong twins."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from varbench.estimators import evolution_strategies, spsa
from varbench.estimators.estimator import Estimator
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.normal import Normal
from varbench.estimators.node import Node

from ..exact_moments import (
    Axis,
    Cost,
    FixedNoise,
    Rule,
    hermite,
    law,
    legendre,
    moments,
    polynomial,
    product,
)
from ..surrogates import ORACLES, TRIED, Choices, Variables, two_exponentials, values
from ..twins import Check, twin

TRIED["sigma"] = (0.3, 1.0)

PAIR = Bernoulli(torch.tensor([0.8, -0.4], dtype=torch.float64))
TWO_CLASSES = Categorical(torch.tensor([[0.3, -0.9]], dtype=torch.float64))
BELL = Normal(torch.tensor([[0.5], [1.3]], dtype=torch.float64))


# ---------------------------------------------------------------- smoothed objectives, and rules over what moves theta


def expected_cost(node: Node, theta: Tensor, cost: Cost) -> Tensor:
    """Return L(theta) = E f for each row of theta [Q, *param]."""
    if node.family == "normal":
        e, w = hermite(8)
        x = theta[:, None, 0] + theta[:, None, 1] * e.unsqueeze(-1)  # [Q, nodes, 1]
        return (w * cost(x)).sum(-1)
    x = node.outcomes()
    p = torch.stack([law(node, row).log_prob(x).exp() for row in theta])
    return (p * cost(x)).sum(-1)


def bells(n: int, order: int = 8) -> Axis:
    """Return the Gauss-Hermite rule of n Normal directions [Q, n]."""
    return product([hermite(order)] * n)


def signs(n: int) -> Axis:
    """Return all directions of n signs."""
    half = torch.full((2,), 0.5, dtype=torch.float64)
    return product([(torch.tensor([-1.0, 1.0], dtype=torch.float64), half)] * n)


def over_directions(node: Node, directions: Axis, size: float, noise_name: str) -> Rule:
    """One pair: each direction, with the cells of what places x in which neither side changes."""
    rows_u, rows_d, weights = [], [], []
    for direction, weight in zip(*directions, strict=True):
        step = size * direction.reshape(node.theta.shape)
        if node.family == "normal":
            u, w = product([hermite()])
        else:
            logit = lambda theta: theta if node.family == "bernoulli" else theta[..., 0] - theta[..., 1]  # noqa: E731
            p = torch.sigmoid(torch.stack([logit(node.theta + step), logit(node.theta - step)]))
            axes = []
            for low, high in zip(p.amin(0), p.amax(0), strict=True):
                edges = torch.stack([torch.zeros_like(low), low, high, torch.ones_like(low)])
                axes.append(((edges[1:] + edges[:-1]) / 2, edges[1:] - edges[:-1]))
            u, w = product(axes)
        rows_u.append(u)
        rows_d.append(direction.expand(len(u), -1))
        weights.append(weight * w)
    u, direction = torch.cat(rows_u).unsqueeze(1), torch.cat(rows_d).reshape(-1, 1, *node.theta.shape)
    laid = {
        "bernoulli": {"uniform_x": u},
        "categorical": {"exponential_x": two_exponentials(u, torch.ones_like(u))},
        "normal": {"normal_x": u},
    }[node.family]
    if noise_name == "uniform_direction":
        direction = (2 - direction) / 4  # -1 and 1 as 3/4 and 1/4
    return Rule(torch.cat(weights), FixedNoise(len(u), **laid, **{noise_name: direction}))


def gradient_of_gaussian_smoothing(node: Node, cost: Cost, sigma: float) -> Tensor:
    """Return d/dtheta E_e L(theta + sigma e), by differentiating the sum."""
    theta = node.theta.clone().requires_grad_()
    e, w = bells(node.theta.numel(), 12 if node.theta.numel() > 1 else 40)
    (w * expected_cost(node, theta + sigma * e.reshape(-1, *theta.shape), cost)).sum().backward()
    return theta.grad


def gradient_of_uniform_and_sign_smoothing(node: Node, cost: Cost, step: float) -> Tensor:
    """Return for each j d/dtheta_j of L averaged over a uniform step along j and steps of +-c along the others."""
    n, found = node.theta.numel(), []
    line, w_line = legendre(torch.linspace(-step, step, 3, dtype=torch.float64))
    for j in range(n):
        axes = [
            (line, w_line / (2 * step))
            if i == j
            else (torch.tensor([-step, step], dtype=torch.float64), torch.full((2,), 0.5, dtype=torch.float64))
            for i in range(n)
        ]
        moved, w = product(axes)
        theta = node.theta.clone().requires_grad_()
        (w * expected_cost(node, theta + moved.reshape(-1, *theta.shape), cost)).sum().backward()
        found.append(theta.grad.flatten()[j])
    return torch.stack(found).reshape(node.theta.shape)


def follows_its_smoothed_gradient(node: Node, size: float) -> Check:
    """The exact mean of one pair is the gradient of the objective that is stated."""

    def check(estimator: Estimator) -> None:
        cost, n = polynomial(node, 3), node.theta.numel()
        if estimator.facts.name == "spsa":
            rule = over_directions(node, signs(n), size, "uniform_direction")
            mean, _ = moments(estimator, node, cost, rule, 2, step=size)
            expected = gradient_of_uniform_and_sign_smoothing(node, cost, size)
        else:
            rule = over_directions(node, bells(n, 12 if n > 1 else 40), size, "normal_direction")
            mean, _ = moments(estimator, node, cost, rule, 2, sigma=size)
            expected = gradient_of_gaussian_smoothing(node, cost, size)
        torch.testing.assert_close(mean, expected, rtol=1e-7, atol=1e-9)

    return check


# ---------------------------------------------------------------- oracles


def moved_points(v: Variables, direction: Tensor, size: float, sign: int) -> Tensor:
    """Return the points of one side [N, pairs, ...] as they follow from theta moved and the common noise."""
    theta = v.theta.detach().unsqueeze(1) + sign * size * direction
    pairs, shape = direction.shape[1], direction.shape[2:]
    if not isinstance(v, Choices):
        return theta[..., 0, :] + theta[..., 1, :] * v.noise.normal(pairs, *shape[:-2], shape[-1])
    if v.x.shape[2:] == shape:  # a choice; otherwise a coin, seen as one
        z = theta - v.noise.exponential(pairs, *shape).log()
        return one_hot(z.argmax(-1), z.shape[-1]).to(z.dtype)
    b = (v.noise.uniform(pairs, *shape) < torch.sigmoid(theta)).to(theta.dtype)
    return torch.stack([b, 1 - b], -1)


def moved(v: Variables, direction: Tensor, size: float) -> Tensor:
    f, pairs = values(v), direction.shape[1]
    for sign, x in zip((1, -1), v.x.chunk(2, 1), strict=True):
        torch.testing.assert_close(x, moved_points(v, direction, size, sign))
    total = torch.zeros(())
    for i in range(pairs):
        slope = (f[:, i] - f[:, pairs + i]) / (2 * size)
        along = (direction[:, i] * v.theta).flatten(slope.ndim).sum(-1)
        total = total + slope * along / pairs
    return total


def by_signs(v: Variables, *, step: float) -> Tensor:
    """Spall 1992: each coordinate divided by its own sign."""
    u = v.noise.uniform(v.S // 2, *v.theta.shape[1:], name="direction")
    return moved(v, 1 / torch.where(u < 0.5, 1.0, -1.0).to(u.dtype), step)


def by_normals(v: Variables, *, sigma: float) -> Tensor:
    """Salimans et al. 2017, mirrored sampling."""
    return moved(v, v.noise.normal(v.S // 2, *v.theta.shape[1:], name="direction"), sigma)


ORACLES.update(spsa=(by_signs,), evolution_strategies=(by_normals,))


# ---------------------------------------------------------------- twins


@twin("spsa", follows_its_smoothed_gradient(PAIR, 0.7))
def spsa_without_its_half(node, noise, x, values, slopes, *, step):
    return 2 * spsa.combine(node, noise, x, values, slopes, step=step)


@twin("spsa", follows_its_smoothed_gradient(PAIR, 0.7))
def spsa_along_one_sign_for_all(node, noise, x, values, slopes, *, step):
    first = spsa.combine(node, noise, x, values, slopes, step=step)[..., :1]
    return first.expand(-1, node.theta.shape[-1])


@twin("spsa", follows_its_smoothed_gradient(PAIR, 0.7), half="sample")
def spsa_with_its_sides_exchanged(node, noise, S, *, step):
    plus, minus = spsa.sample(node, noise, S, step=step).chunk(2, 1)
    return torch.cat([minus, plus], 1)


@twin("evolution_strategies", follows_its_smoothed_gradient(PAIR, 0.7))
def evolution_strategies_without_sigma(node, noise, x, values, slopes, *, sigma):
    return sigma * evolution_strategies.combine(node, noise, x, values, slopes, sigma=sigma)


@twin("evolution_strategies", follows_its_smoothed_gradient(TWO_CLASSES, 0.7))
def evolution_strategies_divided_by_sigma_twice(node, noise, x, values, slopes, *, sigma):
    return evolution_strategies.combine(node, noise, x, values, slopes, sigma=sigma) / sigma


@twin("evolution_strategies", follows_its_smoothed_gradient(BELL, 0.3), half="sample")
def evolution_strategies_that_move_x(node, noise, S, *, sigma):
    """The location alone is moved: a perturbation of x, not of theta."""
    x = node.draw(noise, S // 2)
    step = sigma * noise.normal(S // 2, *node.theta.shape, name="direction")[..., 0, :]
    return torch.cat([x + step, x - step], 1)
