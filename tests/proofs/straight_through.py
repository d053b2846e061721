"""Oracles, exact rules and wrong twins of the straight-through forms after the first four."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from varbench.estimators import aimle, decoupled_st, imle, redge, reinmax, reinmax_cv, reinmax_rao
from varbench.estimators.estimator import Estimator
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.noise import PhiloxNoise

from ..exact_moments import RULES, FixedNoise, completed, evaluated, gradient_draws, over_outcomes, polynomial, sampled
from ..surrogates import ORACLES, TRIED, Choices, straight_through
from ..twins import CHOICES, COIN, COINS, follows_oracles, twin
from .relaxations import denoised_in_steps

RULES.update(gapped_st=over_outcomes, zgr=over_outcomes)


def moved_by_the_gap(v: Choices, *, temperature: float, gap: float, adaptive: bool = False) -> Tensor:
    """Fan et al. 2022: two shifts held constant, one that lifts D to the top, one that lowers the others."""
    logits = v.logits.detach()
    if adaptive:
        p = (torch.softmax(logits, -1) * v.x).sum(-1, keepdim=True)
        gap = -torch.log1p(-p) / p
    top = logits.amax(-1, keepdim=True)
    up = (top - logits) * v.x
    down = (logits + gap - top).clamp(min=0) * (1 - v.x)
    return v.cost(straight_through(v.x, torch.softmax((v.logits + up - down) / temperature, -1))).mean(1)


def two_temperatures(v: Choices, *, temperature: float, forward_temperature: float) -> Tensor:
    return v.cost(straight_through(v.x, torch.softmax(v.logits / temperature, -1))).mean(1)


def implicit_likelihood(v: Choices, *, step: float, symmetric: bool) -> Tensor:
    """Niepert et al. 2021: the implicit loss, linear in phi with the two choices held fixed."""
    z = (v.logits + v.gumbels()).detach()
    _, slopes = evaluated(v.cost, v.x)

    def choice(logits: Tensor) -> Tensor:
        return one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)

    ahead, width = (choice(z + step * slopes), 2 * step) if symmetric else (choice(z), step)
    return (v.logits * (ahead - choice(z - step * slopes))).sum((-1, -2)).mean(1) / width


def adaptive_likelihood(v: Choices, *, state: Tensor, **fit: object) -> Tensor:
    """Minervini et al. 2023, sample by sample and node by node: lambda = beta |phi| / |f'|."""
    z = (v.logits + v.gumbels()).detach()
    _, slopes = evaluated(v.cost, v.x)
    step = state * v.logits.detach().norm(dim=(-1, -2)) / slopes.norm(dim=(-1, -2))
    step = step.unsqueeze(-1).unsqueeze(-1)
    turned = [one_hot((z + sign * step * slopes).argmax(-1), z.shape[-1]).to(z.dtype) for sign in (1, -1)]
    return (v.logits * (turned[0] - turned[1]) / (2 * step)).sum((-1, -2)).mean(1)


def midway(v: Choices) -> Tensor:
    """phi_D = log((p + D) / 2), with the derivative of phi."""
    pi = (torch.softmax(v.logits.detach(), -1) + v.x) / 2
    return pi.log() + v.logits - v.logits.detach()


def midway_given(v: Choices, temperature: float, k: int) -> Tensor:
    """Gumbel-Rao at phi_D, by the exponentials of a race that D wins."""
    phi, D, E = midway(v).unsqueeze(2), v.x.unsqueeze(2), v.exponentials(v.S, k)
    first = (E * D).sum(-1, keepdim=True)
    z = -torch.where(D > 0.5, first, E / phi.detach().exp() + first).log()
    return torch.softmax((phi + (z - phi).detach()) / temperature, -1).mean(2)


def rao(v: Choices, *, temperature: float, conditional_samples: int) -> Tensor:
    soft = 2 * midway_given(v, temperature, conditional_samples) - torch.softmax(v.logits, -1) / 2
    return v.cost(straight_through(v.x, soft)).mean(1)


def control_variate(v: Choices, *, temperature: float, conditional_samples: int, eta: float) -> Tensor:
    phi = midway(v)
    free = torch.softmax((phi - v.exponentials(v.S, name="free").log()) / temperature, -1)
    given = midway_given(v, temperature, conditional_samples)
    heun = 2 * torch.softmax(phi, -1) - torch.softmax(v.logits, -1) / 2
    return v.cost(straight_through(v.x, heun + eta * (given - free))).mean(1)


