"""Kernels of the Gumbel methods against their torch forms, fed the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("numba")

from varbench.estimators import gumbel_rao, gumbel_softmax, st_gumbel_softmax
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.kernels import gumbel
from varbench.estimators.kernels import gumbel_rao as gumbel_rao_kernels
from varbench.estimators.kernels import gumbel_softmax as gumbel_softmax_kernels
from varbench.estimators.kernels import st_gumbel_softmax as st_gumbel_softmax_kernels
from varbench.estimators.kernels.lookup import every_outcome
from varbench.estimators.kernels.noise import KernelNoise
from varbench.estimators.kernels.table import CostTable

Node = Bernoulli | Categorical
Half = Callable[..., Tensor]
ROWS = 203  # more than a tile of 128, and no multiple of 64
TEMPERATURES = (1e-3, 0.1, 0.5, 1.0, 3.0, 100.0)


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def _masked() -> Tensor:
    """Return logits with masked classes, a class of probability 1e-7, and a certain one."""
    logits = 2 * _normal(4, 5)
    logits[0, 1] = logits[1, :3] = logits[2, 1:] = -torch.inf
    logits[3, 2] = -16
    return logits


NODES: dict[str, Node] = {
    "categorical": Categorical(_normal(3, 4)),
    "categorical, masked": Categorical(_masked()),
    "categorical, a batch": Categorical(_normal(2, 3, 2, 3)),
    "bernoulli": Bernoulli(_normal(5)),
    "bernoulli, masked": Bernoulli(torch.tensor([-torch.inf, -16.0, 0.3, 30.0], dtype=torch.float64)),
    "bernoulli, a batch": Bernoulli(_normal(2, 3, 4)),
}


@dataclass(frozen=True)
class Method:
    """A torch form, its kernels, and what config they take beside the temperature."""

    form: Any
    kernels: Any
    config: dict[str, Any] = field(default_factory=dict)
    relaxed: bool = False

    def points(self, module: Any, node: Node, noise: KernelNoise, S: int, temperature: float) -> Tensor:
        """Return what a module's sample gives."""
        return module.sample(node, noise, S, **{"temperature": temperature} if self.relaxed else {})


METHODS = {
    "gumbel_rao": Method(gumbel_rao, gumbel_rao_kernels, {"conditional_samples": 3}),
    "st_gumbel_softmax": Method(st_gumbel_softmax, st_gumbel_softmax_kernels),
    "gumbel_softmax": Method(gumbel_softmax, gumbel_softmax_kernels, relaxed=True),
}
CELLS = [(m, n) for m in METHODS for n in NODES]
HARD = [(m, n) for m, n in CELLS if not METHODS[m].relaxed]


def _noise(node: Node) -> KernelNoise:
    return KernelNoise(0, "kernels", 5, ROWS, node.theta.dtype, "cpu")


def _assert_equal(found: Tensor, wanted: Tensor, temperature: float) -> None:
    """Hold draws, whose tau times draw is of size 1, against the torch form's in float64.

    z = log p + G is within 40 and rounded, then divided by tau.
    """
    assert found.shape == wanted.shape
    eps = torch.finfo(found.dtype).eps
    torch.testing.assert_close(
        found.double() * temperature, wanted * temperature, rtol=16 * eps, atol=8 * eps * (1 + 40 / temperature)
    )


def _check_split(
    method: Method, node: Node, S: int, temperature: float, dtype: torch.dtype, twin: Half | None = None
) -> None:
    """Compare points and draws of the kernels' halves with the torch form's in float64, whatever the kernels' dtype."""
    config = method.config | {"temperature": temperature}
    node = node.with_theta(node.theta.to(dtype))
    exact = node.with_theta(node.theta.double())
    noise = _noise(exact)
    x = method.points(method.form, exact, noise, S, temperature)
    if hasattr(method.kernels, "sample"):
        found = method.points(method.kernels, node, _noise(node), S, temperature)
        assert found.dtype == dtype
        if method.relaxed:
            _assert_equal(found / temperature, x / temperature, temperature)
            x = found.double()  # what combine is given
        else:
            assert torch.equal(found.double(), x)
    slopes = _normal(*x.shape).to(dtype)
    wanted = method.form.combine(exact, noise, x, None, slopes.double(), **config)
    combine = twin or method.kernels.combine
    _assert_equal(combine(node, _noise(node), x.to(dtype), None, slopes, **config), wanted, temperature)


