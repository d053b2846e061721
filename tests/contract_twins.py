"""Deliberately broken estimators and problems, each with the one property of the contract that must catch it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from varbench.bench.contract.nodes import ONE, SEVERAL, batch
from varbench.bench.problem import Problem
from varbench.estimators import carms, reinforce, rloo, straight_through
from varbench.estimators.estimator import Estimator, independent, load, weighted
from varbench.estimators.facts import Facts
from varbench.estimators.noise import PhiloxNoise

ESTIMATORS: list[Any] = []
PROBLEMS: list[Any] = []
MINE = Facts("mine", ("bernoulli",), ("values",), True, "mine", min_samples=2)


def made(sample: Callable[..., Tensor], combine: Callable[..., Tensor], **facts: Any) -> Estimator:
    return Estimator(replace(MINE, **facts), sample, combine)


def estimator(property: str, **facts: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a combine (or, if it is called sample_..., a sample) in the place of rloo's."""

    def entered(half: Callable[..., Any]) -> Callable[..., Any]:
        halves = (half, rloo.combine) if half.__name__.startswith("sample") else (independent, half)
        ESTIMATORS.append(pytest.param(made(*halves, **facts), property, id=half.__name__))
        return half

    return entered


# ---------------------------------------------------------------- facts and shapes


def enter(property: str, label: str, broken: Estimator) -> None:
    ESTIMATORS.append(pytest.param(broken, property, id=label))


enter("facts", "without_a_source", made(independent, rloo.combine, source=" "))
enter("facts", "without_a_family", made(independent, rloo.combine, families=()))
enter("facts", "with_a_grid_of_strangers", made(independent, rloo.combine, grid={"heat": (1.0,)}))
enter("facts", "with_a_smallest_S_that_is_not_allowed", made(independent, rloo.combine, samples_multiple=4))


@estimator("facts")
def parameter_by_place(node, noise, x, values, slopes, scale=1.0):
    return rloo.combine(node, noise, x, values, slopes)


@estimator("facts", config={"scale": 2.0})
def another_default(node, noise, x, values, slopes, *, scale=1.0):
    return rloo.combine(node, noise, x, values, slopes)


@estimator("facts", config={"scale": 1.0}, grid={"scale": ("large",)})
def grid_of_text(node, noise, x, values, slopes, *, scale):
    return rloo.combine(node, noise, x, values, slopes)


@estimator("runs", families=("bernoulli", "normal"))
def a_family_it_does_not_know(node, noise, x, values, slopes):
    return weighted(values, x - node.probs).mean(1)


@estimator("needs")
def slopes_that_are_not_declared(node, noise, x, values, slopes):
    return node.pullback(node.probs, slopes).mean(1)


@estimator("needs", needs=("slopes",), unbiased=False)
def values_that_are_not_declared(node, noise, x, values, slopes):
    return weighted(values, node.score(x)).mean(1)


@estimator("needs")
def sample_off_the_support(node, noise, S):
    return node.soften(node.perturbed(noise, S), 0.5)


@estimator("shapes")
def one_value_for_the_whole_batch(node, noise, x, values, slopes):
    centred = values - values.mean(1, keepdim=True)
    return (centred.unsqueeze(2) * node.score(x)).sum(1) if values.ndim == 2 else centred.sum(1)


@estimator("shapes")
def two_variables_written_in(node, noise, x, values, slopes):
    return rloo.combine(node, noise, x, values, slopes).expand(-1, 2)


@estimator("dtype")
def constant_of_float64(node, noise, x, values, slopes):
    return rloo.combine(node, noise, x, values, slopes) * torch.ones(1, dtype=torch.float64)


# ---------------------------------------------------------------- purity


@estimator("repeatable")
def noise_of_torch(node, noise, x, values, slopes):
    return rloo.combine(node, noise, x, values, slopes) + torch.randn(noise.rows, *node.theta.shape).to(x.dtype)


