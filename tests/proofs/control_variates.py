"""Oracles and wrong twins of the control variates."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Normal
from torch.nn.functional import one_hot

from varbench.estimators import delta_method, double_cv, lax, rebar, rebar_fitted, relax, rloo, rodeo
from varbench.estimators._network import Network
from varbench.estimators.estimator import weighted

from ..closed_forms import has_variance_of_double_cv
from ..conditional_moments import (
    has_exact_moments_of_lax,
    has_exact_moments_of_rebar,
    has_exact_moments_of_relax,
    is_exact_when_coupled,
    varies_less_than_rebar,
)
from ..exact_moments import PROVEN_IN, RULES, over_normals, over_outcomes, over_the_node
from ..surrogates import ORACLES, TRIED, Choices, Gaussians, Variables
from ..twins import CHOICES, COINS, GAUSSIAN, twin, unbiased

TRIED |= {
    "coupled": (False, True),
    "fit_rows": (8,),
    "fit_steps": (4,),
    "hidden": (3,),
    "network": (True, False),
}
RULES |= {"nvil": over_the_node, "double_cv": over_outcomes, "rodeo": over_outcomes, "delta_method": over_normals}
PROVEN_IN |= dict.fromkeys(("rebar", "rebar_fitted", "relax", "lax"), "test_control_variates.py")


# ---------------------------------------------------------------- oracles


def perturbed(v: Choices, E: Tensor, coupled: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Return D, z = phi + G and z~ given D, functions of the leaf; coupled, by the noise that makes them equal."""
    z = v.logits - E.log()
    D = one_hot(z.argmax(-1), z.shape[-1]).to(z.dtype)
    if coupled:
        rate = E / v.logits.detach().softmax(-1)  # -log of this is z: E_D / p_D is the least, and the others exceed it
        least = (rate * D).sum(-1, keepdim=True)
        E_given = torch.where(D > 0.5, least, (rate - least) * v.logits.detach().softmax(-1))
    else:
        E_given = v.exponentials_given(D)
    E_D = (E_given * D).sum(-1, keepdim=True)
    # -log(E_k / p_k + E_D), the exponentials of class k shifted by what it must exceed
    other = -torch.logaddexp(E_given.log() - torch.log_softmax(v.logits, -1), E_D.log())
    return D, z, torch.where(D > 0.5, -E_given.log(), other)


