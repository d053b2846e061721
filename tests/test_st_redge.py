"""ReDGE's hard form: exact moments on a coin, its limit, its extremes."""

import math

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from varbench.estimators.estimator import load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import FixedNoise, Rule, gradient_draws, moments, polynomial, sampled
from .test_extremes_relaxations import EDGES
from .test_relaxations import denoised_pair, legendre


@pytest.mark.parametrize("phi", [0.0, 2.0])
def test_moments_on_a_coin_are_their_integrals(phi: float) -> None:
    """Given e the coin shows 1 with probability y: the mean of y' (y f'(1) + (1 - y) f'(0)), and of its square."""
    node, at = Bernoulli(torch.tensor([phi], dtype=torch.float64)), denoised_pair(phi)
    e, w = legendre(torch.linspace(-10, 10, 41, dtype=torch.float64))
    w = w * torch.from_numpy(norm.pdf(e.numpy()))
    y = torch.tensor([at(one)[0] for one in e.tolist()], dtype=torch.float64)
    pair = (torch.stack([e, -e], -1) / math.sqrt(2)).repeat(2, 1).reshape(-1, 1, 1, 2)
    first = torch.tensor(
        [1e-300, 1e300], dtype=torch.float64
    )  # exponentials that let class 1, or class 0, arrive first
    hard = torch.stack([first, first.flip(0)]).repeat_interleave(len(e), 0).reshape(-1, 1, 1, 2)
    rule = Rule(torch.cat([w * y, w * (1 - y)]), FixedNoise(2 * len(e), normal_x=pair, exponential_hard=hard))
    cost = lambda b: (b - 0.45).pow(3).sum(-1)  # noqa: E731
    mean, variance = moments(load("st_redge"), node, cost, rule, 1)
    up, down = 3 * 0.55**2, 3 * 0.45**2

    def integral(power: int) -> float:
        def term(e: float) -> float:
            y, slope = at(e)
            return norm.pdf(e) * slope**power * (y * up**power + (1 - y) * down**power)

        return quad(term, -10, 10, epsabs=1e-14, epsrel=1e-12, limit=200)[0]

    assert math.isclose(float(mean), integral(1), rel_tol=1e-9)
    assert math.isclose(variance, integral(2) - integral(1) ** 2, rel_tol=1e-9)


def test_one_step_from_pure_noise_is_straight_through() -> None:
    node = Categorical(torch.tensor([[1.0, -0.5, 0.2]], dtype=torch.float64))
    cost, noise = polynomial(node, 3), PhiloxNoise(0, "limit", 0, 50)
    how = {"steps": 1, "first_time": 1 - 2e-4}
    x = sampled(load("st_redge"), node, noise, 2, **how)
    found = gradient_draws(load("st_redge"), node, cost, noise, 2, x, **how)
    expected = gradient_draws(load("straight_through"), node, cost, noise, 2, x)
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize(("steps", "first_time"), [(1, 1e-3), (2, 0.5), (8, 0.999)])
def test_draws_are_finite_and_masks_hold(edge: str, steps: int, first_time: float, dtype: torch.dtype) -> None:
    node, how = EDGES[edge](dtype), {"steps": steps, "first_time": first_time}
    noise = PhiloxNoise(0, "edges", 0, 500, dtype)
    x, masked = sampled(load("st_redge"), node, noise, 1, **how), torch.isneginf(node.theta)
    assert ((x == 0) | (x == 1)).all()
    assert (x[..., masked] == 0).all()
    draws = gradient_draws(load("st_redge"), node, polynomial(node, 2), noise, 1, **how)
    assert torch.isfinite(draws).all()
    assert (draws[..., masked] == 0).all()
