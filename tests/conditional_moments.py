"""Exact moments of estimators with two noises, z that chooses D and z~ given D: by quadrature, in two ways.

The first lays rules down in the noise and runs the estimator. The second runs nothing of it: it integrates over z and
z~ themselves, that are alike and independent given D, by their densities.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from varbench.estimators._network import Network
from varbench.estimators.estimator import STATE, Estimator, load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.normal import Normal

from .exact_moments import (
    Cost,
    FixedNoise,
    Rule,
    completed,
    evaluated,
    exact_gradient,
    gradient_draws,
    legendre,
    logistic,
    moments,
    polynomial,
    product,
)

Control = Callable[[Tensor], tuple[Tensor, Tensor]]  # z [Q, *event] -> c [Q] and dc/dz [Q, *event]


def relaxed_cost(cost: Cost, temperature: float, soften: Callable[[Tensor], Tensor]) -> Control:
    """Return c(z) = f(soften(z / tau)) and its slope, by automatic differentiation."""

    def control(z: Tensor) -> tuple[Tensor, Tensor]:
        return evaluated(lambda leaf: cost(soften(leaf / temperature)), z)

    return control


# ---------------------------------------------------------------- the estimator, under rules for its noise


def of_one_coin(estimator: Estimator, node: Bernoulli, cost: Cost, width: float = 0.5, **config: Any) -> tuple:
    """Return the exact mean [1] and variance of one draw on one coin: a rule in the uniform of z and that of z~."""
    numbers, weights = product([logistic(split=-float(node.theta), width=width), logistic(width=width)])
    u, v = numbers.reshape(-1, 2, 1, 1).unbind(1)
    rule = Rule(weights, FixedNoise(len(u), uniform_x=u, uniform_conditional=v))
    return moments(estimator, node, cost, rule, 1, **completed(estimator, node, cost, 1, config))


def of_one_choice(estimator: Estimator, node: Categorical, cost: Cost, **config: Any) -> tuple[Tensor, float]:
    """Return the exact mean [1, 3] and covariance trace of one draw on one choice among three.

    A draw is a function of (D, z) plus one of (D, z~), which are independent given D and need a rule of their own each:
    in the ratios r_k = E_k / E_D, of density 2 / (1 + r_1 + r_2)^3, that alone matter to differences of z.
    """
    config = completed(estimator, node, cost, 1, config)
    t, w = product([legendre(torch.linspace(-38, 38, 26, dtype=torch.float64), order=12)] * 2)
    r = t.exp()
    w = w * 2 * r.prod(-1) / (1 + r.sum(-1)) ** 3
    p = torch.softmax(node.theta[0], -1)
    means, second = [], 0.0
    for d in range(3):
        E = torch.cat([r[:, :d], torch.ones(len(r), 1, dtype=torch.float64), r[:, d:]], -1)
        chosen = torch.eye(3, dtype=torch.float64)[d] * p[d] + (1 - torch.eye(3, dtype=torch.float64)[d]) * (E + p)
        middle = int(t.abs().sum(-1).argmin())

        def draws(z_noise: Tensor, noise_given: Tensor) -> Tensor:
            laid = FixedNoise(
                len(z_noise),
                exponential_x=z_noise.reshape(-1, 1, 1, 3),
                exponential_conditional=noise_given.reshape(-1, 1, 1, 3),
            )
            return gradient_draws(estimator, node, cost, laid, 1, **config).flatten(1)

        base = draws(chosen[middle : middle + 1], E[middle : middle + 1])
        by_z = draws(chosen, E[middle].expand_as(E)) - base
        by_z_given = draws(chosen[middle].expand_as(E), E)
        parts = [(w @ part, (w @ part.square()).sum() - (w @ part).square().sum()) for part in (by_z, by_z_given)]
        means.append(parts[0][0] + parts[1][0])
        second += float(p[d] * (parts[0][1] + parts[1][1] + means[-1].square().sum()))
    mean = p @ torch.stack(means)
    return mean.reshape(1, 3), second - float(mean.square().sum())


# ---------------------------------------------------------------- the same by densities, without the estimator


def of_one_coin_by_density(node: Bernoulli, cost: Cost, control: Control, eta: float = 1.0) -> tuple[float, float]:
    """Return mean and variance of (f(D) - eta c(z~)) s + eta (dc/dz - dc/dz~ dz~/dphi) by integrals over z and z~.

    dz~/dphi = -(dF/dphi) / (dF/dz), F the distribution function of z~ given D.
    """
    phi = float(node.theta)
    edges = torch.cat([torch.linspace(0, 1, 9).double(), torch.linspace(1, 44, 44)[1:].double()])
    size, w = legendre(edges, order=20)
    parts = []
    for d, sign in ((0.0, -1.0), (1.0, 1.0)):
        z = sign * size
        p_d = 1 / (1 + math.exp(-sign * phi))
        density = torch.sigmoid(z - phi) * torch.sigmoid(phi - z) / p_d
        # |z~| > a given D has probability sigmoid(sign phi - a) / p_d; its derivative in phi over that in a
        tail = torch.sigmoid(sign * phi - size) / p_d
        d_tail = sign * tail * (torch.sigmoid(size - sign * phi) - (1 - p_d))
        slope = sign * d_tail / density
        c, dc = control(z.reshape(-1, 1))
        f = float(cost(torch.tensor([[d]], dtype=torch.float64)))
        score = d - 1 / (1 + math.exp(-phi))
        given = (f - eta * c) * score - eta * dc.flatten() * slope
        free = eta * dc.flatten()
        weights = w * density
        spread = sum(float(weights @ x.square() - (weights @ x).square()) for x in (given, free))
        parts.append((p_d, float(weights @ (given + free)), spread))
    mean = sum(p * m for p, m, _ in parts)
    return mean, sum(p * (m**2 + s) for p, m, s in parts) - mean**2


def of_one_choice_by_density(node: Categorical, cost: Cost, control: Control, eta: float = 1.0) -> tuple[Tensor, float]:
    """Return mean [3] and covariance trace likewise, by integrals over the differences delta_k = z_k - z_D < 0.

    Their density is 2 prod_k p_k exp(-delta_k) / (1 + sum_k p_k (exp(-delta_k) - 1))^3, and
    ddelta_k / dlog p_k = 1 - exp(delta_k).
    """
    p = torch.softmax(node.theta[0], -1)
    edges = torch.cat([torch.linspace(0, 1, 5).double(), torch.linspace(1, 45, 30)[1:].double()])
    size, w = product([legendre(edges, order=12)] * 2)
    means, second = [], 0.0
    for d in range(3):
        k = [j for j in range(3) if j != d]
        r = p[k] * torch.expm1(size)
        weights = w * 2 * (p[k] * size.exp()).prod(-1) / (1 + r.sum(-1)) ** 3
        z = torch.zeros(len(size), 1, 3, dtype=torch.float64)
        z[:, 0, k] = -size
        c, dc = control(z)
        dc = dc[:, 0]
        by_log_p = torch.zeros_like(dc)
        by_log_p[:, k] = dc[:, k] * -torch.expm1(-size)
        onehot = torch.eye(3, dtype=torch.float64)[d]
        f = cost(onehot.reshape(1, 1, 3))
        given = (f - eta * c)[:, None] * (onehot - p) - eta * (by_log_p - by_log_p.sum(-1, keepdim=True) * p)
        free = eta * dc
        means.append(weights @ (given + free))
        spread = sum((weights @ x.square() - (weights @ x).square()).sum() for x in (given, free))
        second += float(p[d] * (means[-1].square().sum() + spread))
    mean = p @ torch.stack(means)
    return mean, second - float(mean.square().sum())


# ---------------------------------------------------------------- checks


def assert_rebar_on_a_coin(estimator: Estimator, node: Bernoulli, cost: Cost, temperature: float, eta: float) -> None:
    """Assert that the exact mean is the gradient and the exact variance that of the densities."""
    mean, variance = of_one_coin(estimator, node, cost, temperature=temperature, eta=eta, coupled=False)
    torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=1e-9, atol=1e-11)
    control = relaxed_cost(cost, temperature, torch.sigmoid)
    _, expected = of_one_coin_by_density(node, cost, control, eta)
    assert math.isclose(variance, expected, rel_tol=1e-8), f"{variance} is not {expected}"


def has_exact_moments_of_rebar(estimator: Estimator) -> None:
    node = Bernoulli(torch.tensor([1.0], dtype=torch.float64))
    assert_rebar_on_a_coin(estimator, node, polynomial(node, 3), temperature=0.5, eta=0.7)


def varies_less_than_rebar(estimator: Estimator) -> None:
    """A fitted rebar varies less than rebar at eta = 1, at every temperature tried."""
    node = Bernoulli(torch.tensor([1.0], dtype=torch.float64))
    cost = polynomial(node, 3)
    _, variance = of_one_coin(estimator, node, cost, width=0.1, fit_rows=512)
    for temperature in (0.1, 0.5, 1.0):
        _, plain = of_one_coin(load("rebar"), node, cost, width=0.1, temperature=temperature)
        assert variance < plain, f"{variance} is not less than {plain}"


def has_exact_moments_of_relax(estimator: Estimator) -> None:
    node = Bernoulli(torch.tensor([1.0], dtype=torch.float64))
    assert_relax_on_a_coin(estimator, node, temperature=0.7)


def assert_relax_on_a_coin(estimator: Estimator, node: Bernoulli, temperature: float) -> None:
    """Assert the same of a learned surrogate, and that it was worth learning."""
    cost, config = polynomial(node, 3), {"temperature": temperature}
    config = completed(load("relax"), node, cost, 1, config)
    mean, variance = of_one_coin(estimator, node, cost, **config)
    torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=1e-9, atol=1e-11)
    _, expected = of_one_coin_by_density(node, cost, learned(config[STATE], temperature, torch.sigmoid))
    assert math.isclose(variance, expected, rel_tol=1e-8), f"{variance} is not {expected}"


def learned(state: Network, temperature: float, soften: Callable[[Tensor], Tensor]) -> Control:
    """Return the surrogate of a state and its slope in z by automatic differentiation."""

    def value(y: Tensor) -> Tensor:
        hidden = torch.tanh(y.flatten(1) @ state.inner.T + state.bias)
        return state.offset + state.scale * (hidden @ state.outer)

    return relaxed_cost(value, temperature, soften)


def assert_lax(estimator: Estimator, node: Normal, cost: Cost) -> None:
    """Assert that mean and variance of one draw on one Gaussian are the exact ones; the variance by panels in x."""
    config = completed(estimator, node, cost, 1, {})
    e, w = legendre(torch.linspace(-14, 14, 141, dtype=torch.float64), order=12)  # a network is no polynomial
    w = w * torch.distributions.Normal(0.0, 1.0).log_prob(e).exp()
    rule = Rule(w, FixedNoise(len(e), normal_x=e.reshape(-1, 1, 1)))
    mean, variance = moments(estimator, node, cost, rule, 1, **config)
    torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=1e-8, atol=1e-9)

    state, (loc, scale) = config[STATE], node.theta
    law = torch.distributions.Normal(loc, scale)
    x, w = legendre(torch.linspace(-14, 14, 113, dtype=torch.float64) * scale + loc, order=12)
    w = w * law.log_prob(x).exp()
    e = (x - loc) / scale
    c, dc = learned(state, 1.0, lambda y: y)(e.unsqueeze(-1))
    left, path = cost(x.unsqueeze(-1)) - c, dc[:, 0] / scale
    parts = [left * e / scale + path, left * (e.square() - 1) / scale + path * e]
    expected = sum(float(w @ part.square() - (w @ part).square()) for part in parts)
    assert math.isclose(variance, expected, rel_tol=1e-7), f"{variance} is not {expected}"
    score = torch.stack([e, e.square() - 1]) / scale
    constant = (cost(x.unsqueeze(-1)) - state.offset) * score
    baseline = float((w * constant.square()).sum() - (constant @ w).square().sum())
    assert variance < baseline / 4, f"{variance} is not less than a fourth of {baseline}"


def has_exact_moments_of_lax(estimator: Estimator) -> None:
    node = Normal(torch.tensor([[0.5], [1.3]], dtype=torch.float64))
    assert_lax(estimator, node, lambda x: (x - 2).square().sum(-1))


def of_one_coin_coupled(node: Bernoulli, cost: Cost, control: Control, eta: float) -> tuple[float, float]:
    """Return mean and variance of the draw whose z~ is z, by the density of z: dz~/dphi = (1 - exp(-|z|)) (p or q)."""
    phi = float(node.theta)
    z, w = legendre(torch.cat([torch.linspace(-44, 0, 89), torch.linspace(0, 44, 89)[1:]]).double(), order=20)
    w = w * torch.sigmoid(z - phi) * torch.sigmoid(phi - z)
    c, dc = control(z.reshape(-1, 1))
    D, p = (z > 0).double(), 1 / (1 + math.exp(-phi))
    slope = (1 - torch.exp(-z.abs())) * torch.where(z > 0, p, 1 - p)
    draw = (cost(D.unsqueeze(-1)) - eta * c) * (D - p) + eta * dc.flatten() * (1 - slope)
    return float(w @ draw), float(w @ draw.square() - (w @ draw) ** 2)


def is_exact_when_coupled(estimator: Estimator) -> None:
    for phi, temperature, eta in ((1.0, 0.5, 0.7), (-3.0, 2.0, 1.0)):
        node = Bernoulli(torch.tensor([phi], dtype=torch.float64))
        cost = polynomial(node, 3)
        u, weights = logistic(split=-phi, width=0.5)
        rule = Rule(weights, FixedNoise(len(u), uniform_x=u.reshape(-1, 1, 1)))
        config = {"temperature": temperature, "eta": eta, "coupled": True}
        mean, variance = moments(estimator, node, cost, rule, 1, **config)
        torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=1e-9, atol=1e-11)
        _, expected = of_one_coin_coupled(node, cost, relaxed_cost(cost, temperature, torch.sigmoid), eta)
        assert math.isclose(variance, expected, rel_tol=1e-8), f"{variance} is not {expected}"
