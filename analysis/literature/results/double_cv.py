"""Titsias & Shi 2022: a second control variate on two hundred coins."""

from ...frame import Frame
from ..exact import disarm, quadratic_coins
from ..result import Curve, Panel, Point, Result, cell, meets_exact
from ..verdict import Below, Claim
from ._coins import QUADRATIC

DIM, TARGET, LOGITS = 200, 0.499, (0, 2)


def _curves(frame: Frame) -> dict[str, Curve]:
    delta = 1 - 2 * TARGET
    exact = {
        "reinforce": lambda logit: quadratic_coins(logit, TARGET, DIM).reinforce(2),
        "rloo": lambda logit: quadratic_coins(logit, TARGET, DIM).rloo(2),
        "disarm": lambda logit: disarm(logit, delta, DIM),
        "double_cv": lambda logit: None,
    }
    return {
        name: Curve(
            name, [Point(x, cell(frame, QUADRATIC, name, 2, dim=DIM, logit=x, target=TARGET), value(x)) for x in LOGITS]
        )
        for name, value in exact.items()
    }


def _panels(frame: Frame) -> list[Panel]:
    shown = [curve for name, curve in _curves(frame).items() if name != "reinforce"]  # far above
    return [Panel("200 coins, two samples", "logit", shown)]


def _claims(frame: Frame) -> list[Claim]:
    at = _curves(frame)

    def order(logits: tuple[int, ...], strict: bool) -> list[Below]:
        return [
            Below(f"logit {a.x:g}", a.cell, b.cell, strict=strict)
            for other in ("rloo", "disarm")
            for a, b in zip(at["double_cv"].points, at[other].points, strict=True)
            if a.x in logits
        ]

    return [
        Claim(
            "a second control variate can lower the variance below leave-one-out and DisARM", True, order((2,), True)
        ),
        Claim("at neither logit does it raise it", False, order(LOGITS, False)),
        meets_exact("the variances of the others are those of the closed form", at.values(), along="logit"),
    ]


RESULT = Result(
    name="double-cv",
    title="Double control variates on 200 coins",
    source="Titsias & Shi 2022 (2111.05300)",
    setting="D = 200, f = mean (b - 0.499)^2, two samples; the coefficient fitted once at the measured logit.",
    printed="The abstract says that the estimator can have lower variance than others, on high-dimensional toys "
    "among them; the numbers of its figures could not be read.",
    caption="Variance of one draw of two samples; that of REINFORCE, far larger, is left out.",
    panels=_panels,
    claims=_claims,
)
