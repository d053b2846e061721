"""The IWAE bound of a model of choices that explain one observation together."""

import math

import numpy as np
import torch
from torch import Tensor

from ...estimators.families.categorical import Categorical
from ..problem import Problem

NOISE_SQ = 0.25


def problem(name: str, *, classes: int, dim: int, particles: int) -> Problem:
    """Return -E log mean_i p(x_i, y) / q(x_i): uniform choices x, y ~ N(sum of their levels, 1/4) at y = dim / 3.

    A choice's level is class / (classes - 1). q has fixed seeded Normal logits.
    Truth: by enumeration of all tuples, classes^(dim particles) of them, else by a reference run.
    Source: Mnih & Rezende 2016 (1602.06725) for the bound.
    """
    level = torch.linspace(0, 1, classes, dtype=torch.float64)
    logits = torch.from_numpy(np.random.default_rng(0).standard_normal((dim, classes)))

    def minus_log_joint(x: Tensor) -> Tensor:
        misfit = (x @ level.to(x)).sum(-1) - dim / 3
        constant = dim * math.log(classes) + math.log(2 * math.pi * NOISE_SQ) / 2
        return misfit.square() / (2 * NOISE_SQ) + constant

    return Problem(name, Categorical(logits), minus_log_joint, objective="iwae", particles=particles)
