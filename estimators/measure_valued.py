"""Measure-valued derivatives of a Normal: differences of the cost under two laws, coordinate by coordinate."""

import math

import torch
from torch import Tensor

from .families.normal import Normal
from .noise import Noise

KINDS = 4  # of the points of a coordinate: loc plus, loc minus, scale plus, scale minus


def sample(node: Normal, noise: Noise, S: int) -> Tensor:
    """Return 4 D points for each of S samples [N, 4 D S, *B, D]: coordinate d replaced in each of the four ways.

    In units of sigma the coordinate becomes w, -w, m, e: w ~ Weibull(scale sqrt 2, shape 2); m double-sided Maxwell;
    e = m U ~ N(0, 1), U uniform, coupled to m. With g ~ N(0, I_3), m = sign(g_1) |g| and e = g_1 are such a pair:
    |g| is Maxwell, and g_1 / |g| is uniform in (-1, 1) on the sphere. The other coordinates are one sample for all.
    """
    shape = node.loc.shape
    base = noise.normal(S, *shape)  # [N, S, *B, D]
    w = (2 * noise.exponential(S, *shape, name="weibull")).sqrt()
    g = noise.normal(S, 3, *shape, name="maxwell")
    e = g[:, :, 0]
    m = torch.copysign(g.square().sum(2).sqrt(), e)
    own = torch.stack([w, -w, m, e], 2)  # [N, S, 4, *B, D]
    D = shape[-1]
    replaced = torch.eye(D, dtype=torch.bool, device=base.device).reshape(D, *(1,) * (len(shape) - 1), D)
    z = torch.where(replaced, own.unsqueeze(3), base[:, :, None, None])  # [N, S, 4, D, *B, D]
    return (node.loc + node.scale * z).flatten(1, 3)


def combine(node: Normal, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return [f(mu + sigma w) - f(mu - sigma w)] / (sigma sqrt(2 pi)) and [f(mu + sigma m) - f(mu + sigma e)] / sigma.

    For d/dmu and d/dsigma of each coordinate, meaned over S samples: unbiased for any cost, smooth or not. The two
    points of a difference share w, or m and e, and all other coordinates (the coupled form of the paper).
    Source: Mohamed et al. 2020 (1906.10652), section 6.
    """
    D = node.event_shape[0]
    f = values.unflatten(1, (-1, KINDS, D)).mean(1)  # [N, 4, D, *B]
    f = f.movedim(2, -1)  # [N, 4, *B, D]
    loc = (f[:, 0] - f[:, 1]) / (node.scale * math.sqrt(2 * math.pi))
    scale = (f[:, 2] - f[:, 3]) / node.scale
    return torch.stack([loc, scale], -2)
