"""Wrong twins of the first ten estimators."""

import torch

from varbench.estimators import disarm, reinmax, rloo, st_gumbel_softmax
from varbench.estimators.estimator import weighted
from varbench.estimators.noise import PhiloxNoise

from ..twins import (
    CHOICES,
    COINS,
    GAUSSIAN,
    draws_independently,
    follows_oracles,
    has_mean_of_st_gumbel_softmax,
    has_variance_of_rloo,
    twin,
    unbiased,
)


@twin("reinforce", unbiased(COINS, 3))
def reinforce_with_the_sign_of_the_score_wrong(node, noise, x, values, slopes):
    return weighted(values, node.probs - x).mean(1)


@twin("reinforce", unbiased(CHOICES, 3))
def reinforce_with_the_score_of_the_sample(node, noise, x, values, slopes):
    return weighted(values, x - torch.softmax(x, -1)).mean(1)


@twin("reinforce", unbiased(COINS, 3))
def reinforce_summed_over_samples(node, noise, x, values, slopes):
    return weighted(values, node.score(x)).sum(1)


@twin("rloo", unbiased(COINS, 3))
def rloo_with_its_own_sample_in_the_baseline(node, noise, x, values, slopes):
    return weighted(values - values.mean(1, keepdim=True), node.score(x)).mean(1)


@twin("rloo", unbiased(COINS, 3))
def var_grad_without_its_half(node, noise, x, values, slopes):
    return 2 * rloo.combine(node, noise, x, values, slopes)


@twin("rloo", has_variance_of_rloo)
def rloo_with_the_score_of_one_sample(node, noise, x, values, slopes):
    return weighted(values[:, :1] - values[:, 1:], node.score(x[:, :1])).mean(1)


@twin("disarm", unbiased(COINS, 3))
def disarm_without_its_half(node, noise, x, values, slopes):
    return 2 * disarm.combine(node, noise, x, values, slopes)


@twin("disarm", unbiased(COINS, 3))
def disarm_weighted_by_p(node, noise, x, values, slopes):
    b, b_ = x.chunk(2, 1)
    f, f_ = values.chunk(2, 1)
    return ((f - f_).unsqueeze(-1) / 2 * (b - b_) * node.probs).mean(1)


@twin("reparameterization", unbiased(GAUSSIAN, 3))
def reparameterization_of_the_scale_without_its_noise(node, noise, x, values, slopes):
    return torch.stack([slopes, slopes], -2).mean(1)


@twin("reparameterization", unbiased(GAUSSIAN, 3))
def reparameterization_of_the_log_scale(node, noise, x, values, slopes):
    return torch.stack([slopes, slopes * (x - node.loc)], -2).mean(1)


@twin("enumerate", unbiased(CHOICES, 3, S=1))
def enumerate_with_equal_weights(node, noise, x, values, slopes):
    return node.score_sum(values / x.shape[1], x)


@twin("gumbel_softmax", follows_oracles(CHOICES, temperature=0.5))
def gumbel_softmax_without_one_over_tau(node, noise, y, values, slopes, *, temperature):
    return node.pullback(y, slopes).mean(1)


@twin("straight_through", follows_oracles(CHOICES, temperature=2.0, identity=False))
def straight_through_without_one_over_tau(node, noise, x, values, slopes, *, temperature, identity):
    return node.pullback(node.tempered(temperature), slopes).mean(1)


@twin("st_gumbel_softmax", follows_oracles(COINS, temperature=0.5))
def st_gumbel_softmax_with_other_noise_backward(node, noise, x, values, slopes, *, temperature):
    other = PhiloxNoise(noise.seed + 1, noise.problem, noise.block, noise.rows)
    return st_gumbel_softmax.combine(node, other, x, values, slopes, temperature=temperature)


@twin("gumbel_rao", has_mean_of_st_gumbel_softmax)
def gumbel_rao_given_the_other_outcome(node, noise, x, values, slopes, *, temperature, conditional_samples):
    z = node.conditional(1 - x.unsqueeze(2), noise, "conditional")
    return node.pullback(node.soften(z, temperature), slopes.unsqueeze(2)).mean((1, 2)) / temperature


@twin("gumbel_rao", has_mean_of_st_gumbel_softmax)
def gumbel_rao_given_no_outcome(node, noise, x, values, slopes, *, temperature, conditional_samples):
    v = noise.uniform(x.shape[1], conditional_samples, *x.shape[2:], name="conditional")
    y = node.soften(node.logits + torch.logit(v), temperature)
    return node.pullback(y, slopes.unsqueeze(2)).mean((1, 2)) / temperature


@twin("gumbel_rao", has_mean_of_st_gumbel_softmax)
def gumbel_rao_with_derivative_through_the_conditional_noise(
    node, noise, x, values, slopes, *, temperature, conditional_samples
):
    leaf = node.theta.expand(noise.rows, 1, 1, -1).clone().requires_grad_()
    z = node.with_theta(leaf).conditional(x.unsqueeze(2), noise, "conditional")
    (node.soften(z, temperature) * slopes.unsqueeze(2)).mean((1, 2)).sum().backward()
    return leaf.grad[:, 0, 0]


@twin("reinmax", unbiased(CHOICES, 2, temperature=1.0))
def reinmax_without_its_second_term(node, noise, x, values, slopes, *, temperature):
    return 2 * node.pullback((node.tempered(temperature) + x) / 2, slopes).mean(1)


@twin("reinmax", follows_oracles(CHOICES, temperature=2.0))
def reinmax_with_one_over_tau(node, noise, x, values, slopes, *, temperature):
    return reinmax.combine(node, noise, x, values, slopes, temperature=temperature) / temperature


@twin("reinmax", follows_oracles(CHOICES, temperature=2.0))
def reinmax_with_its_second_term_tempered(node, noise, x, values, slopes, *, temperature):
    p = node.tempered(temperature)
    return (2 * node.pullback((p + x) / 2, slopes) - node.pullback(p, slopes) / 2).mean(1)


@twin("reinforce", draws_independently, half="sample")
def one_seed_for_all_rows(node, noise, S):
    x = node.draw(PhiloxNoise(noise.seed, noise.problem, noise.block, 1), S)
    return x.expand(noise.rows, *x.shape[1:])


@twin("reinforce", draws_independently, half="sample")
def one_seed_for_all_blocks(node, noise, S):
    return node.draw(PhiloxNoise(noise.seed, noise.problem, 0, noise.rows), S)


@twin("reinforce", draws_independently, half="sample")
def rows_in_equal_pairs(node, noise, S):
    return node.draw(noise, S)[: noise.rows // 2].repeat(2, 1, 1)


@twin("reinforce", draws_independently, half="sample")
def rows_in_antithetic_pairs(node, noise, S):
    u = noise.uniform(S, *node.theta.shape)[: noise.rows // 2]
    return (torch.cat([u, 1 - u]) < node.probs).double()
