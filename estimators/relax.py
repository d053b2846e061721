"""RELAX: REBAR's form with a learned surrogate in place of the relaxed cost."""

from collections.abc import Callable

from torch import Tensor

from . import st_gumbel_softmax
from ._network import Network, standardised, started, trained
from .estimator import weighted
from .node import Discrete
from .noise import Noise

sample = st_gumbel_softmax.sample


def fit(
    node: Discrete,
    evaluate: Callable[..., tuple[Tensor, None]],
    stream: Callable[[int, int], Noise],
    S: int,
    *,
    temperature: float = 1.0,
    hidden: int = 16,
    fit_rows: int = 64,
    fit_steps: int = 200,
) -> Network:
    """Return one network for each node of the batch, trained to minimise the mean squared draw of one sample.

    The mean of a draw does not depend on the network, so that this is its variance. It starts as a constant, the mean
    of f, and sees new noise at each step.
    """
    offset, scale = standardised(evaluate(sample(node, stream(0, fit_rows), S))[0])

    def mean_square(c: Network, step: int) -> Tensor:
        noise = stream(step + 1, fit_rows)
        x = sample(node, noise, S)
        values = (evaluate(x)[0] - offset) / scale
        return draws_of_samples(node, noise, x, values, c, temperature).square().sum() / values.numel()

    start = started(stream(0, 1), node.batch_shape, node.theta[(0,) * len(node.batch_shape)].numel(), hidden)
    return trained(start, mean_square, fit_steps)._replace(offset=offset, scale=scale)


def combine(
    node: Discrete,
    noise: Noise,
    x: Tensor,
    values: Tensor,
    slopes: Tensor | None,
    *,
    temperature: float = 1.0,
    state: Network,
) -> Tensor:
    """Return mean_i (f(D_i) - c(z~_i)) s(D_i) + d c(z_i) / dphi - d c(z~_i) / dphi: unbiased for any cost and any c.

    c(z) is a network of softmax(z / tau), frozen here, whose weights are the state. The paper trains it, by the same
    objective, while phi moves; some of its surrogates add the relaxed cost, and that one would need f off the support.
    Source: Grathwohl et al. 2018 (1711.00123).
    """
    return draws_of_samples(node, noise, x, values, state, temperature).mean(1)


def draws_of_samples(node: Discrete, noise: Noise, x: Tensor, values: Tensor, c: Network, temperature: float) -> Tensor:
    """Return the draw of each sample [N, S, *B, *event]."""

    def surrogate(z: Tensor) -> tuple[Tensor, Tensor]:
        y = node.soften(z, temperature)
        value, slope = c(y.flatten(2 + len(node.batch_shape)))
        return value, node.pullback(y, slope.reshape(y.shape)) / temperature

    _, pathwise = surrogate(node.perturbed(noise, x.shape[1]))
    value, pathwise_given_D = surrogate(node.conditional(x, noise, "conditional"))
    pathwise_given_D = node.conditional_pullback(x, noise, pathwise_given_D, "conditional")
    return weighted(values - value, node.score(x)) + pathwise - pathwise_given_D
