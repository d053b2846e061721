"""The matrices M of an estimator: its own combine, fed with one basis slope after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...estimators.estimator import Estimator, independent, keywords
from ...estimators.families.categorical import Categorical
from ...estimators.noise import Noise, PhiloxNoise
from ..proof.laid_noise import FixedNoise, NotLaid
from .costs import Array
from .forms import Linear

BATCHES = 32
ROWS = 512

Config = Mapping[str, Any]


def matrices(estimator: Estimator, node: Categorical, noise: Noise, x: Tensor, config: Config) -> Tensor:
    """Return M [N, K, K] of the points x [N, 1, 1, K]: column k is the draw at the slope e_k.

    Args:
        estimator: one that asks for slopes only, and that is linear in them (``is_linear``).
        node: one variable of K classes, logits [1, K].
        noise: N rows.
        x: one-hot points.
        config: the estimator's parameters.
    """
    slopes = torch.eye(x.shape[-1], dtype=x.dtype)
    return torch.stack([_draws(estimator, node, noise, x, v.expand_as(x), config) for v in slopes], -1)


def is_linear(estimator: Estimator, node: Categorical, config: Config, rows: int = 64) -> bool:
    """Return whether every draw is linear in the slope, for slopes drawn at random and the same noise."""
    noise = PhiloxNoise(0, "linear", 0, rows)
    x = points(estimator, node, noise, config)
    v = noise.normal(*x.shape[1:], name="slopes")
    M = matrices(estimator, node, noise, x, config)
    draws = _draws(estimator, node, noise, x, v, config)
    return bool(torch.allclose(draws, (M @ v.reshape(rows, -1, 1)).squeeze(-1), rtol=1e-9, atol=1e-12))


def points(estimator: Estimator, node: Categorical, noise: Noise, config: Config) -> Tensor:
    """Return one point of the estimator for each row of the noise [N, 1, 1, K]."""
    return estimator.sample(node, noise, 1, **_taken(estimator.sample, config))


def _draws(estimator: Estimator, node: Categorical, noise: Noise, x: Tensor, v: Tensor, config: Config) -> Tensor:
    return estimator.combine(node, noise, x, None, v, **_taken(estimator.combine, config)).squeeze(1)


def _taken(function: Callable[..., object], config: Config) -> dict[str, Any]:
    return {key: config[key] for key in keywords(function)}


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the law of D and M: all of it, or what some batches of draws say.

    Args:
        probs: law of D [B, K], one for each batch.
        mean: of M given D [B, K, K, K].
        second: of M'M given D [B, K, K, K].
        exact: whether the one batch is the law itself.
    """

    probs: Array
    mean: Array
    second: Array
    exact: bool

    def all(self) -> Linear:
        """Return the law that all batches together say."""
        return self._of(np.ones(len(self.probs)))

    def estimate(self, statistic: Callable[[Linear], float]) -> tuple[float, float]:
        """Return a statistic of the law, and its standard error: 0 where the law is known.

        The jackknife over batches: a square of a mean is too large by its variance over the number of draws, which
        leaving out one batch after the other shows and removes.
        """
        B, whole = len(self.probs), statistic(self.all())
        if self.exact:
            return whole, 0.0
        left = np.array([statistic(self._of(np.arange(B) != b)) for b in range(B)])
        spread = float(np.sqrt((B - 1) / B * np.square(left - left.mean()).sum()))
        return float(B * whole - (B - 1) * left.mean()), spread

    def _of(self, batches: Array) -> Linear:
        share = self.probs * (batches / batches.sum())[:, None]
        probs = share.sum(0)
        given = share / np.where(probs > 0, probs, 1)  # an outcome that was never drawn weighs nothing
        return Linear(probs, np.einsum("bd,bdij->dij", given, self.mean), np.einsum("bd,bdij->dij", given, self.second))


def law(estimator: Estimator, node: Categorical, config: Config, rows: int = ROWS, seed: int = 0) -> Known:
    """Return the law of an estimator's D and M, exactly where M has no noise but that of D ~ p, else from draws.

    Where points are the node's own, each outcome gets as many draws, and p is its weight; where an estimator draws
    its points from noise that its combine uses again, or from another law, outcomes come as they do.

    Args:
        estimator: one that is linear in the slope.
        node: one variable of K classes, logits [1, K].
        config: the estimator's parameters.
        rows: of a batch, for each outcome (on average, where outcomes come as they do).
        seed: of the draws.
    """
    outcomes = node.outcomes().unsqueeze(1)  # [K, 1, 1, K]
    own = estimator.sample is independent
    p = node.probs[0].numpy()
    if own:
        try:
            M = matrices(estimator, node, FixedNoise(len(outcomes)), outcomes, config).numpy()
        except NotLaid:
            pass
        else:
            one = Linear.fixed(p, M)
            return Known(p[None], one.mean[None], one.second[None], exact=True)
    K, batches = len(p), []
    for block in range(BATCHES):
        noise = PhiloxNoise(seed, f"frontier{p.round(9).tolist()}", block, K * rows)
        x = outcomes.repeat(rows, 1, 1, 1) if own else points(estimator, node, noise, config)
        batches.append(_batch(x, matrices(estimator, node, noise, x, config), p if own else None))
    probs, mean, second = (np.stack(parts) for parts in zip(*batches, strict=True))
    return Known(probs, mean, second, exact=False)


def _batch(x: Tensor, M: Tensor, probs: Array | None) -> tuple[Array, Array, Array]:
    D = x.flatten(1)
    counts = D.sum(0)
    given = D / counts.clamp(min=1)
    mean = torch.einsum("nd,nij->dij", given, M)
    second = torch.einsum("nd,nri,nrj->dij", given, M, M)
    return probs if probs is not None else (counts / len(D)).numpy(), mean.numpy(), second.numpy()
