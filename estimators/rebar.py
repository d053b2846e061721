"""REBAR: REINFORCE with the relaxed cost as its control variate."""

import torch
from torch import Tensor

from .estimator import weighted
from .node import Discrete
from .noise import Noise


def sample(node: Discrete, noise: Noise, S: int, *, temperature: float, coupled: bool = False) -> Tensor:
    """Return D, y = softmax(z / tau), y~ = softmax(z~ / tau) [N, 3 S, *B, *event]: z is what chose D, z~ is given D.

    Coupled, z~ is z, and the points are D and y [N, 2 S, *B, *event].
    """
    z = node.perturbed(noise, S)
    D = node.harden(z)
    relaxed = [node.soften(z, temperature)]
    if not coupled:
        relaxed.append(node.soften(node.conditional(D, noise, "conditional"), temperature))
    return torch.cat([D, *relaxed], 1)


def combine(
    node: Discrete,
    noise: Noise,
    points: Tensor,
    values: Tensor,
    slopes: Tensor,
    *,
    temperature: float,
    eta: float = 1.0,
    coupled: bool = False,
) -> Tensor:
    """Return mean_i (f(D_i) - eta f(y~_i)) s(D_i) + eta (d f(y_i) / dphi - d f(y~_i) / dphi): unbiased.

    y = softmax(z / tau) moves with phi through z = phi + G, and y~ through z~ too, whose noise v is held fixed and
    whose branch is that of D. Unbiased at any eta and tau, since E[c(z~) s(D) + d c(z~)/dphi] = d E c(z) / dphi.

    The noise v of z~ is independent of that of z, or, coupled as in the paper's appendix G.2, is what makes z~ equal to
    z: uniform given D all the same. z~ and z then differ by how they move, and f is evaluated at two points, not three.
    Source: Tucker et al. 2017 (1703.07370).
    """
    chunks = 2 if coupled else 3
    D, y = points.chunk(chunks, 1)[:2]  # [N, S, *B, *event]
    f, c = values.chunk(chunks, 1)[0], values.chunk(chunks, 1)[-1]  # [N, S, *B]
    pathwise = node.pullback(y, slopes.chunk(chunks, 1)[1]) / temperature
    if coupled:
        pathwise_given_D = node.pullback_given(D, node.perturbed(noise, D.shape[1]), pathwise)
    else:
        at_given_D = node.pullback(points.chunk(3, 1)[2], slopes.chunk(3, 1)[2]) / temperature
        pathwise_given_D = node.conditional_pullback(D, noise, at_given_D, "conditional")
    return (weighted(f - eta * c, node.score(D)) + eta * (pathwise - pathwise_given_D)).mean(1)