@estimator("repeatable")
def sample_by_numpy(node, noise, S):
    u = torch.from_numpy(np.random.random((noise.rows, S, *node.theta.shape)))
    return (u < node.probs).to(node.theta.dtype)


CALLS: list[int] = []


@estimator("repeatable")
def moving_baseline(node, noise, x, values, slopes):
    CALLS.append(1)
    return weighted(values - 1 / len(CALLS), node.score(x)).mean(1)


@estimator("untouched")
def sample_into_the_noise(node, noise, S):
    u = noise.uniform(S, *node.theta.shape)
    return u.sub_(node.probs).lt(0).to(node.theta.dtype)


@estimator("untouched")
def centred_in_place(node, noise, x, values, slopes):
    values -= values.mean(1, keepdim=True)
    return weighted(values, node.score(x)).sum(1) / (x.shape[1] - 1)


@estimator("untouched")
def points_scored_in_place(node, noise, x, values, slopes):
    centred = values - values.mean(1, keepdim=True)
    return weighted(centred, x.sub_(node.probs)).sum(1) / (values.shape[1] - 1)


@estimator("rows")
def baseline_over_rows(node, noise, x, values, slopes):
    return weighted(values - values.mean(0, keepdim=True), node.score(x)).mean(1)


@estimator("rows")
def median_over_rows(node, noise, x, values, slopes):
    return weighted(values - values.median(), node.score(x)).mean(1)


