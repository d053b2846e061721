"""Adaptive implicit MLE: symmetric I-MLE whose lambda follows the sizes of logits and slope, and a fitted factor."""

from collections.abc import Callable

import torch
from torch import Tensor

from . import imle
from .errors import InputError, NotApplicable
from .node import Discrete
from .noise import Noise

sample = imle.sample

DECAY = 0.9  # of the running number of entries that turn
WANTED = 1.0  # entries of a draw that turn, in the mean


def combine(node: Discrete, noise: Noise, x: Tensor, values: Tensor | None, slopes: Tensor, *, state: Tensor) -> Tensor:
    """Return mean_i [MAP(z_i + lambda_i f') - MAP(z_i - lambda_i f')] / (2 lambda_i): biased.

    lambda_i = beta |phi| / |f'(D_i)|, so that logits move by beta |phi| along the slope; beta is the fitted state.
    Norms are of each sample and node of the batch, where the authors' code takes one over a whole minibatch: here
    draws stay independent. Masked logits do not count; a sample with no slope has no gradient. At phi = 0 lambda is
    0 for any beta. Source: Minervini et al. 2023 (2209.04862).

    Raises:
        NotApplicable: where all logits of a node are 0.
    """
    reach = _reach(node, state)
    return (_difference(node, noise, x, slopes, reach) * _norm(node, slopes) / (2 * reach)).mean(1)


def fit(
    node: Discrete,
    evaluate: Callable[..., tuple[Tensor, Tensor]],
    stream: Callable[[int, int], Noise],
    S: int,
    *,
    fit_rows: int = 32,
    fit_steps: int = 200,
    update_step: float = 0.02,
) -> Tensor:
    """Return beta, from 1 up by update_step where fewer than one entry of a sample turns, else down by it.

    Entries are counted by their running mean, with decay 0.9 from 1, as in the authors' code; its steps are 1e-4
    for the length of a training run, and beta may fall to 0 there, to one step here.

    Raises:
        NotApplicable: where all logits of a node are 0.
        InputError: for an update step that is not positive.
    """
    if not update_step > 0:
        raise InputError(f"aimle: update_step={update_step}; it must be positive, e.g. 0.02")
    beta, turning = torch.ones((), dtype=node.theta.dtype, device=node.theta.device), WANTED
    _reach(node, beta)
    for step in range(fit_steps):
        noise = stream(step, fit_rows)
        x = sample(node, noise, S)
        _, slopes = evaluate(x, slopes=True)
        moved = _difference(node, noise, x, slopes, _reach(node, beta))
        samples = moved.numel() / torch.Size(node.event_shape).numel()
        turning = DECAY * turning + (1 - DECAY) * float(moved.count_nonzero()) / samples
        beta = (beta + (update_step if turning < WANTED else -update_step)).clamp(min=update_step)
    return beta


def _reach(node: Discrete, beta: Tensor) -> Tensor:
    """Return beta |phi| [*B, 1 for each of *event]."""
    reach = beta * _norm(node, torch.where(torch.isneginf(node.theta), 0, node.theta))
    if not (reach > 0).all():
        raise NotApplicable("aimle: all logits of a node are 0, and lambda = beta |phi| / |f'| with them; take imle")
    return reach


def _difference(node: Discrete, noise: Noise, x: Tensor, slopes: Tensor, reach: Tensor) -> Tensor:
    """Return the difference of the two choices [N, S, *B, *event]."""
    size = _norm(node, slopes)
    along = reach * torch.where(size > 0, slopes / torch.where(size > 0, size, 1), 0)
    z = node.perturbed(noise, x.shape[1])
    return node.harden(z + along) - node.harden(z - along)


def _norm(node: Discrete, t: Tensor) -> Tensor:
    return torch.linalg.vector_norm(t, dim=tuple(range(-len(node.event_shape), 0)), keepdim=True)
