"""Kernels of the pathwise estimator against its torch form, fed the same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("numba")

from varbench.bench.blocks import run_block
from varbench.bench.draws import request
from varbench.bench.problem import Problem
from varbench.bench.resolve import estimator_of, problem_of
from varbench.estimators import reparameterization
from varbench.estimators.errors import InputError
from varbench.estimators.families.normal import Normal
from varbench.estimators.kernels import reparameterization as kernels
from varbench.estimators.kernels.noise import KernelNoise
from varbench.estimators.kernels.table import Polynomial

ROWS = 715  # more than a tile of 512, and no multiple of 64


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


NODES = {
    "one": Normal(torch.tensor([[1.0], [1.0]], dtype=torch.float64)),
    "five": Normal(torch.stack([_normal(5), _normal(5, 1).squeeze().exp()])),
    "a batch": Normal(torch.stack([_normal(2, 3, 4), _normal(2, 3, 4).exp()], -2)),
}


def _noise(node: Normal) -> KernelNoise:
    return KernelNoise(0, "kernels", 5, ROWS, node.theta.dtype, "cpu")


def _check(node: Normal, S: int, dtype: torch.dtype, M: int = 4, twin: float = 0.0) -> None:
    """Compare points, the draws of combine, and those of the fused kernel with the torch form's in float64."""
    node = Normal(node.theta.to(dtype))
    exact = Normal(node.theta.double())
    cost = Polynomial(_normal(node.loc.shape[-1], M))
    noise, eps = _noise(exact), torch.finfo(dtype).eps
    x = reparameterization.sample(exact, noise, S)
    found = kernels.sample(node, _noise(node), S)
    assert torch.equal(found, reparameterization.sample(node, _noise(node), S))
    torch.testing.assert_close(found.double(), x, rtol=4 * eps, atol=4 * eps * float(x.abs().max()))
    with torch.enable_grad():
        leaf = x.clone().requires_grad_()
        slopes = torch.autograd.grad(cost.at(leaf).sum(), leaf)[0]
    wanted = reparameterization.combine(exact, noise, x, None, slopes)
    tolerance: dict[str, Any] = {"rtol": 32 * eps, "atol": 32 * eps * float(wanted.abs().max() + 1)}
    split = kernels.combine(node, _noise(node), found, None, slopes.to(dtype))
    torch.testing.assert_close(split.double(), wanted, **tolerance)
    other = Polynomial(cost.coefficients + twin)
    torch.testing.assert_close(kernels.fused(node, _noise(node), other, S).double(), wanted, **tolerance)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("node", NODES)
def test_kernels_give_the_points_and_draws_of_the_torch_form(node: str, dtype: torch.dtype) -> None:
    for S in (1, 3):
        for M in (1, 2, 3, 5):
            _check(NODES[node], S, dtype, M)


@pytest.mark.parametrize("node", NODES)
def test_other_coefficients_are_caught(node: str) -> None:
    with pytest.raises(AssertionError, match="not close"):
        _check(NODES[node], 1, torch.float32, twin=1e-3)


def test_the_harness_takes_the_fused_kernel_for_a_polynomial_cost() -> None:
    problem = problem_of("normal_square[k=3]")
    one = request(problem, *estimator_of("reparameterization"), None)
    fused, torch_form = (run_block(problem, [one], 0, 0, 200, fastest) for fastest in ("fused", "torch"))
    torch.testing.assert_close(fused.draws, torch_form.draws, rtol=1e-13, atol=1e-13)
    assert fused.cost_seconds == 0
    assert fused.largest[0] >= torch_form.largest[0]
    assert fused.num_points == torch_form.num_points == 1


def test_coefficients_that_are_not_the_costs_are_refused() -> None:
    problem = problem_of("normal_square[k=3]")
    wrong = replace(problem, coefficients=torch.tensor([[9.0, -6.0, 1.01]], dtype=torch.float64))
    one = request(wrong, *estimator_of("reparameterization"), None)
    with pytest.raises(InputError, match="are not its cost's"):
        run_block(wrong, [one], 0, 0, 200)


@pytest.mark.parametrize(
    ("coefficients", "words"),
    [
        (torch.ones(2, 3), r"must be \[1, M\]"),
        (torch.ones(3), r"must be \[1, M\]"),
        (torch.full((1, 2), torch.nan), "finite"),
    ],
)
def test_coefficients_are_checked(coefficients: Tensor, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Problem("mine", NODES["one"], lambda x: x.sum(-1), coefficients=coefficients)


def test_a_discrete_node_has_no_coefficients() -> None:
    with pytest.raises(InputError, match="Normal variables"):
        replace(problem_of("bernoulli_quadratic"), coefficients=torch.ones(1, 2))
