"""Measure-valued derivatives: exact rules over their laws, oracles, wrong twins."""

import math

import numpy as np
import torch
from scipy import special
from torch import Tensor

from varbench.estimators import measure_valued
from varbench.estimators.families._gamma_halves import halves
from varbench.estimators.node import Node

from ..exact_moments import RULES, Axis, FixedNoise, Rule, hermite, legendre, logistic, over_counts, product
from ..family_nodes import FAMILY_NODES, TWO_OF_A_FAMILY
from ..surrogates import ORACLES, Drawn, Gaussians
from ..twins import GAUSSIAN, follows_oracles, twin, unbiased

# ---------------------------------------------------------------- rules


def gauss(density: Tensor, x: Tensor, w: Tensor, order: int) -> Axis:
    """Return the Gauss rule of a density on a fine grid, by Lanczos' recursion: exact to degree 2 order - 1."""
    mass = w * density
    mass = mass / mass.sum()
    basis, diagonal, beside = [mass.sqrt()], [], []
    for _ in range(order):
        v = x * basis[-1]
        diagonal.append(float(v @ basis[-1]))
        for q in (*basis, *basis):  # twice is enough to stay orthogonal
            v = v - (v @ q) * q
        beside.append(float(v.norm()))
        basis.append(v / v.norm())
    jacobi = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    nodes, vectors = np.linalg.eigh(jacobi)
    return torch.from_numpy(nodes), torch.from_numpy(vectors[0] ** 2)


def over_measures(node: Node, S: int) -> Rule:
    """Gauss rules for the Weibull and Maxwell laws, the ratio of Normal to Maxwell, and the other coordinates.

    All coordinates have the same w, m and e: each entry of a draw sees those of its own coordinate alone, so that
    mean and trace are exact. Order 4 makes squares of cubics exact; for S > 1 order 2, exact for the mean.
    """
    D, order = node.event_shape[0], 4 if S == 1 else 2
    x, fine = legendre(torch.linspace(0, 14, 15, dtype=torch.float64))
    bell = torch.exp(-x.square() / 2)
    half = torch.full((2,), 0.5, dtype=torch.float64)
    one = [
        gauss(x * bell, x, fine, order),
        gauss(x.square() * bell, x, fine, order),
        legendre(torch.tensor([0.0, 1.0], dtype=torch.float64), order),
        (torch.tensor([-1.0, 1.0], dtype=torch.float64), half),
        *[hermite(order)] * D,
    ]
    numbers, weights = product(one * S)
    w, m, ratio, sign, *others = numbers.reshape(-1, S, len(one)).unbind(-1)
    e = sign * m * ratio
    g = torch.stack([e, (m.square() - e.square()).clamp(min=0).sqrt(), torch.zeros_like(e)], 2)
    wide = (len(numbers), S, D)
    noise = FixedNoise(
        len(numbers),
        normal_x=torch.stack(others, -1),
        exponential_weibull=(w.square() / 2).unsqueeze(-1).expand(wide),
        normal_maxwell=g.unsqueeze(-1).expand(len(numbers), S, 3, D),
    )
    return Rule(weights, noise)


def over_gamma_halves(node: Node, S: int) -> Rule:
    """Gauss rules for the draws and the step in the rate, panels for the one uniform of the halves.

    All coordinates have the same step and the same uniform: each entry of a draw sees those of its own coordinate
    alone, so that mean and trace are exact. Order 4 makes squares of cubics exact.
    """
    order, axes = 4, [logistic(), tuple(map(torch.from_numpy, special.roots_laguerre(4)))]
    for a in node.theta[0].tolist():
        y, w = special.roots_genlaguerre(order, a - 1)
        axes.append((torch.from_numpy(special.gammainc(a, y)), torch.from_numpy(w / w.sum())))
    numbers, weights = product(axes * S)
    u, step, *draws = numbers.reshape(-1, S, len(axes)).unbind(-1)
    wide = (len(numbers), S, node.event_shape[0])
    noise = FixedNoise(
        len(numbers),
        uniform_x=torch.stack(draws, -1),
        uniform_concentration=u.unsqueeze(-1).expand(wide),
        exponential_rate=step.unsqueeze(-1).expand(wide),
    )
    return Rule(weights, noise)


