"""The exact gradients of problems against closed forms, and each way of finding them against another."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from varbench import Bernoulli, Categorical, Normal, Problem
from varbench.bench.exact import truth
from varbench.bench.resolve import problem_of
from varbench.estimators.errors import InputError


def gradient(problem: str | Problem) -> tuple[Tensor, str | None]:
    found = truth(problem_of(problem))
    assert found.gradient is not None
    return found.gradient, found.method


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize(("logit", "target", "dim"), [(0, 0.45, 1), (2, 0.45, 1), (-4, 0.499, 200)])
def test_bernoulli_quadratic(logit: float, target: float, dim: int) -> None:
    """Gradient p q (1 - 2 t) / D in each logit."""
    found, method = gradient(f"bernoulli_quadratic[dim={dim},logit={logit},target={target}]")
    p = sigmoid(logit)
    assert method == "factorized_enumeration"
    assert found.tolist() == pytest.approx([p * (1 - p) * (1 - 2 * target) / dim] * dim, rel=1e-12)


@pytest.mark.parametrize("logit", [0.0, -4.0])
def test_shared_bernoulli(logit: float) -> None:
    """Gradient p q sum_d (1 - 2 c_d); -0.045 at logit 0."""
    found, method = gradient(f"shared_bernoulli[logit={logit}]")
    p = sigmoid(logit)
    assert method == "factorized_enumeration"
    assert found.tolist() == pytest.approx([p * (1 - p) * (3 - 2 * (0.6 + 0.51 + 0.48))], rel=1e-12)
    if logit == 0:
        assert found.item() == pytest.approx(-0.045, rel=1e-12)


@pytest.mark.parametrize("k", [-3.0, 0.0, 1.0, 3.0])
def test_normal_square(k: float) -> None:
    found, method = gradient(f"normal_square[k={k}]")
    assert method == "quadrature"
    assert found.tolist() == pytest.approx([2 * (1 - k), 2.0], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("k", [0.1, 1.0, 10.0])
def test_normal_exp(k: float) -> None:
    """E exp(-k x^2) = exp(-k mu^2 / a) / sqrt(a), a = 1 + 2 k sigma^2."""
    mu, sigma = torch.tensor(1.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64)
    mu.requires_grad_()
    sigma.requires_grad_()
    a = 1 + 2 * k * sigma.square()
    (torch.exp(-k * mu.square() / a) / a.sqrt()).backward()
    found, _ = gradient(f"normal_exp[k={k}]")
    assert found.tolist() == pytest.approx([float(mu.grad or 0), float(sigma.grad or 0)], rel=1e-9)


@pytest.mark.parametrize("k", [0.5, 1.0, 5.0])
def test_normal_cos(k: float) -> None:
    """E cos(k x) = cos(k mu) exp(-k^2 sigma^2 / 2)."""
    decay = math.exp(-k * k / 2)
    found, _ = gradient(f"normal_cos[k={k}]")
    assert found.tolist() == pytest.approx(
        [-k * math.sin(k) * decay, -k * k * math.cos(k) * decay], rel=1e-9, abs=1e-15
    )


@pytest.mark.parametrize("name", ["polynomial[dim=4,classes=3,degree=3]", "bernoulli_quadratic[dim=5,logit=1]"])
def test_factors_agree_with_joint_enumeration(name: str) -> None:
    separable = problem_of(name)
    joint = Problem(separable.name, separable.node, separable.cost)
    (found, _), (expected, method) = gradient(separable), gradient(joint)
    assert method == "enumeration"
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-16)


def test_enumeration_of_a_batch_is_that_of_each_node() -> None:
    logits = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 2, 4)))
    weight = torch.from_numpy(np.random.default_rng(1).standard_normal((3, 2, 4)))

    def cost(x: Tensor) -> Tensor:
        return (x * weight).sum((-1, -2)).square()

    found, _ = gradient(Problem("batch", Categorical(logits), cost))
    for b in range(3):
        alone, _ = gradient(
            Problem("one", Categorical(logits[b]), lambda x, b=b: (x * weight[b]).sum((-1, -2)).square())
        )
        assert torch.allclose(found.reshape(3, -1)[b], alone, rtol=1e-12, atol=1e-15)


def test_a_cost_that_cannot_broadcast_over_the_batch_is_expanded() -> None:
    logits = torch.zeros(3, 2, dtype=torch.float64)

    def cost(b: Tensor) -> Tensor:
        assert b.shape[-2:] == (3, 2) or b.shape[-2:] == (1, 2)
        return b.sum(-1)  # with 1 in place of the batch axis the result lacks that axis' size

    found, _ = gradient(Problem("stubborn", Bernoulli(logits), cost))
    assert torch.allclose(found, torch.full((6,), 0.25, dtype=torch.float64))


def test_quadrature_in_two_dimensions_agrees_with_the_closed_form() -> None:
    """E (x_1 x_2)^2 = (mu_1^2 + s_1^2)(mu_2^2 + s_2^2)."""
    theta = torch.tensor([[1.0, -2.0], [0.5, 1.5]], dtype=torch.float64)
    found, method = gradient(Problem("product", Normal(theta), lambda x: x.prod(-1).square()))
    (m1, m2), (s1, s2) = theta.tolist()
    first, second = m1**2 + s1**2, m2**2 + s2**2
    assert method == "quadrature"
    assert found.tolist() == pytest.approx([2 * m1 * second, 2 * m2 * first, 2 * s1 * second, 2 * s2 * first], rel=1e-9)


def test_quadrature_of_many_factors() -> None:
    theta = torch.stack([torch.linspace(-1, 1, 7), torch.linspace(0.5, 2, 7)]).double()
    problem = Problem("sum", Normal(theta), lambda x: x.square().sum(-1), terms=lambda x: x.square())
    found, method = gradient(problem)
    assert method == "factorized_quadrature"
    assert torch.allclose(found.reshape(2, 7), 2 * theta, rtol=1e-9, atol=1e-9)


def test_a_kink_is_resolved_and_a_jump_is_refused() -> None:
    node = Normal(torch.tensor([[0.3], [1.0]], dtype=torch.float64))
    found, _ = gradient(Problem("kink", node, lambda x: x.abs().sum(-1)))
    assert found[0].item() == pytest.approx(math.erf(0.3 / math.sqrt(2)), rel=1e-8)  # 2 Phi(mu) - 1
    jump = truth(Problem("jump", node, lambda x: (x > 0.1).double().sum(-1)))
    assert jump.gradient is None
    assert "did not settle" in (jump.reason or "")


def test_a_peak_narrower_than_the_first_grids_is_found() -> None:
    """E exp(-k x^2) with k = 1e7: the gradient in mu is -sqrt(pi / k) phi(1) to 1e-6."""
    found, _ = gradient("normal_exp[k=1e7]")
    phi = math.exp(-0.5) / math.sqrt(2 * math.pi)
    assert found[0].item() == pytest.approx(-math.sqrt(math.pi / 1e7) * phi, rel=1e-5)


def test_what_quadrature_cannot_see_is_refused() -> None:
    node = Normal(torch.ones(2, 1, dtype=torch.float64))
    needle = truth(Problem("needle", node, lambda x: torch.exp(-1e9 * (x - 0.7).square()).sum(-1)))
    grows = truth(Problem("grows", node, lambda x: torch.exp(0.45 * (x - 1).square()).sum(-1)))
    assert needle.gradient is None
    assert grows.gradient is None
    assert "grows too fast" in (grows.reason or "")


def test_a_constant_cost_has_gradient_zero() -> None:
    node = Normal(torch.ones(2, 1, dtype=torch.float64))
    found, _ = gradient(Problem("constant", node, lambda x: torch.full_like(x[..., 0], 3.0)))
    assert found.abs().max() < 1e-15


def test_what_cannot_be_found_says_why() -> None:
    beyond = truth(Problem("wide", Bernoulli(torch.zeros(40, dtype=torch.float64)), lambda b: b.sum(-1)))
    assert beyond.gradient is None
    assert "2^40 joint outcomes" in (beyond.reason or "")
    high = truth(Problem("high", Normal(torch.ones(2, 3, dtype=torch.float64)), lambda x: x.sum(-1)))
    assert "beyond quadrature" in (high.reason or "")


def test_given_gradients_are_taken_and_tied() -> None:
    given = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    problem = Problem(
        "given",
        Bernoulli(torch.zeros(3, dtype=torch.float64)),
        lambda b: b.sum(-1),
        exact_grad=given,
        tie=torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]),
    )
    found, method = gradient(problem)
    assert method == "closed_form"
    assert found.tolist() == [3.0, 6.0]


def test_terms_that_do_not_add_up_are_refused() -> None:
    node = Bernoulli(torch.zeros(2, dtype=torch.float64))
    with pytest.raises(InputError, match="do not add up"):
        truth(Problem("odd", node, lambda b: b.sum(-1), terms=lambda b: 2 * b))


def test_masked_classes_and_extreme_logits_have_finite_gradients() -> None:
    logits = torch.tensor([[0.0, -math.inf, 1.0], [50.0, -50.0, 0.0]], dtype=torch.float64)
    found, _ = gradient(Problem("masked", Categorical(logits), lambda x: (x * torch.arange(3)).sum((-1, -2)).square()))
    assert torch.isfinite(found).all()
    assert found[1] == 0


@pytest.mark.parametrize(("cost", "k"), [("square", -3.0), ("square", 1.0), ("exp", 0.3), ("cos", 2.0)])
def test_normal_part_is_a_part_of_the_whole(cost: str, k: float) -> None:
    whole, _ = gradient(f"normal_{cost}[k={k}]")
    parts = [gradient(f"normal_part[cost={cost},k={k},part={part}]")[0].item() for part in ("loc", "scale")]
    assert parts == pytest.approx(whole.tolist(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("text", "named"), [("cost=cube", "square, exp, cos"), ("part=both", "loc, scale")])
def test_normal_part_names_what_it_takes(text: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        problem_of(f"normal_part[{text}]")
