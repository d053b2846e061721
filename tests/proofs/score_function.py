"""Baselines and MuProp: oracles, exact rules, wrong twins."""

import torch
from torch import Tensor

from varbench.estimators import muprop, reinforce_optimal
from varbench.estimators.estimator import weighted
from varbench.estimators.node import Node

from ..exact_moments import GIVEN, RULES, Rule, law, over_outcomes, over_the_node
from ..surrogates import ORACLES, TRIED, Choices, Variables, values
from ..twins import CHOICES, COINS, EXACT_ON_A_COIN, GAUSSIAN, follows_oracles, twin, unbiased

# ---------------------------------------------------------------- rules


def over_outcomes_and_mean(node: Node, S: int) -> Rule:
    """The joint outcomes of S points, each with the mean of the law behind them."""
    rule = over_outcomes(node, S)
    assert rule.points is not None
    mean = law(node).mean.expand(len(rule.weights), 1, *node.event_shape)
    return Rule(rule.weights, rule.noise, torch.cat([rule.points, mean], 1))


BASELINES = ("reinforce_constant", "reinforce_running_mean", "reinforce_exact_mean", "reinforce_optimal")
RULES.update(dict.fromkeys(BASELINES, over_the_node), muprop=over_outcomes_and_mean)

EXACT_ON_A_COIN.add("reinforce_optimal")
GIVEN["baseline"] = 0.7
TRIED["baseline"] = (0.7, -2.0)
TRIED["decay"] = (0.9, 0.0)


# ---------------------------------------------------------------- oracles


def constant(v: Variables, *, baseline: float) -> Tensor:
    return ((values(v) - baseline) * v.log_prob()).mean(1)


def running_mean(v: Variables, *, decay: float, steps: int, state: Tensor) -> Tensor:
    return ((values(v) - state) * v.log_prob()).mean(1)


def exact_mean(v: Variables, *, state: Tensor) -> Tensor:
    return ((values(v) - state) * v.log_prob()).mean(1)


def coordinatewise(v: Variables, *, state: Tensor) -> Tensor:
    """Each coordinate's own baseline: the score of each sample by automatic differentiation, times theta."""
    f, log_p, total = values(v), v.log_prob(), torch.zeros_like(v.theta)
    for i in range(v.S):
        (score,) = torch.autograd.grad(log_p[:, i].sum(), v.theta, retain_graph=True)
        total = total + (f[:, i].reshape(f[:, i].shape + (1,) * (score.ndim - f.ndim + 1)) - state) * score / v.S
    return total * v.theta


def taylor(v: Choices) -> Tensor:
    """Gu et al. 2016: the residual of the expansion by its score, the expansion's mean by its own derivative."""
    mean = torch.softmax(v.logits, -1)
    centre = mean.detach().requires_grad_()
    f_mean = v.cost(centre)  # [N, 1, *B]
    (slope,) = torch.autograd.grad(f_mean.sum(), centre, retain_graph=True)
    x = v.x[:, :-1]
    log_p = (x * torch.log_softmax(v.logits, -1)).sum((-1, -2))
    expansion = f_mean + (slope * (x - centre)).sum((-1, -2))
    residual = (v.cost(x) - expansion).detach()
    return (residual * log_p).mean(1) + (slope * mean).sum((-1, -2)).squeeze(1)


ORACLES.update(
    reinforce_constant=(constant,),
    reinforce_running_mean=(running_mean,),
    reinforce_exact_mean=(exact_mean,),
    reinforce_optimal=(coordinatewise,),
    muprop=(taylor,),
)


# ---------------------------------------------------------------- twins


@twin("reinforce_constant", follows_oracles(COINS, baseline=0.7))
def reinforce_with_its_baseline_added(node, noise, x, values, slopes, *, baseline):
    return weighted(values + baseline, node.score(x)).mean(1)


@twin("reinforce_running_mean", unbiased(COINS, 3))
def reinforce_with_the_mean_of_its_own_samples(node, noise, x, values, slopes, *, state):
    return weighted(values - values.mean(1, keepdim=True), node.score(x)).mean(1)


@twin("reinforce_exact_mean", unbiased(COINS, 3))
def reinforce_with_the_mean_on_the_score_of_no_sample(node, noise, x, values, slopes, *, state):
    return weighted(values, node.score(x)).mean(1) - weighted(state[None, None], node.probs[None, None])[:, 0]


@twin("reinforce_optimal", follows_oracles(GAUSSIAN))
def reinforce_with_one_baseline_for_all_coordinates(node, noise, x, values, slopes, *, state):
    return reinforce_optimal.combine(node, noise, x, values, slopes, state=state.mean().expand_as(state))


@twin("muprop", unbiased(COINS, 3))
def muprop_without_what_it_subtracted(node, noise, points, values, slopes):
    added = node.pullback(node.probs, slopes[:, -1])
    return muprop.combine(node, noise, points, values, slopes) - added


@twin("muprop", unbiased(CHOICES, 3))
def muprop_with_the_slope_itself_added(node, noise, points, values, slopes):
    added = node.pullback(node.probs, slopes[:, -1])
    return muprop.combine(node, noise, points, values, slopes) - added + slopes[:, -1]


@twin("muprop", unbiased(CHOICES, 3))
def muprop_with_slopes_at_the_sample(node, noise, points, values, slopes):
    at_samples = torch.cat([slopes[:, :-1], slopes[:, :1]], 1)
    return muprop.combine(node, noise, points, values, at_samples)