@estimator("rows")
def sample_in_equal_pairs(node, noise, S):
    return node.draw(noise, S)[: noise.rows // 2].repeat(2, *(1,) * (1 + node.theta.ndim))


@estimator("rows")
def sample_with_rows_turned(node, noise, S):
    return node.draw(noise, S).roll(1, 0)


@estimator("nodes")
def baseline_over_the_batch(node, noise, x, values, slopes):
    mean = values.mean(tuple(range(1, values.ndim)), keepdim=True)
    return weighted(values - mean, node.score(x)).mean(1)


@estimator("independent")
def sample_one_row_for_all(node, noise, S):
    x = node.draw(PhiloxNoise(noise.seed, noise.problem, noise.block, 1, node.theta.dtype), S)
    return x.expand(noise.rows, *x.shape[1:]).clone()


@estimator("bits")
def sum_by_threads(node, noise, x, values, slopes):
    return rloo.combine(node, noise, x, values, slopes) * (1 + 1e-14 * torch.get_num_threads())


# ---------------------------------------------------------------- edges


@estimator("extremes")
def score_by_division(node, noise, x, values, slopes):
    p = node.probs
    centred = values - values.mean(1, keepdim=True)
    return weighted(centred, p * (1 - p) * (x / p - (1 - x) / (1 - p))).sum(1) / (x.shape[1] - 1)


# ---------------------------------------------------------------- the proof


@estimator("mean")
def half_of_it(node, noise, x, values, slopes):
    return rloo.combine(node, noise, x, values, slopes) / 2


@estimator("mean")
def its_own_sample_in_the_baseline(node, noise, x, values, slopes):
    return weighted(values - values.mean(1, keepdim=True), node.score(x)).mean(1)


@estimator("mean")
def probability_of_the_first_variable(node, noise, x, values, slopes):
    return weighted(values, x - node.probs[..., :1]).mean(1)


@estimator("mean", families=("normal",), min_samples=1)
def score_without_its_scale(node, noise, x, values, slopes):
    return weighted(values, node.score(x) * node.scale.unsqueeze(-2)).mean(1)


@estimator("mean", needs=("slopes",), min_samples=1)
def straight_through_that_claims_to_be_unbiased(node, noise, x, values, slopes):
    return straight_through.combine(node, noise, x, values, slopes, temperature=1.0, identity=False)


def a_tenth_too_much(node, noise, x, values, slopes):
    return 1.1 * carms.combine(node, noise, x, values, slopes)


enter("mean", "noise_that_cannot_be_integrated", Estimator(load("carms").facts, carms.sample, a_tenth_too_much))


@estimator("variance", min_samples=1)
def twice_as_much_in_long_blocks(node, noise, x, values, slopes):
    draws = reinforce.combine(node, noise, x, values, slopes)
    seen = hasattr(noise, "seed") and noise.rows > 2000
    return (
        draws * torch.where(torch.arange(noise.rows) % 2 == 0, 1.7, 0.3).reshape(-1, *(1,) * (draws.ndim - 1))
        if (seen)
        else draws
    )


# ---------------------------------------------------------------- problems

COINS, THREE = SEVERAL["bernoulli"], batch(SEVERAL["bernoulli"])


def square(x: Tensor) -> Tensor:
    return (x - 0.3).square().sum(-1)


def problem(property: str, label: str, **parts: Any) -> None:
    made = Problem(**{"name": "mine", "node": COINS, "cost": square, **parts})
    PROBLEMS.append(pytest.param(made, property, id=label))


def cost(property: str, **parts: Any) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    def entered(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        problem(property, function.__name__, cost=function, **parts)
        return function

    return entered


problem("fields", "without_a_name", name=" ")
problem("terms", "terms_of_another_cost", terms=lambda x: (x - 0.4).square())
problem("terms", "terms_that_meet", terms=lambda x: (x - 0.3).square() + 0.1 * (x - x.flip(-1)))
problem("terms", "terms_of_a_wrong_shape", terms=lambda x: square(x).unsqueeze(-1))
problem("gradient", "half_the_gradient", exact_grad=torch.tensor([0.02, 0.04], dtype=torch.float64))
problem(
    "gradient",
    "a_gradient_with_a_wrong_sign",
    node=ONE["poisson"],
    exact_grad=torch.tensor([-2 * (1.7 - 0.3) - 1], dtype=torch.float64),
)


@cost("shape", node=THREE)
def sum_of_all(x):
    return (x - 0.3).square().sum()


@cost("shape")
def one_axis_in_front(x):
    rows, D = x.shape
    return x.reshape(rows, D).sum(-1)


@cost("shape")
def vector_of_summands(x):
    return (x - 0.3).square()


@cost("shape")
def whole_numbers(x):
    return (x > 0.5).sum(-1)


@cost("finite", node=SEVERAL["categorical"])
def infinite_on_one_outcome(x):
    return (1.0 - x[..., 0].prod(-1)).log()


@cost("repeatable")
def random_cost(x):
    return square(x) + 1e-3 * torch.rand(x.shape[:-1], dtype=x.dtype)


SEEN: list[int] = []


@cost("repeatable")
def cost_that_counts(x):
    SEEN.append(1)
    return square(x) + 1e-6 * len(SEEN)


@cost("rows")
def batch_normalised(x):
    return square(x - x.mean(tuple(range(x.ndim - 1)), keepdim=True))


@cost("rows")
def quotient_over_rows(x):
    return square(x) / x.mean(tuple(range(x.ndim - 1))).sum()


@cost("nodes", node=THREE)
def nodes_that_meet(x):
    return square(x).sum(-1, keepdim=True).expand(x.shape[:-1])


@cost("dtype")
def weights_of_float64(x):
    return (x * torch.tensor([0.2, 0.7], dtype=torch.float64)).sum(-1)


@cost("dtype")
def product_with_float64(x):
    return x @ torch.tensor([0.2, 0.7], dtype=torch.float64)


@cost("slopes")
def rounded(x):
    return square(x.round()) + 0.0 * x.sum(-1)


@cost("slopes")
def detached_in_part(x):
    return (x * (x - 0.3).detach()).sum(-1)


@cost("slopes")
def step_function(x):
    return (x > 0.5).to(x.dtype).sum(-1)


class Straight(torch.autograd.Function):
    """The square with the slope of the identity."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.square()

    @staticmethod
    def backward(ctx: Any, v: Tensor) -> Tensor:
        return v


@cost("slopes", node=SEVERAL["normal"])
def slope_of_another_function(x):
    return Straight.apply(x).sum(-1)
