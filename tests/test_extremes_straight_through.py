"""Straight-through forms at the edges: certain outcomes, masks, extreme parameters, one class, one variable."""

import math
from typing import Any

import pytest
import torch

from varbench.estimators.errors import NotApplicable
from varbench.estimators.estimator import load
from varbench.estimators.noise import PhiloxNoise

from .exact_moments import gradient_draws, sampled
from .test_extremes_relaxations import EDGES

CONFIGS: list[tuple[str, dict[str, Any]]] = [
    *(("zgr", {"temperature": tau}) for tau in (1e-3, 1.0, 1e3)),
    *(
        (
            name,
            {"temperature": tau, "conditional_samples": 2, "gap": gap, "eta": 2.0, "forward_temperature": gap + 1e-3},
        )
        for name in ("gapped_st", "decoupled_st", "reinmax_rao", "reinmax_cv")
        for tau in (1e-3, 1.0, 1e3)
        for gap in (0.0, 1.0, 1e3)
    ),
    *(("gapped_st", {"temperature": tau, "adaptive": True}) for tau in (1e-3, 1.0, 1e3)),
    *(("imle", {"step": step, "symmetric": s}) for step in (1e-3, 1.0, 1e3) for s in (False, True)),
    *(("aimle", {"state": beta}) for beta in (1e-3, 1.0, 1e3)),
]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize(("name", "config"), CONFIGS)
def test_draws_are_finite_and_leave_masked_classes_alone(
    name: str, config: dict[str, Any], edge: str, dtype: torch.dtype
) -> None:
    node = EDGES[edge](dtype)
    noise = PhiloxNoise(0, "edges", 0, 500, dtype)
    if name == "aimle":
        config = {"state": torch.tensor(config["state"], dtype=dtype)}
        if edge in ("one_coin", "one_class"):
            with pytest.raises(NotApplicable):  # a node whose logits are all 0
                gradient_draws(load(name), node, lambda x: x.square().flatten(2).sum(-1), noise, 1, **config)
            return
    x = sampled(load(name), node, noise, 1, **config)
    assert x.dtype == dtype
    assert ((x == 0) | (x == 1)).all()
    draws = gradient_draws(load(name), node, lambda x: (x - 0.3).square().flatten(2).sum(-1), noise, 1, **config)
    assert draws.dtype == dtype
    assert torch.isfinite(draws).all()
    assert (draws[..., node.theta == -math.inf] == 0).all()
    if edge == "one_class":
        assert (draws == 0).all()
