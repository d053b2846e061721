"""REBAR with eta and the temperature chosen to minimise its variance."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from . import rebar
from ._regression import coefficients
from .node import Discrete
from .noise import Noise

TEMPERATURES = (0.1, 0.2, 0.5, 1.0, 2.0)


class State(NamedTuple):
    """What is fitted."""

    temperature: float
    eta: float


def fit(
    node: Discrete,
    evaluate: Callable[..., tuple[Tensor, Tensor]],
    stream: Callable[[int, int], Noise],
    S: int,
    *,
    fit_rows: int = 1024,
    coupled: bool = False,
) -> State:
    """Return the temperature of a small grid and the eta with the least trace of the covariance of ``fit_rows`` draws.

    A draw is g_0 + eta (g_1 - g_0), so that eta follows by regression. All temperatures meet the same noise.
    """
    found = []
    for temperature in TEMPERATURES:
        noise = stream(0, fit_rows)
        points = rebar.sample(node, noise, S, temperature=temperature, coupled=coupled)
        seen = (points, *evaluate(points, slopes=True))
        config: dict[str, Any] = {"temperature": temperature, "coupled": coupled}
        plain, full = (rebar.combine(node, noise, *seen, eta=eta, **config).flatten(1) for eta in (0.0, 1.0))
        control = full - plain
        eta = float(coefficients(plain, control.unsqueeze(-1)))
        found.append((float((plain + eta * control).var(0).sum()), State(temperature, eta)))
    return min(found)[1]


def sample(node: Discrete, noise: Noise, S: int, *, coupled: bool = False, state: State) -> Tensor:
    """Return the points of rebar at the fitted temperature [N, 3 S or 2 S, *B, *event]."""
    return rebar.sample(node, noise, S, temperature=state.temperature, coupled=coupled)


def combine(
    node: Discrete,
    noise: Noise,
    points: Tensor,
    values: Tensor,
    slopes: Tensor,
    *,
    coupled: bool = False,
    state: State,
) -> Tensor:
    """Return the draws of rebar at the fitted temperature and eta: unbiased, for they are frozen.

    The paper moves one temperature and one eta by gradient steps on the variance while it trains; here the same
    variance is minimised at a fixed phi, eta in closed form and the temperature on a grid.
    Source: Tucker et al. 2017 (1703.07370).
    """
    return rebar.combine(
        node, noise, points, values, slopes, temperature=state.temperature, eta=state.eta, coupled=coupled
    )
