"""Every draw of every estimator is the draw of its paper's own form, under the same noise."""

from itertools import product
from typing import Any

import pytest
import torch

from varbench.estimators.catalogue import CATALOGUE
from varbench.estimators.estimator import load
from varbench.estimators.facts import Facts
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.families.normal import Normal
from varbench.estimators.node import Node
from varbench.estimators.noise import PhiloxNoise

from . import proofs  # noqa: F401  (enters the oracles)
from .exact_moments import polynomial
from .family_nodes import node_of_family
from .surrogates import ORACLES, TRIED, assert_follows_oracles

D, K, ROWS = 3, 4, 5


def node_of(family: str, batch: tuple[int, ...], dtype: torch.dtype) -> Node:
    noise = PhiloxNoise(3, family, 0, 1)
    match family:
        case "bernoulli":
            return Bernoulli(2 * noise.normal(*batch, D)[0].to(dtype))
        case "categorical":
            return Categorical(2 * noise.normal(*batch, D, K)[0].to(dtype))
        case "normal":
            pass
        case _:
            return node_of_family(family, batch, dtype, noise)
    return Normal(torch.stack([noise.normal(*batch, D)[0], noise.uniform(*batch, D)[0] + 0.5], -2).to(dtype))


def configs(facts: Facts) -> list[dict[str, Any]]:
    return [dict(zip(facts.config, chosen, strict=True)) for chosen in product(*(TRIED[key] for key in facts.config))]


CASES = [
    pytest.param(facts.name, family, S, config, id="-".join([facts.name, family, f"S{S}", *map(str, config.values())]))
    for facts in CATALOGUE.values()
    for family in facts.families
    for S in ((1,) if facts.deterministic else range(facts.min_samples, 5, facts.samples_multiple))
    for config in configs(facts)
]


WHERE = [
    pytest.param((), torch.float64, id="one_node"),
    pytest.param((2,), torch.float64, id="two_nodes"),
    pytest.param((2,), torch.float32, id="float32"),
]


@pytest.mark.parametrize(("batch", "dtype"), WHERE)
@pytest.mark.parametrize(("name", "family", "S", "config"), CASES)
def test_draws_are_those_of_the_oracles(
    name: str, family: str, S: int, config: dict[str, Any], batch: tuple[int, ...], dtype: torch.dtype
) -> None:
    node = node_of(family, batch, dtype)
    noise = PhiloxNoise(0, "oracles", 0, ROWS, dtype)
    assert_follows_oracles(load(name), node, polynomial(node, 3), noise, S, **config)


def test_every_estimator_has_an_oracle() -> None:
    assert set(ORACLES) == {name for name, facts in CATALOGUE.items() if facts.alias_of is None}


def test_every_parameter_is_tried() -> None:
    assert set(TRIED) == {key for facts in CATALOGUE.values() for key in facts.config}
