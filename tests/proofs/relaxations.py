"""Oracles and wrong twins of the relaxations."""

from itertools import product

import torch
from torch import Tensor

from varbench.estimators import gumbel_entmax, gumbel_sparsemax, invertible_gaussian, redge, relaxed_subset
from varbench.estimators._pairs import paired, unpaired

from ..family_nodes import FAMILY_NODES
from ..surrogates import ORACLES, TRIED, Choices, Drawn
from ..twins import CHOICES, COINS, follows_oracles, twin


def supports(K: int) -> list[Tensor]:
    return [torch.tensor(chosen) for chosen in product((False, True), repeat=K) if any(chosen)]


def sparsemax_by_supports(z: Tensor) -> Tensor:
    """The one support on which z - t is positive, and off which it is not; t makes it sum to 1."""
    found = torch.zeros_like(z)
    for on in supports(z.shape[-1]):
        t = ((z * on).sum(-1, keepdim=True) - 1) / on.sum()
        right = ((z > t) == on).all(-1, keepdim=True)
        found = torch.where(right, (z - t) * on, found)
    return found


def entmax15_by_supports(z: Tensor) -> Tensor:
    """Likewise with (z / 2 - t)^2, t the smaller root of a quadratic."""
    x, found = z / 2, torch.zeros_like(z)
    for on in supports(z.shape[-1]):
        n, total, squares = on.sum(), (x * on).sum(-1, keepdim=True), (x.square() * on).sum(-1, keepdim=True)
        inside = total.square() - n * (squares - 1)
        t = (total - torch.where(inside > 0, inside, 1.0).sqrt()) / n
        right = ((x > t) == on).all(-1, keepdim=True) & (inside > 0)
        found = torch.where(right, (x - t).square() * on, found)
    return found


def sparse(v: Choices, *, temperature: float) -> Tensor:
    return v.cost(sparsemax_by_supports((v.logits + v.gumbels()) / temperature)).mean(1)


def half_sparse(v: Choices, *, temperature: float) -> Tensor:
    return v.cost(entmax15_by_supports((v.logits + v.gumbels()) / temperature)).mean(1)


def softmax_plus_plus(v: Choices, *, temperature: float, scale: float) -> Tensor:
    """Potapczynski et al. 2020: K - 1 Gaussians, delta = 1, the last class takes the rest."""
    *shape, K = v.x.shape[1:]
    mu = v.logits[..., :-1] - v.logits[..., -1:]
    kappa = mu + scale * v.noise.normal(*shape, K - 1)
    weight = (kappa / temperature).exp()
    psi = weight / (weight.sum(-1, keepdim=True) + 1)
    return v.cost(torch.cat([psi, 1 - psi.sum(-1, keepdim=True)], -1)).mean(1)


def denoised_in_steps(v: Choices, *, steps: int, first_time: float) -> Tensor:
    """Gourevitch et al. 2026: time 0 is clean; each move goes to the mean of the bridge to the predicted x_0."""
    alphas = torch.cat([torch.ones(1), torch.linspace(1 - first_time, 1e-4, steps, dtype=torch.float64)]).to(v.x.dtype)
    sigmas = 1 - alphas
    x_t = v.noise.normal(*v.x.shape[1:])
    for t in range(steps, 0, -1):
        x_0 = torch.softmax(v.logits + alphas[t] * x_t / sigmas[t] ** 2, -1)
        x_t = alphas[t - 1] * x_0 + sigmas[t - 1] * (x_t - alphas[t] * x_0) / sigmas[t]
    return v.cost(x_t).mean(1)


ORACLES.update(
    gumbel_sparsemax=(sparse,),
    gumbel_entmax=(half_sparse,),
    invertible_gaussian=(softmax_plus_plus,),
    redge=(denoised_in_steps,),
)
TRIED.update(scale=(0.5, 1.702), first_time=(0.3, 0.7))


@twin("gumbel_sparsemax", follows_oracles(CHOICES, temperature=0.5))
def gumbel_sparsemax_with_the_mean_over_all_classes(node, noise, y, values, slopes, *, temperature):
    v = slopes - slopes.mean(-1, keepdim=True)
    return ((y > 0) * v).mean(1) / temperature


