"""Relaxations at the edges: certain outcomes, masks, extreme temperatures, one class, one variable, both dtypes."""

import math
from typing import Any

import pytest
import torch

from varbench.estimators.estimator import load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import gradient_draws, sampled

CONFIGS: list[tuple[str, dict[str, Any]]] = [
    *(
        (name, {"temperature": tau, "scale": scale})
        for name in ("gumbel_sparsemax", "gumbel_entmax", "invertible_gaussian")
        for tau in (1e-3, 1.0, 1e3)
        for scale in ((1e-3, 50.0) if name == "invertible_gaussian" else (1.0,))
    ),
    *(("redge", {"steps": steps, "first_time": t}) for steps in (1, 2, 8) for t in (1e-3, 0.5, 0.999)),
]
INF = math.inf
EDGES = {
    "coins_at_50": lambda dtype: Bernoulli(torch.tensor([50.0, -50.0, 0.0], dtype=dtype)),
    "coins_that_underflow": lambda dtype: Bernoulli(torch.tensor([2000.0, -2000.0, -INF], dtype=dtype)),
    "one_coin": lambda dtype: Bernoulli(torch.zeros(1, dtype=dtype)),
    "choices_at_50": lambda dtype: Categorical(torch.tensor([[50.0, -50.0, 0.0], [0.0, 0.0, 2000.0]], dtype=dtype)),
    "masked_choices": lambda dtype: Categorical(
        torch.tensor([[0.3, -INF, 0.1], [0.1, 0.2, -INF], [-INF, -INF, 0.0]], dtype=dtype)
    ),
    "one_class": lambda dtype: Categorical(torch.zeros(2, 1, dtype=dtype)),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize(("name", "config"), CONFIGS)
def test_draws_are_finite_and_points_are_in_the_simplex(
    name: str, config: dict[str, Any], edge: str, dtype: torch.dtype
) -> None:
    node: Node = EDGES[edge](dtype)
    noise = PhiloxNoise(0, "edges", 0, 500, dtype)
    y = sampled(load(name), node, noise, 1, **config)
    assert y.dtype == dtype
    assert ((y >= 0) & (y <= 1 + 4 * torch.finfo(dtype).eps)).all()
    masked = torch.isneginf(node.theta)
    assert (y[..., masked] == 0).all()
    if node.family == "categorical":
        torch.testing.assert_close(y.sum(-1), torch.ones_like(y.sum(-1)), rtol=0, atol=1e-5)
    draws = gradient_draws(load(name), node, lambda x: (x - 0.3).square().flatten(2).sum(-1), noise, 1, **config)
    assert draws.dtype == dtype
    assert torch.isfinite(draws).all()
    assert (draws[..., masked] == 0).all()
    if edge == "one_class":
        assert (draws == 0).all()
