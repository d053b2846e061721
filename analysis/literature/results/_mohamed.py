"""What figures 2 and 3 of Mohamed et al. 2020 share: three estimators of a Gaussian's gradient against k."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...frame import Frame
from ..exact import Array, normal
from ..result import Curve, Panel, Point, cell

ESTIMATORS = {"reinforce": "score function", "reparameterization": "pathwise", "measure_valued": "measure-valued"}
PARTS = {"loc": "location", "scale": "scale"}
COSTS: dict[str, tuple[Callable[[Array, float], Array], Callable[[Array, float], Array]]] = {
    "square": (lambda x, k: (x - k) ** 2, lambda x, k: 2 * (x - k)),
    "exp": (lambda x, k: np.exp(-k * x**2), lambda x, k: -2 * k * x * np.exp(-k * x**2)),
    "cos": (lambda x, k: np.cos(k * x), lambda x, k: -k * np.sin(k * x)),
}
PRINTED = (
    "The paper draws curves and prints no numbers beside them; its text could not be read here beyond the abstract. "
    "The "
    "reference is the exact variance by quadrature."
)


def curves(frame: Frame, cost: str, ks: Sequence[float], part: str) -> list[Curve]:
    """Return the three estimators against k, with their exact variances."""
    f, slope = COSTS[cost]
    return [
        Curve(
            label,
            [
                Point(
                    k,
                    cell(frame, "normal_part", estimator, cost=cost, k=k, part=part),
                    normal(lambda x, k=k: f(x, k), lambda x, k=k: slope(x, k), part, estimator),  # type: ignore[misc]
                )
                for k in ks
            ],
        )
        for estimator, label in ESTIMATORS.items()
    ]


def panels(frame: Frame, cost: str, ks: Sequence[float], logarithmic: bool = False) -> list[Panel]:
    """Return a panel for the location and one for the scale."""
    return [
        Panel(f"gradient in the {name}", "k", curves(frame, cost, ks, part), logarithmic=logarithmic)
        for part, name in PARTS.items()
    ]
