"""Each estimator as its paper writes it: a surrogate loss whose automatic derivative is the gradient draw.

Discrete surrogates are written once, for one-hot choices; a coin enters as a choice between two classes with logits
(phi, 0). No method of a node is used, only torch and the raw numbers of the noise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.distributions import Normal
from torch.nn.functional import gumbel_softmax, one_hot

from varbench.bench.proof.laws import tril
from varbench.estimators.estimator import STATE, Estimator
from varbench.estimators.node import Node
from varbench.estimators.noise import Noise

from .exact_moments import Cost, completed, gradient_draws, law, sampled

ROUGHNESS: dict[str, float] = {}  # how much rougher than rounding an oracle is in float64
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}  # of the largest entry of the draws


@dataclass(frozen=True)
class Choices:
    """One-hot choices.

    Args:
        logits: [N, 1, *B, D, K], a function of the leaf theta.
        x: the points [N, S, *B, D, K].
        cost: of one-hot points.
        exponentials: those of the perturbation by their shape S, or, given k too, those of the conditional noise.
        theta: the leaf [N, *B, *param].
        noise: the source itself.
        exponentials_given: those of the conditional noise of points D, which may be other points than x.
    """

    logits: Tensor
    x: Tensor
    cost: Cost
    exponentials: Callable[..., Tensor]
    exponentials_given: Callable[[Tensor], Tensor]
    theta: Tensor
    noise: Noise

    @property
    def S(self) -> int:  # noqa: N802
        return self.x.shape[1]

    def log_prob(self) -> Tensor:
        return (self.x * torch.log_softmax(self.logits, -1)).sum((-1, -2))

    def gumbels(self) -> Tensor:
        return -self.exponentials(self.S).log()


@dataclass(frozen=True)
class Gaussians:
    """Normal variables: loc and scale [N, 1, *B, D], points x and standard noise e [N, S, *B, D]; theta, noise."""

    loc: Tensor
    scale: Tensor
    x: Tensor
    cost: Cost
    e: Callable[[], Tensor]
    theta: Tensor
    noise: Noise

    @property
    def S(self) -> int:  # noqa: N802
        return self.x.shape[1]

    def log_prob(self) -> Tensor:
        return Normal(self.loc, self.scale).log_prob(self.x).sum(-1)


@dataclass(frozen=True)
class Drawn:
    """Points x [N, S, *B, *event] of a node's law at the leaf theta [N, 1, *B, *param], whatever the family."""

    node: Node
    theta: Tensor
    x: Tensor
    cost: Cost
    noise: Noise

    @property
    def S(self) -> int:  # noqa: N802
        return self.x.shape[1]

    def log_prob(self) -> Tensor:
        return law(self.node, self.theta).log_prob(self.x)

    def rebuilt(self) -> Tensor:
        """Return mu + sigma z, or mu + L z, with the z that x has at this theta."""
        if self.node.family == "multivariate_normal":
            loc, L = tril(self.theta)
            z = torch.linalg.inv(L.detach()) @ (self.x - loc.detach()).unsqueeze(-1)
            return loc + (L @ z).squeeze(-1)
        loc, scale = self.theta.unbind(-2)
        return loc + scale * ((self.x - loc) / scale).detach()


Variables = Choices | Gaussians | Drawn


def seen(node: Node, leaf: Tensor, noise: Noise, x: Tensor, cost: Cost) -> Variables:
    """Return the variables at the leaf theta [N, *B, *param], whatever the family."""
    batch = node.batch_shape
    if node.family == "normal":
        loc, scale = leaf.unsqueeze(1).unbind(-2)
        return Gaussians(loc, scale, x, cost, lambda: noise.normal(x.shape[1], *batch, *node.event_shape), leaf, noise)
    if node.family not in ("categorical", "bernoulli"):
        return Drawn(node, leaf.unsqueeze(1), x, cost, noise)
    if node.family == "categorical":

        def exponentials(S: int, *k: int, name: str = "x") -> Tensor:
            return noise.exponential(S, *k, *node.theta.shape, name="conditional" if k else name)

        def given(D: Tensor) -> Tensor:
            return noise.exponential(*D.shape[1:], name="conditional")

        return Choices(leaf.unsqueeze(1), x, cost, exponentials, given, leaf, noise)

    def coin_exponentials(S: int, *k: int, name: str = "x") -> Tensor:
        u = noise.uniform(S, *k, *node.theta.shape, name="conditional" if k else name)
        return two_exponentials(u, x[..., 0].unsqueeze(2) if k else torch.ones_like(u))

    def coin_exponentials_given(D: Tensor) -> Tensor:
        return two_exponentials(noise.uniform(*D.shape[1:-1], name="conditional"), D[..., 0])

    logits = torch.stack([leaf, torch.zeros_like(leaf)], -1).unsqueeze(1)
    x = torch.stack([x, 1 - x], -1)
    return Choices(logits, x, lambda y: cost(y[..., 0]), coin_exponentials, coin_exponentials_given, leaf, noise)