def _check_fused(method: Method, node: Node, S: int, temperature: float, dtype: torch.dtype) -> None:
    """Compare draws of the fused kernel with the torch form's in float64, for a random table of slopes."""
    config = method.config | {"temperature": temperature}
    node = node.with_theta(node.theta.to(dtype))
    exact = node.with_theta(node.theta.double())
    noise = _noise(exact)
    x = method.form.sample(exact, noise, S)
    outcomes = every_outcome(exact)
    width = 1 if isinstance(node, Bernoulli) else node.theta.shape[-1]
    table = CostTable(torch.empty(0), _normal(node.theta.numel() // width, len(outcomes), width).to(dtype))
    shows = x.unsqueeze(2) == outcomes  # [N, S, J, *B, *event]
    shown = shows.all(-1, keepdim=True) if isinstance(node, Categorical) else shows
    slopes = (shown * table.slopes_at_every_outcome(exact.theta)).sum(2).double()
    wanted = method.form.combine(exact, noise, x, None, slopes, **config)
    _assert_equal(method.kernels.fused(node, _noise(node), table, S, **config), wanted, temperature)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("method", "node"), CELLS)
def test_halves_give_the_points_and_draws_of_the_torch_form(method: str, node: str, dtype: torch.dtype) -> None:
    for temperature in TEMPERATURES:
        for S in (1, 3):
            _check_split(METHODS[method], NODES[node], S, temperature, dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("method", "node"), HARD)
def test_fused_kernels_give_the_draws_of_the_torch_form(method: str, node: str, dtype: torch.dtype) -> None:
    for temperature in TEMPERATURES:
        for S in (1, 3):
            _check_fused(METHODS[method], NODES[node], S, temperature, dtype)


@pytest.mark.parametrize(("method", "node"), [(m, n) for m, n in CELLS if "masked" in n])
def test_a_masked_class_has_no_gradient(method: str, node: str) -> None:
    one, bound = METHODS[method], NODES[node]
    for temperature in TEMPERATURES:
        x = one.points(one.form, bound, _noise(bound), 1, temperature)
        draws = one.kernels.combine(bound, _noise(bound), x, None, _normal(*x.shape), temperature=temperature)
        assert (draws[:, bound.theta == -torch.inf] == 0).all()


@pytest.mark.parametrize("node", NODES)
def test_draws_do_not_depend_on_what_else_is_measured(node: str) -> None:
    """Whatever is kept with the noise for one temperature, another's draws are the same to the bit."""
    bound = NODES[node]
    slopes, together = _normal(*bound.draw(_noise(bound), 2).shape), _noise(bound)
    for temperature in (*TEMPERATURES, *TEMPERATURES[::-1]):
        alone = _noise(bound)
        x = st_gumbel_softmax_kernels.sample(bound, together, 2)
        found = [
            st_gumbel_softmax_kernels.combine(bound, noise, x, None, slopes, temperature=temperature)
            for noise in (together, alone)
        ]
        assert torch.equal(*found)
        assert torch.equal(
            *(gumbel_softmax_kernels.sample(bound, noise, 2, temperature=temperature) for noise in (together, alone))
        )


def test_whole_rates_are_small_whole_numbers() -> None:
    assert [gumbel.whole_rate(t) for t in (1.0, 0.5, 1 / 3, 0.2, 0.1, 1 / 16)] == [1, 2, 3, 5, 10, 16]
    assert [gumbel.whole_rate(t) for t in (2.0, 0.7, 1 / 17, 1e-3, 1e-320)] == [0] * 5


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("rate", range(1, 17))
def test_a_power_is_the_exponential(rate: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both forms of softmax(z / tau), for every power; a rate beside it is far off."""
    node = NODES["categorical, masked"]
    node = node.with_theta(node.theta.to(dtype))

    def points(temperature: float) -> Tensor:
        return gumbel_softmax_kernels.sample(node, _noise(node), 3, temperature=temperature).double()

    by_power, other = points(1 / rate), points(1 / (rate + 0.5))
    monkeypatch.setattr(gumbel, "whole_rate", lambda temperature: 0)
    by_exponential = points(1 / rate)
    tolerance = 16 * rate * torch.finfo(dtype).eps
    assert (by_power - by_exponential).abs().max() <= tolerance
    assert (other - by_exponential).abs().max() > 10 * tolerance


def test_of_equal_speeds_the_first_wins() -> None:
    E = np.ones((4, 64), np.float32)
    speeds, inverse, which = np.empty((4, 64)), np.empty(64), np.empty(64, np.int32)
    gumbel.finish(E, np.array([0.2, 0.3, 0.3, 0.2]), 64, speeds, inverse, which, 0)
    assert (which == 1).all()
    assert np.allclose(inverse, 1 / 0.3)


def _of_another_block(method: Method) -> Half:
    def combine(node: Node, noise: KernelNoise, *rest: Any, **config: Any) -> Tensor:
        other = KernelNoise(0, "kernels", noise.block + 1, noise.rows, noise.dtype, "cpu")
        return method.kernels.combine(node, other, *rest, **config)

    return combine


def _without_rate(method: Method) -> Half:
    def combine(node: Node, *rest: Any, temperature: float, **config: Any) -> Tensor:
        return temperature * method.kernels.combine(node, *rest, temperature=temperature, **config)

    return combine


@pytest.mark.parametrize(
    ("method", "node", "twin"),
    [(m, n, _without_rate) for m, n in CELLS] + [(m, n, _of_another_block) for m, n in HARD],
)
def test_wrong_twins_are_caught(method: str, node: str, twin: Callable[[Method], Half]) -> None:
    with pytest.raises(AssertionError, match="not close"):
        _check_split(METHODS[method], NODES[node], 1, 0.5, torch.float32, twin(METHODS[method]))


@pytest.mark.parametrize("node", NODES)
def test_noise_given_another_outcome_is_caught(node: str) -> None:
    def combine(node: Node, noise: KernelNoise, x: Tensor, *rest: Any, **config: Any) -> Tensor:
        return gumbel_rao_kernels.combine(node, noise, x.roll(1, 0), *rest, **config)

    with pytest.raises(AssertionError, match="not close"):
        _check_split(METHODS["gumbel_rao"], NODES[node], 1, 0.5, torch.float32, combine)
