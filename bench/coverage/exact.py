"""Exact mean and variance of an estimator that takes S independent points and no other noise."""

from __future__ import annotations

import itertools
from typing import cast

import numpy as np
import torch
from torch import Tensor

from ...estimators.families.normal import Normal
from ...estimators.node import Enumerable
from ..cost import Evaluator
from ..draws import Request
from ..problem import Problem

_NODES = 64  # of the Gauss-Hermite rule: exact for polynomials up to degree 127


class _NoNoise:
    """Noise for combine: a row count, and nothing to draw."""

    def __init__(self, rows: int) -> None:
        self.rows = rows


def exact_moments(problem: Problem, request: Request) -> tuple[Tensor, float]:
    """Return the mean [n] and the trace of the covariance of one draw, summed over all S-tuples of points.

    Outcomes with their probabilities for discrete nodes, a Gauss-Hermite rule for a one-dimensional Normal.

    Args:
        problem: without a batch.
        request: an estimator whose points are S independent ones of the node, and whose combine takes no noise.
    """
    points, p = _support(problem)
    tuples = torch.tensor(list(itertools.product(range(len(p)), repeat=request.num_samples)))
    weights = p[tuples].prod(1)
    x = points[tuples]  # [M^S, S, *event]
    values, slopes = Evaluator(problem)(x, slopes=request.estimator.facts.uses_slopes)
    draws = problem.tied(request.combine(problem, _NoNoise(len(x)), x, values, slopes))  # type: ignore[arg-type]
    mean = weights @ draws
    return mean, float(weights @ (draws - mean).square().sum(1))


def _support(problem: Problem) -> tuple[Tensor, Tensor]:
    node = problem.node
    if node.family == "normal":
        loc, scale = cast(Normal, node).theta.unbind(-2)
        x, w = np.polynomial.hermite_e.hermegauss(_NODES)
        return loc + scale * torch.from_numpy(x)[:, None], torch.from_numpy(w / w.sum())
    outcomes = cast(Enumerable, node).outcomes()
    return outcomes, node.log_prob(outcomes).exp()