def two_exponentials(u: Tensor, x: Tensor) -> Tensor:
    """Return the pair [..., 2] for a coin's uniform u, which is the share of class 1, or given x that of class x.

    Only ratios of exponentials matter, so u and 1 - u will do.
    """
    pair = torch.stack([u, 1 - u], -1)
    return torch.where(x.unsqueeze(-1) > 0.5, pair, pair.flip(-1))


def values(v: Variables) -> Tensor:
    return v.cost(v.x).detach()


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """Return the value of hard with the derivative of soft."""
    return hard + soft - soft.detach()


# ---------------------------------------------------------------- score function


def reinforce(v: Variables) -> Tensor:
    return (values(v) * v.log_prob()).mean(1)


def leave_one_out(v: Variables) -> Tensor:
    """Kool et al. 2019: each sample against the mean of the others, written out."""
    f, log_p = values(v), v.log_prob()
    terms = []
    for i in range(v.S):
        others = [f[:, j] for j in range(v.S) if j != i]
        terms.append((f[:, i] - sum(others) / len(others)) * log_p[:, i])
    return sum(terms) / v.S


def var_grad(v: Variables) -> Tensor:
    """Richter et al. 2020: half the sample variance of log q - log p, samples held fixed; here log q - log p = f."""
    log_q = v.log_prob()
    f = values(v) - log_q.detach() + log_q
    return f.var(1, correction=1) / 2


def arm_integrated(v: Choices) -> Tensor:
    """Dong et al. 2020: ARM's (f(b) - f(b~)) (1/2 - u), with u replaced by its mean given b and b~."""
    phi = v.logits[..., 0] - v.logits[..., 1]
    p = torch.sigmoid(phi.detach())
    low, high = torch.minimum(p, 1 - p), torch.maximum(p, 1 - p)
    b, anti = v.x[..., 0].chunk(2, 1)
    f, f_anti = values(v).chunk(2, 1)
    # b = 1[u < p] and b~ = 1[u > q] differ where u < low (b = 1) and where u > high (b~ = 1)
    mean_u = torch.where(b > anti, low / 2, torch.where(b < anti, (1 + high) / 2, 0.5))
    return ((f - f_anti).unsqueeze(-1) * (0.5 - mean_u) * phi).sum(-1).mean(1)


def total_expectation(v: Choices) -> Tensor:
    return (v.log_prob().exp() * values(v)).sum(1)


# ---------------------------------------------------------------- pathwise


def reparameterized(v: Gaussians | Drawn) -> Tensor:
    if isinstance(v, Drawn):
        return v.cost(v.rebuilt()).mean(1)
    return v.cost(v.loc + v.scale * v.e()).mean(1)


# ---------------------------------------------------------------- relaxations and straight-through


def concrete(v: Choices, *, temperature: float) -> Tensor:
    return v.cost(torch.softmax((v.logits + v.gumbels()) / temperature, -1)).mean(1)


def torch_gumbel_softmax(v: Choices, temperature: float, hard: bool) -> Tensor:
    """torch's own function, made to draw the exponentials of the noise."""
    E = v.exponentials(v.S)
    with patch.object(torch.Tensor, "exponential_", lambda self: self.copy_(E)):
        y = gumbel_softmax(v.logits.expand(E.shape), temperature, hard)
    return v.cost(y).mean(1)


def torch_soft(v: Choices, *, temperature: float) -> Tensor:
    return torch_gumbel_softmax(v, temperature, hard=False)


def torch_hard(v: Choices, *, temperature: float) -> Tensor:
    return torch_gumbel_softmax(v, temperature, hard=True)


