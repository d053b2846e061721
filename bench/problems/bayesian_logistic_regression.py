"""Bayesian logistic regression of tumours: the weights' posterior as a diagonal Normal."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from ...estimators.families.normal import Normal
from ..problem import Problem

_DATA = Path(__file__).parent / "data" / "breast_cancer.npz"  # its README.md says where the numbers come from
_REACH, _INTERVALS = 10.0, 2000  # of the trapezoidal rule, in standard deviations of a logit


def problem(name: str) -> Problem:
    """Return f(w) = -log p(y, w) = sum_i [softplus(a_i) - y_i a_i] + |w|^2 / 2 + const, a_i = x_i . w, in nats.

    569 tumours, 30 standardised measurements and a 1 for the intercept, prior N(0, I), and w ~ N(mu, diag sigma^2)
    with mu half the posterior's mode and sigma the Laplace approximation's: on the way there, so that no gradient is 0.
    The negative ELBO is E f less the entropy of the posterior; that is analytic, with gradient 1 / sigma in the scale,
    and left out here. theta is [2, 31].

    Truth: a_i ~ N(m_i, v_i), m_i = x_i . mu, v_i = sum_d x_id^2 sigma_d^2, so the gradient is
    sum_i x_id (E sigmoid(a_i) - y_i) + mu_d in mu_d and sum_i x_id^2 sigma_d E sigmoid'(a_i) + sigma_d in sigma_d,
    one-dimensional integrals, by the trapezoidal rule to rounding.

    Source: Mohamed et al. 2020 (1906.10652), section 8; the data of Street, Wolberg & Mangasarian 1993.
    """
    stored = _stored()

    @cache
    def data(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
        return tuple(stored[key].to(device, dtype) for key in ("x", "y"))  # type: ignore[return-value]

    def cost(w: Tensor) -> Tensor:
        x, y = data(w.dtype, w.device)
        a = w @ x.T  # [..., 569]
        prior = (w.square() + math.log(2 * math.pi)).sum(-1) / 2
        return softplus(a, threshold=40.0).sum(-1) - a @ y + prior

    node = Normal(torch.stack([stored["loc"], stored["scale"]]))
    return Problem(name, node, cost, exact_grad=_gradient(node, stored["x"], stored["y"]))


def _gradient(node: Normal, x: Tensor, y: Tensor) -> Tensor:
    """Return grad E f [2, 31]."""
    z = torch.linspace(-_REACH, _REACH, _INTERVALS + 1, dtype=torch.float64)
    weight = torch.exp(-z.square() / 2) * (2 * _REACH / _INTERVALS / math.sqrt(2 * math.pi))
    mean, variance = x @ node.loc, x.square() @ node.scale.square()  # of the logits [569]
    p = torch.sigmoid(mean.unsqueeze(-1) + variance.sqrt().unsqueeze(-1) * z)  # [569, nodes]
    loc = x.T @ (p @ weight - y) + node.loc
    scale = node.scale * (x.square().T @ (p * (1 - p) @ weight) + 1)
    return torch.stack([loc, scale])


@cache
def _stored() -> dict[str, Tensor]:
    """Return x [569, 31] with its column of ones, labels y [569], loc and scale [31], all in double precision."""
    with np.load(_DATA) as arrays:
        stored = {key: torch.from_numpy(arrays[key].astype(np.float64)) for key in ("x", "y", "loc", "scale")}
    ones = torch.ones(len(stored["x"]), 1, dtype=torch.float64)
    return {**stored, "x": torch.cat([stored["x"], ones], 1)}
