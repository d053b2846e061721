"""indecater_l1 and bayesian_logistic_regression: truth and provenance, each by a second way."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from varbench import measure
from varbench.bench import problems
from varbench.bench.exact import truth
from varbench.bench.problem import Problem
from varbench.bench.resolve import problem_of

from .exact_moments import legendre

DATA = Path(problems.__file__).parent / "data"


# ---------------------------------------------------------------- indecater_l1


@pytest.mark.parametrize(("dim", "classes"), [(12, 3), (6, 10), (3, 100)])
def test_the_gradient_of_the_distance(dim: int, classes: int) -> None:
    """p_dk (|k - b_d| - E |X_d - b_d|), in loops over the vector and logits that the docstring names."""
    rng = np.random.default_rng(0)
    logits, b = rng.standard_normal((dim, classes)), rng.uniform(0, classes - 1, dim)
    expected = []
    for d in range(dim):
        p = np.exp(logits[d]) / np.exp(logits[d]).sum()
        distance = [abs(k - b[d]) for k in range(classes)]
        mean = sum(p[k] * distance[k] for k in range(classes))
        expected += [p[k] * (distance[k] - mean) for k in range(classes)]
    found = truth(problem_of(f"indecater_l1[classes={classes},dim={dim}]"))
    assert found.method == "factorized_enumeration"
    assert found.gradient is not None
    assert found.gradient.tolist() == pytest.approx(expected, rel=1e-11, abs=1e-13)


def test_factors_agree_with_joint_enumeration() -> None:
    separable = problem_of("indecater_l1[classes=4,dim=3]")
    joint = truth(Problem(separable.name, separable.node, separable.cost))
    assert joint.method == "enumeration"
    torch.testing.assert_close(joint.gradient, truth(separable).gradient, rtol=1e-11, atol=1e-14)


def test_indecater_is_exact_on_its_own_problem() -> None:
    found = measure("indecater_l1", "indecater", num_draws=64, timing=False)
    assert found.num_points == 1 + 12 * 2
    assert found.variance is not None
    assert found.variance < 1e-26


# ---------------------------------------------------------------- bayesian_logistic_regression


@pytest.fixture(scope="module")
def regression() -> Problem:
    return problem_of("bayesian_logistic_regression")


def stored() -> tuple[Tensor, Tensor]:
    with np.load(DATA / "breast_cancer.npz") as arrays:
        x = np.column_stack([arrays["x"].astype(np.float64), np.ones(569)])
        return torch.from_numpy(x), torch.from_numpy(arrays["y"].astype(np.float64))


def test_the_cost_is_the_negative_log_joint(regression: Problem) -> None:
    x, y = stored()
    w = torch.randn(3, 2, 31, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    logits = (w.unsqueeze(-2) * x).sum(-1)
    likelihood = binary_cross_entropy_with_logits(logits, y.expand_as(logits), reduction="none").sum(-1)
    prior = -torch.distributions.Normal(0.0, 1.0).log_prob(w).sum(-1)
    torch.testing.assert_close(regression.cost(w), likelihood + prior, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(regression.cost(w.float()).double(), likelihood + prior, rtol=1e-5, atol=1e-5)


def test_the_truth_is_the_derivative_of_the_expected_cost(regression: Problem) -> None:
    """E f by panels in each logit, then differentiated, where the problem integrates the derivatives by trapezoids."""
    x, y = stored()
    loc, scale = (part.clone().requires_grad_() for part in regression.node.theta)
    z, w = legendre(torch.linspace(-9, 9, 37, dtype=torch.float64))
    w = w * torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    mean, deviation = x @ loc, (x.square() @ scale.square()).sqrt()
    logits = mean.unsqueeze(-1) + deviation.unsqueeze(-1) * z
    likelihood = binary_cross_entropy_with_logits(logits, y.unsqueeze(-1).expand_as(logits), reduction="none")
    expected = (likelihood @ w).sum()
    (expected + (loc.square() + scale.square()).sum() / 2).backward()
    assert regression.exact_grad is not None
    assert loc.grad is not None
    assert scale.grad is not None
    torch.testing.assert_close(regression.exact_grad, torch.stack([loc.grad, scale.grad]), rtol=1e-10, atol=1e-9)


def test_the_pathwise_estimator_agrees_with_the_truth(regression: Problem) -> None:
    found = measure(regression, "reparameterization", num_draws=4096, timing=False)
    assert found.exact_method == "closed_form"
    assert found.unbiased_p is not None
    assert found.unbiased_p > 1e-3  # the seed is fixed


def test_the_posterior_is_where_the_readme_says(regression: Problem) -> None:
    """loc doubled is the mode, where the log joint's slope is 0, and scale follows from the curvature there."""
    mode = (2 * regression.node.theta[0]).requires_grad_()
    (slope,) = torch.autograd.grad(regression.cost(mode), mode)
    assert slope.abs().max() < 1e-8
    curvature = torch.autograd.functional.hessian(regression.cost, mode.detach()).diagonal()
    torch.testing.assert_close(regression.node.theta[1], curvature.rsqrt(), rtol=1e-9, atol=0)


def test_the_data_are_the_standardised_measurements() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    data = datasets.load_breast_cancer()
    x, y = stored()
    expected = (data.data - data.data.mean(0)) / data.data.std(0)
    np.testing.assert_allclose(x[:, :30], expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(y, data.target)