def denoised_and_hardened(v: Choices, *, steps: int, first_time: float) -> Tensor:
    """Gourevitch et al. 2026: the relaxed points are those of ``redge``; the hard ones must be drawn from them."""
    seen = []

    def cost(y: Tensor) -> Tensor:
        seen.append(y)
        return v.cost(straight_through(v.x, y))

    loss = denoised_in_steps(replace(v, cost=cost), steps=steps, first_time=first_time)
    race = v.noise.exponential(*v.x.shape[1:], name="hard") / seen[0].detach()
    assert (v.x.argmax(-1) == race.argmin(-1)).all(), "a hard point is not the one that its relaxed point draws"
    return loss


ORACLES.update(
    gapped_st=(moved_by_the_gap,),
    st_redge=(denoised_and_hardened,),
    decoupled_st=(two_temperatures,),
    imle=(implicit_likelihood,),
    aimle=(adaptive_likelihood,),
    reinmax_rao=(rao,),
    reinmax_cv=(control_variate,),
)
TRIED.update(
    gap=(0.5, 1.0), adaptive=(False, True), forward_temperature=(0.5, 2.0), symmetric=(False, True), update_step=(0.3,)
)


# ---------------------------------------------------------------- twins


@twin("gapped_st", follows_oracles(CHOICES, temperature=0.5, gap=1.0))
def gapped_st_with_all_others_at_the_gap(node, noise, x, values, slopes, *, temperature, gap, adaptive):
    y = node.soften(torch.where(x > 0.5, 0.0, -gap), temperature)
    return node.pullback(y, slopes).mean(1) / temperature


@twin("gapped_st", follows_oracles(CHOICES, temperature=0.5, gap=1.0))
def gapped_st_below_the_sample_instead_of_the_largest(node, noise, x, values, slopes, *, temperature, gap, adaptive):
    own = (node.logits * x).sum(-1, keepdim=True)
    y = node.soften(torch.where(x > 0.5, 0.0, (node.logits - own).clamp(max=-gap)), temperature)
    return node.pullback(y, slopes).mean(1) / temperature


@twin("gapped_st", follows_oracles(COINS, temperature=0.5, gap=1.0))
def gapped_st_with_half_the_gap_on_each_side(node, noise, x, values, slopes, *, temperature, gap, adaptive):
    z = torch.where(x > 0.5, node.logits.clamp(min=gap / 2), node.logits.clamp(max=-gap / 2))
    return node.pullback(node.soften(z, temperature), slopes).mean(1) / temperature


def has_the_tempered_law(estimator: Estimator) -> None:
    """Over equal cells of u, the share of ones is sigmoid(phi / tau_f) to one cell."""
    cells = 1000
    u = ((torch.arange(cells, dtype=torch.float64) + 0.5) / cells).reshape(-1, 1, 1)
    share = sampled(estimator, COIN, FixedNoise(cells, uniform_x=u), 1, forward_temperature=0.3).mean((0, 1))
    torch.testing.assert_close(share, torch.sigmoid(COIN.theta / 0.3), rtol=0, atol=1 / cells)


@twin("decoupled_st", has_the_tempered_law, half="sample")
def decoupled_st_sampled_at_the_node(node, noise, S, *, forward_temperature):
    return node.draw(noise, S)


@twin("decoupled_st", has_the_tempered_law, half="sample")
def decoupled_st_with_its_temperature_upside_down(node, noise, S, *, forward_temperature):
    return decoupled_st.sample(node, noise, S, forward_temperature=1 / forward_temperature)


@twin("decoupled_st", follows_oracles(CHOICES, temperature=0.5, forward_temperature=2.0))
def decoupled_st_without_one_over_tau(node, noise, x, values, slopes, *, temperature):
    return node.pullback(node.tempered(temperature), slopes).mean(1)


@twin("imle", follows_oracles(CHOICES, step=0.3, symmetric=False))
def imle_without_one_over_lambda(node, noise, x, values, slopes, *, step, symmetric):
    return step * imle.combine(node, noise, x, values, slopes, step=step, symmetric=symmetric)


@twin("imle", follows_oracles(CHOICES, step=0.3, symmetric=True))
def imle_with_lambda_for_twice_lambda(node, noise, x, values, slopes, *, step, symmetric):
    return 2 * imle.combine(node, noise, x, values, slopes, step=step, symmetric=symmetric)


@twin("imle", follows_oracles(COINS, step=2.0, symmetric=False))
def imle_with_no_noise_in_the_moved_choice(node, noise, x, values, slopes, *, step, symmetric):
    return (x - node.harden(node.logits - step * slopes)).mean(1) / step


def turns_one_entry(estimator: Estimator) -> None:
    """At the fitted beta, about 3, one entry of a sample turns in the mean over 4,000."""
    node = Bernoulli(COINS.theta / 4)
    cost, noise = polynomial(node, 2), PhiloxNoise(0, "turns", 0, 4000)
    config = completed(estimator, node, cost, 1, FITTED)
    draws = gradient_draws(estimator, node, cost, noise, 1, **config)
    turned = float(draws.count_nonzero()) / 4000
    assert abs(turned - 1) < 0.2, f"{turned} is not 1"


