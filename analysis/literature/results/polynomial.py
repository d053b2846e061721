"""Liu et al. 2023: polynomial programming, straight-through against ReinMax."""

import numpy as np

from ...frame import Frame
from ..exact import binary_bias_sq
from ..result import Curve, Panel, Point, Result, cell, meets_exact
from ..verdict import Below, Bias, Claim

DEGREES = (1.5, 2, 3)
NAMES = ("straight_through", "reinmax")


def _curves(frame: Frame) -> dict[str, Curve]:
    logits = np.random.default_rng(0).standard_normal((128, 2))
    odds = logits[:, 1] - logits[:, 0]

    def exact(degree: float, name: str) -> float:
        return 2 * binary_bias_sq(odds, degree, name)  # both logits of a choice

    return {
        name: Curve(
            name, [Point(p, cell(frame, "polynomial", name, dim=128, degree=p), exact(p, name)) for p in DEGREES]
        )
        for name in NAMES
    }


def _panels(frame: Frame) -> list[Panel]:
    return [Panel("128 choices of two, τ = 1", "degree p of the polynomial", list(_curves(frame).values()), "bias_sq")]


def _claims(frame: Frame) -> list[Claim]:
    at = _curves(frame)
    order = [
        Below(f"p = {a.x:g}", a.cell, b.cell, "bias_sq")
        for a, b in zip(at["reinmax"].points, at["straight_through"].points, strict=True)
    ]
    second = at["reinmax"].points[1].cell
    return [
        Claim("ReinMax is nearer to the gradient than straight-through at each p", True, order),
        Claim("second order: without bias at p = 2", True, [Bias("p = 2", second, expected=False)]),
        meets_exact("bias² is the exact one", at.values(), "bias_sq", "p"),
    ]


RESULT = Result(
    name="polynomial",
    title="Polynomial programming",
    source="Liu et al. 2023 (2304.08612)",
    setting="f = mean |z - 0.45|^p over 128 choices of two, p = 1.5, 2, 3, at fixed seeded logits; bias² of one "
    "estimator.",
    printed="The abstract says that straight-through is a first-order and ReinMax a second-order approximation; "
    "the training curves print no bias. The exact bias is in closed form.",
    caption="Bias² against p. An arrow: the interval reaches 0.",
    panels=_panels,
    claims=_claims,
)