def hard_sample_soft_slope(v: Choices, *, temperature: float, identity: bool) -> Tensor:
    soft = v.logits if identity else torch.softmax(v.logits / temperature, -1)
    return v.cost(straight_through(v.x, soft)).mean(1)


def hard_concrete(v: Choices, *, temperature: float) -> Tensor:
    z = v.logits + v.gumbels()
    hard = one_hot(z.argmax(-1), z.shape[-1]).to(z.dtype)
    return v.cost(straight_through(hard, torch.softmax(z / temperature, -1))).mean(1)


def rao_blackwellised(v: Choices, *, temperature: float, conditional_samples: int) -> Tensor:
    """Paulus et al. 2021: G_k given D, its derivative stopped, then averaged relaxed slopes."""
    E, D = v.exponentials(v.S, conditional_samples), v.x.unsqueeze(2)  # [N, S, k, *B, D, K], [N, S, 1, *B, D, K]
    theta = v.logits.unsqueeze(2)
    Z = theta.exp().sum(-1, keepdim=True)
    E_D = (E * D).sum(-1, keepdim=True)
    z = torch.where(D > 0.5, Z.log() - E.log(), -(E / theta.exp() + E_D / Z).log())
    G = (z - theta).detach()
    soft = torch.softmax((theta + G) / temperature, -1).mean(2)
    return v.cost(straight_through(v.x, soft)).mean(1)


def second_order(v: Choices, *, temperature: float) -> Tensor:
    """Liu et al. 2023, algorithm 2: pi_1's derivative is that of a softmax whose value it is."""
    pi_0 = torch.softmax(v.logits, -1)
    pi_1 = (v.x + torch.softmax(v.logits / temperature, -1)) / 2
    pi_1 = torch.softmax((pi_1.log() - v.logits).detach() + v.logits, -1)
    return v.cost(straight_through(v.x, 2 * pi_1 - pi_0 / 2)).mean(1)


ORACLES: dict[str, tuple[Callable[..., Tensor], ...]] = {
    "reinforce": (reinforce,),
    "rloo": (leave_one_out, var_grad),
    "disarm": (arm_integrated,),
    "reparameterization": (reparameterized,),
    "gumbel_softmax": (concrete, torch_soft),
    "straight_through": (hard_sample_soft_slope,),
    "st_gumbel_softmax": (hard_concrete, torch_hard),
    "gumbel_rao": (rao_blackwellised,),
    "reinmax": (second_order,),
    "enumerate": (total_expectation,),
}


# the values at which each parameter is held against the oracles
TRIED: dict[str, tuple[Any, ...]] = {
    "temperature": (0.4, 1.0, 2.5),
    "identity": (False, True),
    "conditional_samples": (1, 3),
    "step": (0.3, 1.0),  # these are parameters of several groups
    "steps": (1, 2, 4),
    "eta": (0.7, 2.0),
}


def oracle_draws(
    surrogate: Callable[..., Tensor], node: Node, cost: Cost, noise: Noise, x: Tensor, **config: Any
) -> Tensor:
    """Return the surrogate's gradient draws [N, *B, *param] at points x: theta expanded to a leaf, one backward."""
    leaf = node.theta.expand(noise.rows, *node.theta.shape).clone().requires_grad_()
    surrogate(seen(node, leaf, noise, x, cost), **config).sum().backward()
    return leaf.grad


def assert_follows_oracles(estimator: Estimator, node: Node, cost: Cost, noise: Noise, S: int, **config: Any) -> None:
    """Assert that each draw is each oracle's, under the same noise at the same points."""
    full = completed(estimator, node, cost, S, config)
    state = {STATE: full[STATE]} if STATE in full else {}
    points = sampled(estimator, node, noise, S, **full)
    draws = gradient_draws(estimator, node, cost, noise, S, points, **full)
    for surrogate in ORACLES[estimator.facts.alias_of or estimator.facts.name]:
        expected = oracle_draws(surrogate, node, cost, noise, points, **config, **state)
        scale = max(1.0, float(expected.abs().max()))
        if node.theta.dtype == torch.float64:
            scale *= ROUGHNESS.get(estimator.facts.name, 1.0)
        torch.testing.assert_close(draws, expected, rtol=0, atol=scale * TOLERANCE[node.theta.dtype])