FITTED = {"fit_rows": 64, "fit_steps": 300, "update_step": 0.02}


@twin("aimle", turns_one_entry, half="fit")
def aimle_whose_factor_runs_away(node, evaluate, stream, S, *, fit_rows, fit_steps, update_step):
    how = {"fit_rows": fit_rows, "fit_steps": fit_steps}
    up = aimle.fit(node, evaluate, stream, S, **how, update_step=update_step)
    return (2 - up).clamp(min=update_step)


@twin("aimle", follows_oracles(CHOICES, fit_rows=4, fit_steps=3, update_step=0.3))
def aimle_with_lambda_for_twice_lambda(node, noise, x, values, slopes, *, state):
    return 2 * aimle.combine(node, noise, x, values, slopes, state=state)


@twin("aimle", follows_oracles(COINS, fit_rows=4, fit_steps=3, update_step=0.3))
def aimle_with_beta_for_lambda(node, noise, x, values, slopes, *, state):
    return imle.combine(node, noise, x, values, slopes, step=float(state), symmetric=True)


@twin("reinmax_rao", follows_oracles(CHOICES, temperature=0.5, conditional_samples=3))
def reinmax_rao_at_the_node_itself(node, noise, x, values, slopes, *, temperature, conditional_samples):
    given = x.unsqueeze(2).expand(*x.shape[:2], conditional_samples, *x.shape[2:])
    y = node.soften(node.conditional(given, noise, "conditional"), temperature)
    first = 2 * node.pullback(y, slopes.unsqueeze(2)).mean(2) / temperature
    return (first - node.pullback(node.probs, slopes) / 2).mean(1)


@twin("reinmax_rao", follows_oracles(COINS, temperature=0.5, conditional_samples=3))
def reinmax_rao_without_one_over_tau(node, noise, x, values, slopes, *, temperature, conditional_samples):
    y = reinmax_rao.midway_gumbels(node, noise, x, temperature, conditional_samples)
    first = 2 * node.pullback(y, slopes.unsqueeze(2)).mean(2)
    return (first - node.pullback(node.probs, slopes) / 2).mean(1)


@twin("reinmax_cv", follows_oracles(CHOICES, temperature=0.5, conditional_samples=3, eta=0.7))
def reinmax_cv_with_its_sign_wrong(node, noise, x, values, slopes, *, temperature, conditional_samples, eta):
    how = {"temperature": temperature, "conditional_samples": conditional_samples}
    return reinmax_cv.combine(node, noise, x, values, slopes, **how, eta=-eta)


@twin("reinmax_cv", follows_oracles(COINS, temperature=0.5, conditional_samples=3, eta=0.7))
def reinmax_cv_without_its_free_term(node, noise, x, values, slopes, *, temperature, conditional_samples, eta):
    y = reinmax_rao.midway_gumbels(node, noise, x, temperature, conditional_samples)
    heun = reinmax.combine(node, noise, x, values, slopes)
    return heun + eta * node.pullback(y, slopes.unsqueeze(2)).mean((1, 2)) / temperature


@twin("gapped_st", follows_oracles(CHOICES, temperature=0.5, gap=1.0, adaptive=True))
def gapped_st_with_the_surprise_of_the_sample_as_its_gap(node, noise, x, values, slopes, *, temperature, gap, adaptive):
    log_p = (node.log_probs * x).sum(-1, keepdim=True)
    below = node.logits - node.logits.amax(-1, keepdim=True)
    y = node.soften(torch.where(x > 0.5, 0.0, torch.minimum(below, log_p)), temperature)
    return node.pullback(y, slopes).mean(1) / temperature


@twin("st_redge", follows_oracles(CHOICES, steps=2, first_time=0.5), half="sample")
def st_redge_that_takes_the_largest_instead_of_drawing(node, noise, S, *, steps, first_time):
    return node.harden(redge.sample(node, noise, S, steps=steps, first_time=first_time))


@twin("st_redge", follows_oracles(COINS, steps=2, first_time=0.5), half="sample")
def st_redge_sampled_at_the_node(node, noise, S, *, steps, first_time):
    return node.draw(noise, S)


@twin("st_redge", follows_oracles(CHOICES, steps=2, first_time=0.5))
def st_redge_through_its_last_step_alone(node, noise, x, values, slopes, *, steps, first_time):
    y = redge.sample(node, noise, x.shape[1], steps=steps, first_time=first_time)
    return node.pullback(y, slopes).mean(1)