def over_the_halves(node: Node, S: int) -> Rule:
    return {"normal": over_measures, "poisson": over_counts, "gamma": over_gamma_halves}[node.family](node, S)


RULES["measure_valued"] = over_the_halves


# ---------------------------------------------------------------- oracles


def by_normal_measures(v: Gaussians) -> Tensor:
    """Mohamed et al. 2020, section 6, coordinate by coordinate and sample by sample, at points made anew."""
    (mu, sigma), D = v.theta.detach().unbind(-2), v.theta.shape[-1]
    S, batch = v.S // (4 * D), v.theta.shape[1:-2]
    base = v.noise.normal(S, *batch, D)
    w = (2 * v.noise.exponential(S, *batch, D, name="weibull")).sqrt()
    g = v.noise.normal(S, 3, *batch, D, name="maxwell")
    total = torch.zeros(())
    for i in range(S):
        e = g[:, i, 0]
        m = torch.sign(e) * g[:, i].norm(dim=1)
        for d in range(D):

            def f(own: Tensor, i: int = i, d: int = d) -> Tensor:
                z = base[:, i].clone()
                z[..., d] = own[..., d]
                return v.cost(mu + sigma * z).detach()

            loc = (f(w[:, i]) - f(-w[:, i])) / (math.sqrt(2 * math.pi) * sigma[..., d])
            scale = (f(m) - f(e)) / sigma[..., d]
            total = total + (loc * v.theta[..., 0, d] + scale * v.theta[..., 1, d]) / S
    return total


def by_shifts(v: Drawn) -> Tensor:
    """The Poisson law moved by one minus the law, coordinate by coordinate."""
    D = v.x.shape[-1]
    x = v.x.unflatten(1, (-1, 2, D))[:, :, 1, 0]
    total = 0.0
    for d in range(D):
        up = x.clone()
        up[..., d] += 1
        total = total + (v.cost(up) - v.cost(x)) * v.theta[..., d]
    return total.mean(1)


def mass_of_half(a: float) -> float:
    """Return E (log y - digamma(a))^+ of a Gamma(a, 1) variable, by quadrature in log y."""
    t, w = legendre(torch.linspace(special.digamma(a), math.log(a + 60 + 12 * math.sqrt(a)), 40, dtype=torch.float64))
    return float(w @ ((a * t - t.exp() - math.lgamma(a)).exp() * (t - special.digamma(a))))


def risen(a: Tensor, y: Tensor, step: float = 0.02) -> Tensor:
    """Return -dP(a, y)/da of the incomplete Gamma function, by differences of scipy's."""
    a, y = a.double().numpy(), y.double().numpy()
    terms = enumerate((4 / 5, -1 / 5, 4 / 105, -1 / 280), 1)
    P = special.gammainc
    return torch.as_tensor(sum(c * (P(a - i * step, y) - P(a + i * step, y)) for i, c in terms) / step)


def by_gamma_measures(v: Drawn) -> Tensor:
    """Coordinate by coordinate, after a look whether the halves' points stand where their uniform wants them."""
    a, r = v.theta.detach().unbind(-2)  # [N, 1, *B, D]
    D, single = v.x.shape[-1], v.x.dtype == torch.float32
    mass = torch.tensor([mass_of_half(one) for one in a.flatten().tolist()], dtype=torch.float64).reshape(a.shape)
    points = v.x.unflatten(1, (-1, 2, 2, D)).movedim(4, 0)  # [D, N, S, R, sign, *B, D]
    S, shape = points.shape[2], a.shape[2:]
    x = torch.as_tensor(special.gammaincinv(a.double().numpy(), v.noise.uniform(S, *shape).double().numpy())).to(a) / r
    level = v.noise.uniform(S, *shape, name="concentration")
    stepped = x + v.noise.exponential(S, *shape, name="rate") / r
    total = torch.zeros(())
    for d in range(D):
        (plus, minus), (low, high) = ([points[d, :, :, row, sign] for sign in (0, 1)] for row in (0, 1))
        for half, wanted, side in ((plus, 1 - level, 1), (minus, level, -1)):
            y = (r * half)[..., d]
            found = risen(a[..., d], y) / mass[..., d]
            torch.testing.assert_close(found, wanted[..., d].double(), rtol=0, atol=1e-3 if single else 1e-8)
            assert (side * (y.log() - torch.digamma(a[..., d])) > -1e-3).all()
        moved = torch.where(torch.arange(D) == d, stepped, x)
        for one, other in ((low, x), (high, moved)):
            torch.testing.assert_close(one, other, rtol=1e-5 if single else 1e-12, atol=0)
        f = [v.cost(one).detach() for one in (plus, minus, low, high)]
        total = total + mass[..., d].to(v.x) * (f[0] - f[1]) * v.theta[..., 0, d]
        total = total + (a / r)[..., d] * (f[2] - f[3]) * v.theta[..., 1, d]
    return total.mean(1)