@twin("gumbel_sparsemax", follows_oracles(COINS, temperature=0.5))
def gumbel_sparsemax_without_one_over_tau(node, noise, y, values, slopes, *, temperature):
    return temperature * gumbel_sparsemax.combine(node, noise, y, values, slopes, temperature=temperature)


@twin("gumbel_entmax", follows_oracles(CHOICES, temperature=0.5))
def gumbel_entmax_weighted_by_y(node, noise, y, values, slopes, *, temperature):
    return unpaired(node, node.pullback(y, paired(node, slopes))).mean(1) / temperature


@twin("gumbel_entmax", follows_oracles(CHOICES, temperature=0.5))
def gumbel_entmax_of_twice_the_logits(node, noise, y, values, slopes, *, temperature):
    return 2 * gumbel_entmax.combine(node, noise, y, values, slopes, temperature=temperature)


@twin("invertible_gaussian", follows_oracles(CHOICES, temperature=0.5, scale=1.0), half="sample")
def invertible_gaussian_with_noise_in_the_last_class_too(node, noise, S, *, temperature, scale):
    return node.soften(node.log_probs + scale * noise.normal(S, *node.logits.shape), temperature)


@twin("invertible_gaussian", follows_oracles(COINS, temperature=0.5, scale=1.0))
def invertible_gaussian_without_one_over_tau(node, noise, y, values, slopes, *, temperature):
    return temperature * invertible_gaussian.combine(node, noise, y, values, slopes, temperature=temperature)


@twin("redge", follows_oracles(CHOICES, steps=2, first_time=0.5))
def redge_through_its_last_step_alone(node, noise, y, values, slopes, *, steps, first_time):
    return node.pullback(y, slopes).mean(1)


@twin("redge", follows_oracles(COINS, steps=3, first_time=0.5), half="sample")
def redge_with_sigma_not_squared(node, noise, S, *, steps, first_time):
    alphas, sigmas = redge.schedule(steps, first_time)
    phi = paired(node, node.theta)
    x = noise.normal(S, *phi.shape)
    for t in reversed(range(steps)):
        xhat = torch.softmax(phi + alphas[t] / sigmas[t] * x, -1)
        if t > 0:
            x = alphas[t - 1] * xhat + sigmas[t - 1] * (x - alphas[t] * xhat) / sigmas[t]
    return unpaired(node, xhat)


# ---------------------------------------------------------------- relaxed subsets


def successively(v: Drawn, *, temperature: float) -> Tensor:
    """Xie & Ermon 2019: k softmaxes in a row, what was chosen taken out by log(1 - a), differentiated as it stands."""
    alpha, y = v.theta - v.noise.exponential(v.S, *v.x.shape[2:]).log(), 0.0
    for _ in range(v.node.k):
        a = torch.softmax(alpha / temperature, -1)
        rest = torch.stack([a[..., [i for i in range(a.shape[-1]) if i != j]].sum(-1) for j in range(a.shape[-1])], -1)
        alpha, y = alpha + rest.log(), y + a
    return v.cost(y).mean(1)


SUBSET = FAMILY_NODES["subset"]
ORACLES["relaxed_subset"] = (successively,)


@twin("relaxed_subset", follows_oracles(SUBSET, temperature=0.5))
def relaxed_subset_through_each_choice_alone(node, noise, y, values, slopes, *, temperature):
    """What was chosen is taken out, and held constant."""
    choices = relaxed_subset._choices(node, noise, y.shape[1], temperature)
    return sum(a * (slopes - (a * slopes).sum(-1, keepdim=True)) for a in choices).mean(1) / temperature


@twin("relaxed_subset", follows_oracles(SUBSET, temperature=0.5))
def relaxed_subset_without_one_over_tau(node, noise, y, values, slopes, *, temperature):
    return temperature * relaxed_subset.combine(node, noise, y, values, slopes, temperature=temperature)


@twin("relaxed_subset", follows_oracles(SUBSET, temperature=0.5), half="sample")
def relaxed_subset_as_k_times_one_softmax(node, noise, S, *, temperature):
    return node.k * torch.softmax((node.logits + noise.gumbel(S, *node.logits.shape)) / temperature, -1)