def tucker(v: Choices, *, temperature: float, eta: float = 1.0, coupled: bool = False) -> Tensor:
    """Tucker et al. 2017: (f(D) - eta c(z~)) held fixed times log p(D), plus eta (c(z) - c(z~))."""
    D, z, z_given_D = perturbed(v, v.exponentials(v.S // (2 if coupled else 3)), coupled)
    log_p = (D * torch.log_softmax(v.logits, -1)).sum((-1, -2))
    c, c_given_D = (v.cost(torch.softmax(one / temperature, -1)) for one in (z, z_given_D))
    return ((v.cost(D) - eta * c_given_D).detach() * log_p + eta * (c - c_given_D)).mean(1)


def tucker_fitted(v: Choices, *, state: rebar_fitted.State, fit_rows: int, coupled: bool) -> Tensor:
    return tucker(v, temperature=state.temperature, eta=state.eta, coupled=coupled)


def mnih(v: Variables, *, state: Tensor, **fit: object) -> Tensor:
    """Mnih & Gregor 2014: (f - b) log p, each node with its own b."""
    f = v.cost(v.x).detach()
    return torch.stack([(f[:, i] - state) * v.log_prob()[:, i] for i in range(v.S)]).mean(0)


def slopes_at(v: Choices) -> Tensor:
    leaf = v.x.clone().requires_grad_()
    return torch.autograd.grad(v.cost(leaf).sum(), leaf)[0]


def mean_without(one: int, terms: list[Tensor]) -> Tensor:
    others = [term for i, term in enumerate(terms) if i != one]
    return sum(others) / len(others)


def titsias(v: Choices, *, state: float, fit_rows: int) -> Tensor:
    """Titsias & Shi 2022: for each sample f_k + a c_k against the mean of the others, less the mean of a c_k s_k."""
    f, g, log_p = v.cost(v.x).detach(), slopes_at(v), v.log_prob()
    p = torch.softmax(v.logits, -1)
    slopes, K = [g[:, k] for k in range(v.S)], v.S
    corrected = []
    for k in range(K):
        expansion = (mean_without(k, slopes) * (v.x[:, k] - p[:, 0].detach())).sum((-1, -2))
        corrected.append(f[:, k] + state * expansion)
    terms = [(corrected[k] - mean_without(k, corrected)) * log_p[:, k] for k in range(K)]
    return sum(terms) / K - state * (sum(slopes) / K * p[:, 0]).sum((-1, -2))


def shi(v: Choices, *, state: Tensor, fit_rows: int) -> Tensor:
    """Shi et al. 2022: A h(x) = E[h(x')] - h(x), x' after one step of random-scan Gibbs, each flip written out."""
    f, g = v.cost(v.x).detach()[..., None], slopes_at(v)[..., 0]
    b, phi = v.x[..., 0], v.logits[:, 0, ..., 0] - v.logits[:, 0, ..., 1]
    p = torch.sigmoid(phi.detach())
    D, K = b.shape[-1], v.S

    def h(k: int, y: Tensor, first: int) -> Tensor:
        predictions = [(g[:, i] * (y - b[:, i])).sum(-1, keepdim=True) for i in range(K)]
        return mean_without(k, [state[first] * line + state[first + 1] * line**2 for line in predictions])

    def stein(h: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        after = 0
        for d in range(D):
            for bit in (0.0, 1.0):
                y = x.clone()
                y[..., d] = bit
                after = after + (p if bit else 1 - p)[..., d : d + 1] * h(y) / D
        return after - h(x)

    terms, of_baseline = [], [f[:, j] + stein(lambda y, j=j: h(j, y, 0), b[:, j]) for j in range(K)]
    for k in range(K):
        terms.append((f[:, k] - mean_without(k, of_baseline)) * (b[:, k] - p))
        terms.append(stein(lambda y, k=k: h(k, y, 2) * (y - p), b[:, k]))
    return (sum(terms) / K * phi).sum(-1)


def network_of(state: Network, y: Tensor) -> Tensor:
    """A layer of tanh, one unit at a time."""
    units = state.bias.shape[-1]
    hidden = [torch.tanh((state.inner[..., h, :] * y).sum(-1) + state.bias[..., h]) for h in range(units)]
    return state.offset + state.scale * sum(state.outer[..., h] * hidden[h] for h in range(units))


def grathwohl(v: Choices, *, state: Network, temperature: float, **fit: object) -> Tensor:
    """Grathwohl et al. 2018: (f(D) - c(z~)) held fixed times log p(D), plus c(z) - c(z~)."""
    D, z, z_given_D = perturbed(v, v.exponentials(v.S))

    def c(z: Tensor) -> Tensor:
        y = torch.softmax(z / temperature, -1)
        coins = state.inner.shape[-1] < y.flatten(-2).shape[-1]  # a coin is seen as its class 1
        return network_of(state, y[..., 0] if coins else y.flatten(-2))

    return ((v.cost(D) - c(z_given_D)).detach() * v.log_prob() + c(z) - c(z_given_D)).mean(1)


def grathwohl_of_gaussians(v: Gaussians, *, state: Network, **fit: object) -> Tensor:
    """Grathwohl et al. 2018: (f(x) - c(x)) held fixed times log p(x), plus c(x) along its path."""

    def c(x: Tensor) -> Tensor:
        return network_of(state, (x - v.loc.detach()) / v.scale.detach())

    return ((v.cost(v.x) - c(v.x)).detach() * v.log_prob() + c(v.loc + v.scale * v.e())).mean(1)


def expanded(v: Gaussians, *, state: Tensor, fit_rows: int) -> Tensor:
    """Mohamed et al. 2020: beta weighs an entry of the gradient, so that it enters by a gradient hook."""
    mu = v.loc.detach().clone().requires_grad_()
    f_mu = v.cost(mu)
    (slope,) = torch.autograd.grad(f_mu.sum(), mu)
    beta_loc, beta_scale = state.unbind(-2)
    x = v.x[:, :-1]

    def h_log_p(loc: Tensor, scale: Tensor, x: Tensor) -> Tensor:
        h = (f_mu + (slope * (x - mu)).sum(-1)).detach()
        return h * Normal(loc, scale).log_prob(x).sum(-1)

    def weighed(leaf: Tensor, beta: Tensor) -> Tensor:
        return leaf.detach() + beta * (leaf - leaf.detach())

    loc, scale = weighed(v.loc, beta_loc), weighed(v.scale, beta_scale)
    plain = v.cost(x).detach() * Normal(v.loc, v.scale).log_prob(x).sum(-1)
    mean_of_h = (f_mu.detach() + (slope * (loc - mu.detach())).sum(-1))[:, 0]
    return plain.mean(1) - h_log_p(loc, scale, x).mean(1) + mean_of_h


ORACLES |= {
    "relax": (grathwohl,),
    "lax": (grathwohl_of_gaussians,),
    "delta_method": (expanded,),
    "rebar": (tucker,),
    "rebar_fitted": (tucker_fitted,),
    "nvil": (mnih,),
    "double_cv": (titsias,),
    "rodeo": (shi,),
}


# ---------------------------------------------------------------- wrong twins


@twin("rebar", has_exact_moments_of_rebar)
def rebar_with_the_conditional_noise_detached(node, noise, points, values, slopes, *, temperature, eta, coupled):
    D, y, _ = points.chunk(3, 1)
    f, _, c = values.chunk(3, 1)
    pathwise = node.pullback(y, slopes.chunk(3, 1)[1]) / temperature
    return (weighted(f - eta * c, node.score(D)) + eta * pathwise).mean(1)


@twin("rebar", has_exact_moments_of_rebar)
def rebar_with_the_conditional_noise_moving_like_the_other(
    node, noise, points, values, slopes, *, temperature, eta, coupled
):
    D, y, y_given_D = points.chunk(3, 1)
    f, _, c = values.chunk(3, 1)
    _, g, g_given_D = slopes.chunk(3, 1)
    pathwise = (node.pullback(y, g) - node.pullback(y_given_D, g_given_D)) / temperature
    return (weighted(f - eta * c, node.score(D)) + eta * pathwise).mean(1)


@twin("rebar", has_exact_moments_of_rebar)
def rebar_without_eta_before_the_relaxed_terms(node, noise, points, values, slopes, *, temperature, eta, coupled):
    f, c, c_given_D = values.chunk(3, 1)
    values = torch.cat([f, c, eta * c_given_D], 1)
    return rebar.combine(node, noise, points, values, slopes, temperature=temperature)


@twin("rebar", has_exact_moments_of_rebar, half="sample")
def rebar_given_the_other_outcome(node, noise, S, *, temperature, coupled):
    D, y, _ = rebar.sample(node, noise, S, temperature=temperature).chunk(3, 1)
    return torch.cat([D, y, node.soften(node.conditional(1 - D, noise, "conditional"), temperature)], 1)


@twin("rebar", has_exact_moments_of_rebar, half="sample")
def rebar_with_a_relaxation_centred_elsewhere(node, noise, S, *, temperature, coupled):
    D, _, y_given_D = rebar.sample(node, noise, S, temperature=temperature).chunk(3, 1)
    return torch.cat([D, node.soften(node.perturbed(noise, S) - node.theta, temperature), y_given_D], 1)


@twin("rebar", has_exact_moments_of_rebar, half="sample")
def rebar_with_one_uniform_for_both(node, noise, S, *, temperature, coupled):
    D, y, _ = rebar.sample(node, noise, S, temperature=temperature).chunk(3, 1)
    return torch.cat([D, y, node.soften(node.conditional(D, noise, "x"), temperature)], 1)


@twin("rebar", has_exact_moments_of_rebar, half="sample")
def rebar_with_a_relaxation_of_other_noise(node, noise, S, *, temperature, coupled):
    """Unbiased: its mean is right, and its variance is not."""
    D, _, y_given_D = rebar.sample(node, noise, S, temperature=temperature).chunk(3, 1)
    other = node.logits - noise.logistic(S, *node.theta.shape)
    return torch.cat([D, node.soften(other, temperature), y_given_D], 1)


@twin("rebar_fitted", varies_less_than_rebar, half="fit")
def rebar_fitted_with_the_sign_of_eta_wrong(node, evaluate, stream, S, *, fit_rows=1024, coupled=False):
    found = rebar_fitted.fit(node, evaluate, stream, S, fit_rows=fit_rows)
    return found._replace(eta=-found.eta)


@twin("nvil", unbiased(GAUSSIAN, 3))
def nvil_with_the_baseline_of_the_draw_itself(node, noise, x, values, slopes, *, state):
    return weighted(values - values.mean(1, keepdim=True), node.score(x)).mean(1)


@twin("nvil", unbiased(COINS, 3))
def nvil_with_its_baseline_divided_by(node, noise, x, values, slopes, *, state):
    return weighted((values - state) / state.abs().clamp(min=1), node.score(x)).mean(1) / 2


@twin("double_cv", unbiased(CHOICES, 3))
def double_cv_without_its_correction(node, noise, x, values, slopes, *, state):
    return double_cv.combine(node, noise, x, values, slopes, state=state) + state * node.pullback(
        node.probs, slopes.mean(1)
    )


@twin("double_cv", unbiased(COINS, 3))
def double_cv_with_its_own_slope_in_the_expansion(node, noise, x, values, slopes, *, state):
    c = (slopes.mean(1, keepdim=True) * (x - node.probs)).sum(-1)
    return rloo.combine(node, noise, x, values + state * c, None) - state * node.pullback(node.probs, slopes.mean(1))


@twin("double_cv", has_variance_of_double_cv)
def double_cv_of_one_sample(node, noise, x, values, slopes, *, state):
    """Unbiased: what is subtracted is the term of the first slope alone, not the mean of all."""
    right = double_cv.combine(node, noise, x, values, slopes, state=state)
    return right + state * node.pullback(node.probs, slopes.mean(1) - slopes[:, 0])


@twin("rodeo", unbiased(COINS, 3))
def rodeo_whose_prediction_depends_on_its_own_sample(node, noise, x, values, slopes, *, state):
    own = slopes.flip(1)  # of two samples: what was f' at the other is f' at its own
    return rloo.combine(node, noise, x, values, None) + rodeo.controls(node, x, own) @ state


@twin("rodeo", unbiased(COINS, 3))
def rodeo_with_flips_as_probable_as_their_opposites(node, noise, x, values, slopes, *, state):
    turned = node.with_theta(-node.theta)
    terms = rodeo.controls(turned, x, slopes)
    return rloo.combine(node, noise, x, values, None) + terms @ state


@twin("relax", has_exact_moments_of_relax)
def relax_with_the_conditional_noise_detached(node, noise, x, values, slopes, *, temperature, state):
    y = node.soften(node.conditional(x, noise, "conditional"), temperature)
    moved = node.pullback(y, state(y)[1]) / temperature
    moved = node.conditional_pullback(x, noise, moved, "conditional").mean(1)
    return relax.combine(node, noise, x, values, slopes, temperature=temperature, state=state) + moved


@twin("relax", has_exact_moments_of_relax)
def relax_with_the_surrogate_at_the_free_noise(node, noise, x, values, slopes, *, temperature, state):
    free, given = (
        state(node.soften(z, temperature))[0]
        for z in (node.perturbed(noise, x.shape[1]), node.conditional(x, noise, "conditional"))
    )
    return relax.combine(node, noise, x, values + given - free, slopes, temperature=temperature, state=state)


@twin("relax", has_exact_moments_of_relax)
def relax_with_the_noise_of_the_other_outcome(node, noise, x, values, slopes, *, temperature, state):
    right = relax.combine(node, noise, 1 - x, values, slopes, temperature=temperature, state=state)
    return right + weighted(values, 2 * x - 1).mean(1)


@twin("lax", has_exact_moments_of_lax)
def lax_without_its_pathwise_term(node, noise, x, values, slopes, *, state):
    _, slope = state((x - node.loc) / node.scale)
    right = lax.combine(node, noise, x, values, slopes, state=state)
    return right - node.pathwise(x, slope / node.scale).mean(1)


@twin("lax", has_exact_moments_of_lax)
def lax_with_the_slope_in_standard_units(node, noise, x, values, slopes, *, state):
    value, slope = state((x - node.loc) / node.scale)
    return (weighted(values - value, node.score(x)) + node.pathwise(x, slope)).mean(1)


@twin("lax", has_exact_moments_of_lax, half="fit")
def lax_not_trained(node, evaluate, stream, S, *, hidden=16, fit_rows=64, fit_steps=200):
    """Unbiased: a constant surrogate, whose variance is that of a constant baseline."""
    return lax.fit(node, evaluate, stream, S, hidden=hidden, fit_rows=fit_rows, fit_steps=0)


@twin("delta_method", unbiased(GAUSSIAN, 3))
def delta_method_without_the_gradient_of_the_expansion(node, noise, points, values, slopes, *, state):
    right = delta_method.combine(node, noise, points, values, slopes, state=state)
    return right - state * torch.stack([slopes[:, -1], torch.zeros_like(slopes[:, -1])], -2)


@twin("delta_method", unbiased(GAUSSIAN, 3, S=1))
def delta_method_expanded_at_the_sample(node, noise, points, values, slopes, *, state):
    at_x = torch.cat([slopes[:, :-1], slopes[:, :1]], 1)
    return delta_method.combine(node, noise, points, values, at_x, state=state)


@twin("rebar", is_exact_when_coupled)
def rebar_coupled_without_a_derivative_of_its_own(node, noise, points, values, slopes, *, temperature, eta, coupled):
    D, _ = points.chunk(2, 1)
    f, c = values.chunk(2, 1)
    return weighted(f - eta * c, node.score(D)).mean(1)