def by_measures(v: Gaussians | Drawn) -> Tensor:
    if isinstance(v, Gaussians):
        return by_normal_measures(v)
    return by_shifts(v) if v.node.family == "poisson" else by_gamma_measures(v)


ORACLES["measure_valued"] = (by_measures,)


# ---------------------------------------------------------------- twins


@twin("measure_valued", unbiased(GAUSSIAN, 3, S=1))
def measure_valued_without_its_constant(node, noise, x, values, slopes):
    right = measure_valued.combine(node, noise, x, values, slopes)
    return right * torch.tensor([[math.sqrt(2 * math.pi)], [1.0]], dtype=right.dtype)


@twin("measure_valued", unbiased(GAUSSIAN, 3, S=1), half="sample")
def measure_valued_with_a_weibull_of_scale_one(node, noise, S):
    x = measure_valued.sample(node, noise, S)
    shrunk = (x[:, :2] - node.loc) / math.sqrt(2) + node.loc
    return torch.cat([shrunk, x[:, 2:]], 1)


@twin("measure_valued", unbiased(GAUSSIAN, 3, S=1), half="sample")
def measure_valued_with_a_one_sided_maxwell(node, noise, S):
    x = measure_valued.sample(node, noise, S)
    return torch.cat([x[:, :2], node.loc + (x[:, 2:] - node.loc).abs()], 1)


@twin("measure_valued", follows_oracles(GAUSSIAN))
def measure_valued_of_the_log_scale(node, noise, x, values, slopes):
    return measure_valued.combine(node, noise, x, values, slopes) * torch.stack([node.scale**0, node.scale])


TWO_COUNTS, GAMMA = TWO_OF_A_FAMILY["poisson"], FAMILY_NODES["gamma"]


@twin("measure_valued", unbiased(TWO_COUNTS, 3, 1), half="sample")
def measure_valued_in_all_coordinates_at_once(node, noise, S):
    x, D = node.draw(noise, S), node.event_shape[0]
    return torch.cat([x + 1] * D + [x] * D, 1)


@twin("measure_valued", unbiased(TWO_COUNTS, 3, 1))
def measure_valued_times_the_rate(node, noise, x, values, slopes):
    return node.rate * measure_valued.combine(node, noise, x, values, slopes)


@twin("measure_valued", follows_oracles(GAMMA))
def measure_valued_with_its_sign_wrong_in_the_rate(node, noise, x, values, slopes):
    return measure_valued.combine(node, noise, x, values, slopes) * torch.tensor([[1.0], [-1.0]], dtype=x.dtype)


@twin("measure_valued", follows_oracles(GAMMA))
def measure_valued_of_a_gamma_without_its_mass(node, noise, x, values, slopes):
    return measure_valued.combine(node, noise, x, values, slopes) * node.weak_spacing.clamp(max=1)


@twin("measure_valued", follows_oracles(GAMMA), half="sample")
def measure_valued_with_crossed_halves(node, noise, S):
    """Each half has its law, but the two run against each other: the mean is right, the variance is not."""
    x = measure_valued.sample(node, noise, S)
    x[:, 0] = (
        halves(node.concentration, 1 - noise.uniform(S, *node.rate.shape, name="concentration"))[0][:, 0] / node.rate
    )
    return x
