"""The exact gradients of the problems of further families, against quadrature or sums that know the density alone."""

import math

import pytest
import torch

from varbench.bench.exact import truth
from varbench.bench.problem import Problem
from varbench.bench.resolve import problem_of
from varbench.estimators.errors import InputError
from varbench.estimators.families.gamma import Gamma

from .exact_moments import exact_gradient

PROBLEMS = [
    "poisson_square", "poisson_square[k=0,rate=1.5]", "poisson_exp", "poisson_exp[k=-0.2,rate=1.5]",
    "geometric_square[logit=0.5]", "geometric_square[k=0,logit=1]",
    "gamma_square", "gamma_square[concentration=1.3,k=-2,rate=0.4]", "beta_square", "beta_square[a=1.2,b=5,k=0.9]",
    "dirichlet_square", "dirichlet_square[concentration=2.5]", "von_mises_cos", "von_mises_cos[concentration=0.3,k=2]",
    "laplace_square", "laplace_square[k=2]", "logistic_square[k=2]", "student_t_square", "student_t_square[df=7,k=-1]",
    "multivariate_normal_square", "multivariate_normal_square[correlation=-0.2,k=4]",
]  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_closed_forms_are_the_derivatives_of_integrals(name: str) -> None:
    problem = problem_of(name)
    assert problem.exact_grad is not None
    expected = exact_gradient(problem.node, problem.cost)
    torch.testing.assert_close(problem.exact_grad, expected, rtol=1e-9, atol=1e-9)
    assert truth(problem).method == "closed_form"


@pytest.mark.parametrize(
    "name", ["poisson_square", "geometric_square", "gamma_square", "beta_square", "dirichlet_square", "von_mises_cos"]
)
def test_a_mean_over_dimensions_divides_the_gradient_of_one(name: str) -> None:
    one, three = problem_of(name).exact_grad, problem_of(f"{name}[dim=3]").exact_grad
    assert one is not None and three is not None  # noqa: PT018
    event = three.unbind(0 if name in ("poisson_square", "geometric_square", "dirichlet_square") else 1)
    for part in event:
        torch.testing.assert_close(part, one.reshape(part.shape) / 3, rtol=1e-13, atol=0)


def test_subsets_are_enumerated() -> None:
    problem = problem_of("subset_square[k=2,n=4]")
    found = truth(problem)
    assert found.method == "enumeration"
    assert found.gradient is not None
    torch.testing.assert_close(found.gradient, exact_gradient(problem.node, problem.cost), rtol=1e-12, atol=1e-15)
    level, p, f = torch.linspace(0, 1, 4, dtype=torch.float64), [], []
    for i in range(4):
        for j in range(i):
            p.append(math.exp(float(problem.node.theta[i] + problem.node.theta[j])))
            f.append((float(level[i] + level[j]) - 2 / 3) ** 2)
    mean = sum(a * b for a, b in zip(p, f, strict=True)) / sum(p)
    x = problem.node.outcomes()
    assert math.isclose(mean, float(problem.node.log_prob(x).exp() @ problem.cost(x)), rel_tol=1e-12)


def test_a_family_without_a_rule_says_so() -> None:
    node = Gamma(torch.ones(2, 1, dtype=torch.float64))
    found = truth(Problem("none", node, lambda x: x.sum(-1), terms=lambda x: x))
    assert found.gradient is None
    assert "gamma node; give exact_grad" in (found.reason or "")


@pytest.mark.parametrize(
    ("name", "message"),
    [("student_t_square[df=2]", "df > 2"), ("multivariate_normal_square[correlation=-0.6]", "correlation=-0.6"),
     ("poisson_square[rate=0]", "rate must be positive"), ("subset_square[k=9]", "got 9")],
)  # fmt: skip
def test_parameters_without_a_meaning_are_refused(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        problem_of(name)
