"""What an estimator aims at: exact gradients of relaxed and tempered laws, and the bias against them."""

import dataclasses

import pytest
import torch
from scipy.integrate import quad
from scipy.special import expit

from varbench import Bernoulli, Problem, measure
from varbench.bench.exact import truth
from varbench.bench.resolve import problem_of
from varbench.bench.targets import target_truth
from varbench.estimators.catalogue import facts_of

COIN = "bernoulli_quadratic[target=0.45]"


def relaxed(name: str, tau: float) -> torch.Tensor:
    problem = problem_of(name)
    found = target_truth(problem, facts_of("gumbel_softmax"), {"temperature": tau}, truth(problem)).gradient
    assert found is not None
    return found


@pytest.mark.parametrize("tau", [0.1, 0.5, 1.0, 10.0])
@pytest.mark.parametrize("logit", [0.0, -2.0])
def test_the_relaxed_gradient_is_the_pathwise_integral(tau: float, logit: float) -> None:
    """The harness differentiates the density; here f'(y) y (1 - y) / tau is integrated by scipy."""

    def integrand(u: float) -> float:
        y = expit(u)  # u = z / tau
        e = expit(tau * u - logit)
        return float(2 * (y - 0.45) * y * (1 - y) * e * (1 - e))

    expected = quad(integrand, -60, 60, points=[logit / tau, 0.0], epsabs=1e-13, limit=500)[0]
    assert abs(float(relaxed(f"bernoulli_quadratic[target=0.45,logit={logit}]", tau)) - expected) < 1e-9


def test_the_relaxed_gradient_is_the_printed_one() -> None:
    assert f"{float(relaxed(COIN, 0.1)):.4f} {float(relaxed(COIN, 0.5)):.4f}" == "0.0248 0.0215"


def test_a_separable_cost_is_taken_coin_by_coin() -> None:
    one, many = relaxed(COIN, 0.5), relaxed("bernoulli_quadratic[target=0.45,dim=20]", 0.5)
    torch.testing.assert_close(many, one.expand(20) / 20, rtol=1e-9, atol=0)


@pytest.mark.parametrize("tau", [0.5, 2.0])
def test_the_tempered_gradient_has_the_inner_derivative(tau: float) -> None:
    problem = problem_of("bernoulli_quadratic[target=0.45,logit=1]")
    config = {"temperature": 1.0, "forward_temperature": tau}
    found = target_truth(problem, facts_of("decoupled_st"), config, truth(problem)).gradient
    p = float(expit(1 / tau))
    assert found is not None
    assert abs(float(found) - p * (1 - p) / tau * (0.55**2 - 0.45**2)) < 1e-14


def test_bias_against_the_target_is_none_where_bias_is_plain() -> None:
    """At 200,000 draws, seed fixed; the interval of an unbiased mean begins at 0 but for 2.5 % of seeds."""
    found = measure(COIN, "gumbel_softmax", temperature=0.5, num_draws=200_000, timing=False)
    assert found.bias_sq_lower is not None
    assert found.bias_sq_lower > 0
    assert found.target_bias_sq_lower == 0
    assert found.target_bias_sq is not None
    assert found.target_bias_sq_upper is not None
    assert found.target_bias_sq_upper < found.bias_sq_lower


def test_a_wrong_target_is_caught() -> None:
    wrong = float(relaxed(COIN, 1.0) - relaxed(COIN, 0.5))
    found = measure(COIN, "gumbel_softmax", temperature=0.5, num_draws=200_000, timing=False)
    assert found.target_bias_sq_upper is not None
    assert wrong**2 > found.target_bias_sq_upper


def test_what_has_no_rule_says_so_and_is_null() -> None:
    problem = Problem(name="pair", node=Bernoulli(torch.zeros(2).double()), cost=lambda x: x.prod(-1))
    found = target_truth(problem, facts_of("gumbel_softmax"), {"temperature": 0.5}, truth(problem))
    assert found.gradient is None
    assert "without terms" in str(found.reason)
    assert measure(problem, "gumbel_softmax", temperature=0.5, num_draws=100, timing=False).target_bias_sq is None
    assert measure(COIN, "rloo", num_draws=100, timing=False).target_bias_sq is None


def test_at_forward_temperature_1_the_target_is_the_truth_itself() -> None:
    found = measure(COIN, "decoupled_st", num_draws=1000, timing=False)
    assert found.target_bias_sq == found.bias_sq
    assert dataclasses.asdict(found)["target_bias_sq_upper"] == found.bias_sq_upper
