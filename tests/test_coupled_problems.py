"""The toy problems of ARSM and CARMS: exact gradients against closed forms, and what is measured on them."""

import math

import pytest
import torch

from varbench import measure
from varbench.bench.exact import truth
from varbench.bench.resolve import problem_of
from varbench.estimators import carms
from varbench.estimators.estimator import load

from . import proofs  # noqa: F401  (enters the rules)
from .exact_moments import RULES, exact_gradient, moments

PUBLISHED = (1, 10, 100, 1000)  # values of alpha


@pytest.mark.parametrize(("classes", "scale"), [(30, 30.0), (10, 1.0), (1, 2.0)])
def test_arsm_toy(classes: int, scale: float) -> None:
    """Gradient (z - (K + 1) / 2) / (K^2 R)."""
    found = truth(problem_of(f"arsm_toy[classes={classes},scale={scale}]"))
    assert found.method == "enumeration"
    assert found.gradient is not None
    expected = [(z - (classes + 1) / 2) / (classes**2 * scale) for z in range(1, classes + 1)]
    assert found.gradient.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-17)


def test_variance_of_reinforce_on_arsm_toy_is_its_closed_form() -> None:
    """E f^2 |D - p|^2 = mean f^2 (1 - 1/K), less the squared gradient."""
    problem = problem_of("arsm_toy")
    K = R = 30
    f = [0.5 + z / (K * R) for z in range(1, K + 1)]
    gradient = [(one - sum(f) / K) / K for one in f]
    expected = sum(one**2 for one in f) / K * (1 - 1 / K) - sum(g**2 for g in gradient)
    _, found = moments(load("reinforce"), problem.node, problem.cost, RULES["reinforce"](problem.node, 1), 1)
    assert math.isclose(found, expected, rel_tol=1e-11)


@pytest.mark.parametrize("alpha", PUBLISHED)
def test_carms_toy(alpha: float) -> None:
    """Gradient p (w - p . w) in each variable, w = 3, 6, ..., 27."""
    problem = problem_of(f"carms_toy[alpha={alpha}]")
    found = truth(problem)
    assert found.method == "factorized_enumeration"
    assert found.gradient is not None
    p, expected = torch.softmax(problem.node.theta, -1).tolist(), []
    for d in range(3):
        w = [3 * (3 * d + k + 1) for k in range(3)]
        mean = sum(a * b for a, b in zip(p[d], w, strict=True))
        expected += [a * (b - mean) for a, b in zip(p[d], w, strict=True)]
    assert found.gradient.tolist() == pytest.approx(expected, rel=1e-9)


def test_probabilities_of_carms_toy_are_fixed_and_grow_even() -> None:
    spread = []
    for alpha in PUBLISHED:
        p, again = (torch.softmax(problem_of(f"carms_toy[alpha={alpha}]").node.theta, -1) for _ in range(2))
        assert torch.equal(p, again)
        spread.append(float((p - 1 / 3).abs().max()))
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] < 0.03


@pytest.mark.parametrize("alpha", PUBLISHED)
def test_carms_is_unbiased_on_its_toy_and_varies_less_than_rloo(alpha: float) -> None:
    problem = problem_of(f"carms_toy[alpha={alpha}]")
    node, cost = problem.node, problem.cost
    assert (carms.joint(node, 2) + torch.eye(3) > 0).all()
    mean, antithetic = moments(load("carms"), node, cost, RULES["carms"](node, 2), 2)
    torch.testing.assert_close(mean, exact_gradient(node, cost), rtol=1e-10, atol=1e-10)
    _, independent = moments(load("rloo"), node, cost, RULES["rloo"](node, 2), 2)
    assert antithetic < independent


@pytest.mark.parametrize(
    ("name", "K", "P"),
    [
        ("carms", 6, 2),
        ("stick_breaking_disarm", 6, 2),
        ("ars", 6, 6),
        ("arsm", 6, 16),
        ("ars", 30, 30),
        ("arsm", 10, 46),
    ],
)
def test_every_evaluation_on_the_toy_is_counted(name: str, K: int, P: int) -> None:
    found = measure(f"arsm_toy[classes={K}]", name, num_draws=50, timing=False)
    assert found.status == "ok"
    assert found.cost_values_per_draw == P
