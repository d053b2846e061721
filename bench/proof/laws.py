"""The laws of the families as torch has them, and quadrature rules over their supports.

Where torch has no law, or an approximate one, its density is written out. Nothing of a node but its parameter is used.
"""

import math
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch import distributions as dist

from ...estimators.node import Enumerable, Node

Axis = tuple[Tensor, Tensor]  # points [Q, *] and volumes [Q] of a rule in one variable
COUNTED = ("poisson", "geometric")


class Written:
    """A law that is known by its log-density alone."""

    def __init__(self, log_prob: Callable[[Tensor], Tensor]) -> None:
        self.log_prob = log_prob


def tril(theta: Tensor) -> tuple[Tensor, Tensor]:
    """Return mu [..., D] and L [..., D, D] from (mu, L row by row)."""
    D = next(D for D in range(1, 99) if theta.shape[-1] == D * (D + 3) // 2)
    rows, start = [], D
    for d in range(1, D + 1):
        rows.append(torch.cat([theta[..., start : start + d], theta.new_zeros(*theta.shape[:-1], D - d)], -1))
        start += d
    return theta[..., :D], torch.stack(rows, -2)


def family_law(node: Node, theta: Tensor) -> dist.Distribution | Written:
    """Return the law of a node's family at theta."""
    match node.family:
        case "laplace":
            return dist.Independent(dist.Laplace(theta[..., 0, :], theta[..., 1, :]), 1)
        case "logistic":
            loc, scale = theta.unbind(-2)
            base = dist.Uniform(torch.zeros_like(loc), torch.ones_like(loc))
            affine = dist.AffineTransform(loc, scale)
            return dist.Independent(dist.TransformedDistribution(base, [dist.SigmoidTransform().inv, affine]), 1)
        case "student_t":
            loc, scale, df = theta.unbind(-2)
            return dist.Independent(dist.StudentT(df, loc, scale), 1)
        case "multivariate_normal":
            loc, L = tril(theta)
            return dist.MultivariateNormal(loc, scale_tril=L)
        case "gamma":
            return dist.Independent(dist.Gamma(theta[..., 0, :], theta[..., 1, :]), 1)
        case "beta":
            return dist.Independent(dist.Beta(theta[..., 0, :], theta[..., 1, :]), 1)
        case "dirichlet":
            return dist.Independent(dist.Dirichlet(theta), 1)
        case "von_mises":
            loc, k = theta.unbind(-2)
            return Written(lambda x: (k * torch.cos(x - loc) - (2 * math.pi * torch.special.i0(k)).log()).sum(-1))
        case "poisson":
            return dist.Independent(dist.Poisson(theta), 1)
        case "geometric":
            return dist.Independent(dist.Geometric(logits=theta), 1)
        case "subset":
            return Written(lambda x: (x * theta).sum(-1) - log_norm(theta, cast(Any, node).k))
    raise NotImplementedError(node.family)


def log_norm(phi: Tensor, k: int) -> Tensor:
    """Return log sum over subsets of exp(sum of phi), subset by subset."""
    return torch.stack([phi[..., list(chosen)].sum(-1) for chosen in combinations(range(phi.shape[-1]), k)]).logsumexp(
        0
    )


def trapezoid(low: float, high: float, step: float = 0.25) -> Tensor:
    """Return the multiples of step that cover [low, high]."""
    return step * torch.arange(math.floor(low / step), math.ceil(high / step) + 1, dtype=torch.float64)


def beta_axis(a: float, b: float) -> Axis:
    """Return a rule on (0, 1) for Beta(a, b): the trapezoidal one in logit x."""
    t = trapezoid(-42 / a, 42 / b)
    x = torch.sigmoid(t)
    return x, 0.25 * x * torch.sigmoid(-t)


def axes(node: Node) -> Iterator[Axis]:
    """Yield a rule over the support of each variable: volumes times the density are weights."""
    theta = node.theta.double()
    match node.family:
        case "poisson":
            yield from ((torch.arange(40.0).double(), torch.ones(40).double()) for _ in theta)
        case "geometric":
            yield from ((torch.arange(60.0).double(), torch.ones(60).double()) for _ in theta)
        case "laplace":  # exact for polynomials times the density
            z, w = (torch.from_numpy(a) for a in np.polynomial.laguerre.laggauss(10))
            for m, s in theta.T.tolist():
                yield m + s * torch.cat([-z.flip(0), z]), s * torch.cat([(w * z.exp()).flip(0), w * z.exp()])
        case "logistic":
            for m, s in theta.T.tolist():
                z = trapezoid(-50, 50)
                yield m + s * z, torch.full_like(z, 0.25 * s)
        case "student_t":  # t = sqrt(nu) sinh
            for m, s, nu in theta.T.tolist():
                t = trapezoid(-60 / nu - 6, 60 / nu + 6, 0.125)
                yield m + s * math.sqrt(nu) * t.sinh(), 0.125 * s * math.sqrt(nu) * t.cosh()
        case "gamma":
            for a, r in theta.T.tolist():
                x = trapezoid(-42 / a, math.log(70 + 4 * a), 0.2).exp()
                yield x / r, 0.2 * x / r
        case "beta":
            yield from (beta_axis(a, b) for a, b in theta.T.tolist())
        case "dirichlet" if theta.shape[-1] == 2:
            for a, b in theta.tolist():
                x, v = beta_axis(a, b)
                yield torch.stack([x, 1 - x], -1), v
        case "dirichlet":  # of three classes: x_1, then the share of x_2 in what is left
            for a, b, c in theta.tolist():
                (x, v), (y, w) = beta_axis(a, b + c), beta_axis(b, c)
                first, share = torch.cartesian_prod(x, y).T
                volumes = torch.cartesian_prod(v, w).prod(-1) * (1 - first)
                yield torch.stack([first, (1 - first) * share, (1 - first) * (1 - share)], -1), volumes
        case "von_mises":
            for m, _ in theta.T.tolist():
                y = torch.arange(96, dtype=torch.float64) * (2 * math.pi / 96)
                yield torch.remainder(m + y + math.pi, 2 * math.pi) - math.pi, torch.full_like(y, 2 * math.pi / 96)
        case _:
            raise NotImplementedError(node.family)


def support(node: Node) -> Axis:
    """Return points [Q, *event] and volumes [Q] of the product rule over all variables."""
    if node.family in ("bernoulli", "categorical", "subset"):
        x = cast(Enumerable, node).outcomes()
        return x, torch.ones(len(x), dtype=torch.float64)
    if node.family == "multivariate_normal":
        e, w = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(7))
        loc, L = tril(node.theta)
        D = len(loc)
        e = torch.cartesian_prod(*[e] * D).reshape(-1, D)
        volumes = torch.cartesian_prod(*[w] * D).reshape(-1, D).prod(-1) * (e.square().sum(-1) / 2).exp()
        return loc + e @ L.T, volumes * L.diagonal().prod()
    rules = list(axes(node))
    index = torch.cartesian_prod(*[torch.arange(len(v)) for _, v in rules]).reshape(-1, len(rules))
    x = torch.stack([p[i] for (p, _), i in zip(rules, index.T, strict=True)], 1)
    return x, torch.stack([v[i] for (_, v), i in zip(rules, index.T, strict=True)]).prod(0)


def law(node: Node, theta: Tensor | None = None) -> Any:
    """Return the node's law as torch has it, at theta or at its own parameter: what has a log_prob."""
    theta = node.theta if theta is None else theta
    match node.family:
        case "bernoulli":
            return dist.Independent(dist.Bernoulli(logits=theta), 1)
        case "categorical":
            return dist.Independent(dist.OneHotCategorical(logits=theta), 1)
        case "normal":
            return dist.Independent(dist.Normal(theta[..., 0, :], theta[..., 1, :]), 1)
    return family_law(node, theta)
