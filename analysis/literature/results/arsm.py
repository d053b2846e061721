"""Yin et al. 2019: one choice among thirty whose rewards hardly differ."""

import numpy as np

from ...frame import Frame
from ..exact import choice, separable
from ..result import Curve, Panel, Point, Result, cell, meets_exact
from ..verdict import Below, Claim

K = 30


def _curves(frame: Frame) -> dict[str, Curve]:
    reward = 0.5 + np.arange(1, K + 1) / (K * K)
    moments = separable([choice(np.full(K, 1 / K), reward)])
    exact = {"reinforce": moments.reinforce(2), "rloo": moments.rloo(2), "ars": None, "arsm": None}
    cells = {name: cell(frame, "arsm_toy", name, 2) for name in exact}
    points = {name: Point(float(one["cost_values_per_draw"] or 0), one, exact[name]) for name, one in cells.items()}
    return {name: Curve(name, [point]) for name, point in points.items()}


def _panels(frame: Frame) -> list[Panel]:
    return [
        Panel("two samples a draw", "evaluations of f in one draw", list(_curves(frame).values()), logarithmic=True)
    ]


def _claims(frame: Frame) -> list[Claim]:
    at = {name: curve.points[0].cell for name, curve in _curves(frame).items()}
    order = [Below(f"against {name}", at["arsm"], at[name]) for name in ("reinforce", "rloo", "ars")]
    return [
        Claim("in one variable ARSM comes closest to the true gradient: the lowest variance of the four", True, order),
        meets_exact(
            "the variances of REINFORCE and leave-one-out are the exact ones",
            _curves(frame).values(),
            along="evaluations",
        ),
    ]


RESULT = Result(
    name="arsm",
    title="The toy problem of ARSM",
    source="Yin et al. 2019 (1905.01413)",
    setting="K = 30 equal logits, f(z) = 0.5 + z / 900; two samples a draw, whatever number of evaluations they take.",
    printed="The abstract says that ARSM closely resembles the true gradient for univariate optimisation; the "
    "curves' numbers could not be read. Per evaluation the order is another matter: ARSM takes 436 of them a sample.",
    caption="Variance of one draw of two samples against the evaluations that it takes.",
    panels=_panels,
    claims=_claims,
)
