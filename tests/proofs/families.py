"""Oracles, rules and wrong twins of the estimators of the further families."""

import math

import numpy as np
import torch
from scipy import special
from torch import Tensor

from varbench.estimators import generalized_gumbel_softmax, implicit
from varbench.estimators.estimator import weighted

from ..exact_moments import RULES, law, over_counts, over_the_node
from ..family_nodes import FAMILY_NODES, TWO_OF_A_FAMILY
from ..surrogates import ORACLES, ROUGHNESS, TRIED, Choices, Drawn
from ..twins import follows_oracles, twin, unbiased

STENCIL = (6 / 7, -15 / 56, 5 / 63, -1 / 56, 1 / 385, -1 / 5544)  # of the first derivative, to order 12
STEP = 0.05

RULES |= {"implicit": over_the_node, "go": over_counts}


# ---------------------------------------------------------------- implicit: -(dF/dtheta) / p, from scipy's F


def von_mises_cdf(k: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return P(Y < y) about 0: its Fourier series."""
    total = 0.5 + y / (2 * math.pi)
    for j in range(1, 40):
        total = total + special.ive(j, k) / special.ive(0, k) * np.sin(j * y) / (math.pi * j)
    return total


def student_cdf(nu: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return P(T < t) up to a constant of each half: the tail on the side of t, by the incomplete Beta function."""
    return -np.sign(t) * special.betainc(nu / 2, 0.5, nu / (nu + t**2)) / 2


CDF = {
    "gamma": lambda theta, x: special.gammainc(theta[0], theta[1] * x),
    "beta": lambda theta, x: special.betainc(theta[0], theta[1], x),
    "student_t": lambda theta, x: student_cdf(theta[2], (x - theta[0]) / theta[1]),  # in df alone
    "von_mises": lambda theta, x: von_mises_cdf(theta[1], x - theta[0]),
}


def moved(cdf, theta: list[np.ndarray], row: int, x: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return dx/dtheta_row = -(dF/dtheta_row) / p by differences of F to order 12."""
    total = 0.0
    for i, c in enumerate(STENCIL, 1):
        for sign in (1, -1):
            shifted = [t + sign * i * STEP * (r == row) for r, t in enumerate(theta)]
            total = total + sign * c * cdf(shifted, x)
    return -total / STEP / p


def through_the_distribution_function(v: Drawn) -> Tensor:
    """Figurnov et al. 2018; for a Dirichlet one share at a time, by its Beta marginal."""
    theta, x = v.theta.detach().double(), v.x.double()
    if v.node.family == "dirichlet":
        steps = torch.zeros_like(x)
        for i in range(x.shape[-1]):
            a, b = theta[..., i], theta.sum(-1) - theta[..., i]
            p = torch.distributions.Beta(a, b).log_prob(x[..., i]).exp().numpy()
            rows = [a.numpy(), b.numpy()]
            dx = torch.as_tensor(moved(CDF["beta"], rows, 0, x[..., i].numpy(), p))
            direction = -x / (1 - x[..., i : i + 1])
            direction[..., i] = 1
            steps = steps + dx.unsqueeze(-1) * direction * (v.theta[..., i] - v.theta[..., i].detach()).unsqueeze(-1)
        return v.cost(v.x + steps.to(v.x)).mean(1)
    rows = list(theta.unbind(-2))
    one = v.node.with_theta(v.node.theta.double())
    densities = law(one, theta.movedim(-1, 0).unsqueeze(-1)).log_prob(x.movedim(-1, 0).unsqueeze(-1))  # each alone
    p = densities.exp().movedim(0, -1).numpy()
    x_moved = v.x
    for r in range(len(rows)):
        if v.node.family == "student_t" and r < 2:
            dx = ((x - rows[0]) / rows[1]) ** r
        else:
            dx = moved(CDF[v.node.family], [row.numpy() for row in rows], r, x.numpy(), p)
        leaf = v.theta[..., r, :]
        x_moved = x_moved + torch.as_tensor(dx).to(v.x) * (leaf - leaf.detach())
    return v.cost(x_moved).mean(1)


# ---------------------------------------------------------------- counts


def step_by_step(v: Drawn | Choices) -> Tensor:
    """Cong et al. 2019: -(dQ/dtheta) / q by adding up probabilities and differentiating, coordinate by coordinate."""
    x = v.x[..., 0] if isinstance(v, Choices) else v.x
    D = x.shape[-1]
    S = x.shape[1] // (1 + D)
    x = x[:, :S]
    numbers = torch.arange(float(x.max()) + 1 if isinstance(v, Drawn) else 2.0, dtype=x.dtype)
    total = 0.0
    for d in range(D):
        if isinstance(v, Choices):
            q = torch.softmax(v.logits[..., d, :], -1).flip(-1)  # of 0 and of 1
        else:
            one = v.theta[..., d : d + 1].unsqueeze(-2)  # [N, 1, *B, 1, 1]
            q = law(v.node, one).log_prob(numbers.unsqueeze(-1)).exp()
        q = q.expand(*x.shape[:-1], -1)  # [N, S, *B, numbers]
        Q = torch.where(numbers <= x[..., d : d + 1], q, 0).sum(-1)
        at_x = torch.where(numbers == x[..., d : d + 1], q, 0).sum(-1).detach()
        step = torch.eye(D, dtype=x.dtype)[d]
        if isinstance(v, Choices):
            up = torch.where(step > 0, 1.0, x)
            difference = v.cost(torch.stack([up, 1 - up], -1)) - v.cost(torch.stack([x, 1 - x], -1))
        else:
            difference = v.cost(x + step) - v.cost(x)
        total = total - Q / at_x * difference.detach()
    return total.mean(1)


def relaxed_count(v: Drawn, *, temperature: float, truncation: int) -> Tensor:
    """Joo et al. 2020: Gumbel-Softmax over the truncated outcomes, the last with the probability that is left."""
    theta = v.theta.double().unsqueeze(-1).unsqueeze(-1)  # [N, 1, *B, D, 1, 1]
    numbers = torch.arange(truncation - 1, dtype=torch.float64).unsqueeze(-1)
    q = law(v.node, theta).log_prob(numbers).exp()  # [N, 1, *B, D, K - 1]
    q = torch.cat([q, 1 - q.sum(-1, keepdim=True)], -1)
    E = v.noise.exponential(v.S, *v.x.shape[2:], truncation).double()
    w = torch.softmax((q.log() - E.log()) / temperature, -1)
    y = (w * torch.arange(truncation, dtype=torch.float64)).sum(-1)
    return v.cost(y.to(v.x.dtype)).mean(1)


ROUGHNESS["implicit"] = 1e3  # scipy's F, differenced and divided by a small p: 1e-9
ORACLES |= {
    "implicit": (through_the_distribution_function,),
    "go": (step_by_step,),
    "generalized_gumbel_softmax": (relaxed_count,),
}
TRIED["truncation"] = (2, 5)


# ---------------------------------------------------------------- twins

GAMMA, BETA, TWO_COUNTS = FAMILY_NODES["gamma"], FAMILY_NODES["beta"], TWO_OF_A_FAMILY["poisson"]
GEOMETRIC, VECTOR, LAPLACE = (FAMILY_NODES[name] for name in ("geometric", "multivariate_normal", "laplace"))


def near(family: str, degree: int = 3, S: int = 1):
    return unbiased(FAMILY_NODES[family], degree, S)


@twin("implicit", near("gamma"))
def implicit_with_its_sign_wrong(node, noise, x, values, slopes):
    return -implicit.combine(node, noise, x, values, slopes)


@twin("implicit", near("gamma"))
def implicit_without_the_density(node, noise, x, values, slopes):
    p = law(node).log_prob(x).exp().unsqueeze(-1)
    return node.pathwise(x, slopes * p).mean(1)


@twin("implicit", near("student_t"))
def implicit_with_the_degrees_of_freedom_held(node, noise, x, values, slopes):
    grad = node.pathwise(x, slopes)
    grad[..., 2, :] = 0
    return grad.mean(1)


@twin("implicit", near("dirichlet"))
def implicit_with_the_other_shares_held(node, noise, x, values, slopes):
    from varbench.estimators.families.beta import first_derivative

    a = node.concentration
    return (first_derivative(a, a.sum(-1, keepdim=True) - a, x, 1 - x) * slopes).mean(1)


@twin("reparameterization", near("multivariate_normal"))
def reparameterization_of_a_diagonal_covariance(node, noise, x, values, slopes):
    grad = node.pathwise(x, slopes).mean(1)
    grad[..., 3] = 0
    return grad


@twin("reinforce", near("subset"))
def reinforce_with_independent_coins_for_a_subset(node, noise, x, values, slopes):
    return weighted(values, x - torch.sigmoid(node.logits)).mean(1)


@twin("go", near("poisson"))
def go_with_the_difference_below(node, noise, x, values, slopes):
    x, _ = x.chunk(2, 1)
    f, f_up = values.chunk(2, 1)
    return (x / node.rate * (f_up - f).unsqueeze(-1)).mean(1)


@twin("go", near("geometric"))
def go_with_the_survival_instead_of_its_derivative(node, noise, x, values, slopes):
    f, f_up = values.chunk(2, 1)
    return (torch.sigmoid(-node.logits) / torch.sigmoid(node.logits) * (f - f_up).unsqueeze(-1)).mean(1)


def all_at_once(node, noise, S):
    x = node.draw(noise, S)
    return torch.cat([x, *[node.successor(x)] * x.shape[-1]], 1)


twin("go", unbiased(TWO_COUNTS, 3, 1), half="sample")(all_at_once)


@twin("generalized_gumbel_softmax", follows_oracles(FAMILY_NODES["poisson"], temperature=0.5, truncation=4))
def generalized_gumbel_softmax_without_one_over_tau(node, noise, y, values, slopes, *, temperature, truncation):
    kept = {"temperature": temperature, "truncation": truncation}
    return temperature * generalized_gumbel_softmax.combine(node, noise, y, values, slopes, **kept)


@twin("generalized_gumbel_softmax", follows_oracles(GEOMETRIC, temperature=0.5, truncation=4))
def generalized_gumbel_softmax_with_the_score_of_its_last_outcome_alone(
    node, noise, y, values, slopes, *, temperature, truncation
):
    log_q, s = node.truncated(truncation)
    s = s.clone()
    s[..., -1] = node.score(torch.full_like(node.theta, truncation - 1))
    w = torch.softmax((log_q + noise.gumbel(y.shape[1], *log_q.shape)) / temperature, -1)
    k = torch.arange(truncation, dtype=w.dtype)
    return (slopes * (w * (k - y.unsqueeze(-1)) * s).sum(-1) / temperature).mean(1)
