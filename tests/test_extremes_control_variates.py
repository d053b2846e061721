"""Control variates and coupled Gaussians where probabilities underflow, classes are masked or temperatures extreme."""

from itertools import product
from typing import Any

import pytest
import torch

from varbench.estimators.catalogue import CATALOGUE, GROUPS
from varbench.estimators.estimator import load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.normal import Normal
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from . import proofs  # noqa: F401  (enters the parameters)
from .exact_moments import gradient_draws, polynomial
from .surrogates import TRIED

INF = float("inf")
NAMES = [facts.name for facts in GROUPS["control variates"]] + ["antithetic", "rqmc"]
NODES: dict[str, Node] = {
    "coins": Bernoulli(torch.tensor([-50.0, 50.0, -800.0, 800.0, 0.0, -INF]).double()),
    "one_coin": Bernoulli(torch.tensor([[50.0], [-INF]]).double()),
    "choices": Categorical(torch.tensor([[-50.0, 50.0, 0.0], [5.0, -INF, 0.0], [-INF, -INF, 1.0]]).double()),
    "choice_of_one_class": Categorical(torch.zeros(1, 1).double()),
    "gaussians": Normal(torch.tensor([[-1e3, 0.0, 1e3], [1e-6, 1.0, 1e3]]).double()),
    "one_gaussian": Normal(torch.tensor([[[0.0], [1e-3]], [[2.0], [5.0]]]).double()),
}


def configs(name: str) -> list[dict[str, Any]]:
    tried = TRIED | {"temperature": (1e-3, 1.0, 1e3)}
    keys = CATALOGUE[name].config
    values = [tried[key] if key == "temperature" else tried[key][:1] for key in keys]
    return [dict(zip(keys, chosen, strict=True)) for chosen in product(*values)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    ("name", "label", "config"),
    [
        pytest.param(name, label, config, id="-".join([name, label, *map(str, config.values())]))
        for name in NAMES
        for label, node in NODES.items()
        if node.family in CATALOGUE[name].families
        for config in configs(name)
    ],
)
def test_draws_are_finite(name: str, label: str, config: dict[str, Any], dtype: torch.dtype) -> None:
    node = NODES[label].with_theta(NODES[label].theta.to(dtype))
    noise = PhiloxNoise(0, "extremes", 0, 256, dtype)
    S = CATALOGUE[name].min_samples
    draws = gradient_draws(load(name), node, polynomial(node, 2), noise, S, **config)
    assert draws.shape == (256, *node.theta.shape)
    assert draws.dtype == dtype
    assert torch.isfinite(draws).all()
