"""LAX: REINFORCE minus that of a learned surrogate, plus the surrogate's pathwise gradient."""

from collections.abc import Callable

from torch import Tensor

from ._network import Network, standardised, started, trained
from .estimator import independent, weighted
from .families.normal import Normal
from .noise import Noise

sample = independent


def fit(
    node: Normal,
    evaluate: Callable[..., tuple[Tensor, None]],
    stream: Callable[[int, int], Noise],
    S: int,
    *,
    hidden: int = 16,
    fit_rows: int = 64,
    fit_steps: int = 200,
) -> Network:
    """Return one network for each node of the batch, trained to minimise the mean squared draw of one sample.

    The draw is taken in units of 1 / sigma, lest small scales count for more; its mean does not depend on the network.
    """
    offset, scale = standardised(evaluate(sample(node, stream(0, fit_rows), S))[0])

    def mean_square(c: Network, step: int) -> Tensor:
        x = sample(node, stream(step + 1, fit_rows), S)
        values = (evaluate(x)[0] - offset) / scale
        in_units = draws_of_samples(node, x, values, c) * node.scale.unsqueeze(-2)
        return in_units.square().sum() / values.numel()

    start = started(stream(0, 1), node.batch_shape, node.event_shape[0], hidden)
    return trained(start, mean_square, fit_steps)._replace(offset=offset, scale=scale)


def combine(node: Normal, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None, *, state: Network) -> Tensor:
    """Return mean_i (f(x_i) - c(x_i)) s(x_i) + (dx_i/dtheta)^T c'(x_i): unbiased for any cost and any smooth c.

    c(x) is a network of (x - mu) / sigma with mu and sigma held fixed, frozen here, whose weights are the state. The
    paper trains it, by the same objective, while theta moves.
    Source: Grathwohl et al. 2018 (1711.00123).
    """
    return draws_of_samples(node, x, values, state).mean(1)


def draws_of_samples(node: Normal, x: Tensor, values: Tensor, c: Network) -> Tensor:
    """Return the draw of each sample [N, S, *B, 2, D]."""
    value, slope = c((x - node.loc) / node.scale)
    return weighted(values - value, node.score(x)) + node.pathwise(x, slope / node.scale)
