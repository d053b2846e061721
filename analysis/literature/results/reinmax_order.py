"""Liu et al. 2023: ReinMax is exact on quadratics, and no better than straight-through on some cubics."""

import numpy as np

from ...frame import Frame
from ..exact import binary_bias_sq
from ..result import Curve, Panel, Point, Result, cell, meets_exact
from ..verdict import Below, Bias, Claim
from ._coins import LOGITS, quadratic

NAMES = ("straight_through", "reinmax")


def _curves(frame: Frame) -> dict[str, Curve]:
    return {
        name: Curve(
            name,
            [
                Point(x, quadratic(frame, name, x, temperature=1), binary_bias_sq(np.array([float(x)]), 2, name))
                for x in LOGITS
            ],
        )
        for name in NAMES
    }


def _cubic(frame: Frame) -> dict[str, Curve]:
    logits = np.random.default_rng(0).standard_normal((1, 2))[0]
    odds = np.array([logits[1] - logits[0]])
    return {
        name: Curve(
            name,
            [Point(3, cell(frame, "polynomial", name, dim=1, degree=3), 2 * binary_bias_sq(odds, 3, name))],
        )
        for name in NAMES
    }


def _panels(frame: Frame) -> list[Panel]:
    return [
        Panel("quadratic (b - 0.45)^2", "logit", list(_curves(frame).values()), "bias_sq"),
        Panel("cubic |b - 0.45|^3, logit -0.26", "degree", list(_cubic(frame).values()), "bias_sq"),
    ]


def _claims(frame: Frame) -> list[Claim]:
    at, cubic = _curves(frame), _cubic(frame)
    unbiased = [Bias(f"logit {point.x:g}", point.cell, expected=False) for point in at["reinmax"].points]
    biased = [Bias(f"logit {p.x:g}", p.cell, expected=True) for p in at["straight_through"].points if p.x != 0]
    worse = Below("cubic", cubic["straight_through"].points[0].cell, cubic["reinmax"].points[0].cell, "bias_sq")
    return [
        Claim("ReinMax at τ = 1 has no bias on a quadratic, at any logit", True, unbiased),
        Claim("straight-through has one, wherever the coin is uneven", True, biased),
        Claim("on some cubic ReinMax is worse than straight-through (ours; not in the paper)", False, [worse]),
        meets_exact("bias² is the exact one, quadratic", at.values(), "bias_sq", "logit"),
        meets_exact("bias² is the exact one, cubic", cubic.values(), "bias_sq", "degree"),
    ]


RESULT = Result(
    name="reinmax-order",
    title="ReinMax is exact on quadratics, and only there",
    source="Liu et al. 2023 (2304.08612)",
    setting="One coin, f = (b - 0.45)^2 at logits -3 to 3, and f = |b - 0.45|^3 at one logit; τ = 1.",
    printed="Second-order accuracy, by the abstract; exactness on quadratics is what that means. At logit 0 "
    "straight-through is exact too. The cubic is a counterexample to a wider reading.",
    caption="Bias² on the quadratic against logit (left), and on the cubic (right). An arrow: the interval reaches 0.",
    panels=_panels,
    claims=_claims,
)
