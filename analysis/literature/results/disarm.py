"""Yin & Zhou 2019, Dong et al. 2020: ARM and DisARM against the probability of a coin."""

from ...frame import Frame
from ..exact import arm, disarm, quadratic_coins
from ..result import Curve, Panel, Point, Result, meets_exact
from ..verdict import Below, Claim
from ._coins import DELTA, LOGITS, TARGET, quadratic

EXACT = {
    "arm": lambda logit: arm(logit, DELTA),
    "disarm": lambda logit: disarm(logit, DELTA),
    "rloo": lambda logit: quadratic_coins(logit, TARGET).rloo(2),
}


def _curves(frame: Frame) -> dict[str, Curve]:
    return {
        name: Curve(name, [Point(x, quadratic(frame, name, x, 2), exact(x)) for x in LOGITS])
        for name, exact in EXACT.items()
    }


def _panels(frame: Frame) -> list[Panel]:
    return [Panel("one coin, two evaluations", "logit", list(_curves(frame).values()))]


def _claims(frame: Frame) -> list[Claim]:
    at = _curves(frame)

    def order(large: str, strict: bool) -> list[Below]:
        """Strictly below is asked only where the closed forms are 7 % apart: closer, no draws of ours tell."""
        return [
            Below(f"logit {a.x:g}", a.cell, b.cell, strict=strict)
            for a, b in zip(at["disarm"].points, at[large].points, strict=True)
            if not strict or EXACT["disarm"](a.x) < 0.93 * EXACT[large](a.x)
        ]

    return [
        Claim("DisARM's variance is at no p above ARM's", True, order("arm", False)),
        Claim("it is below ARM's wherever the closed forms are 7 % apart", False, order("arm", True)),
        Claim("it is at no p above that of leave-one-out with two samples", True, order("rloo", False)),
        Claim("it is below leave-one-out's wherever the closed forms are 7 % apart", False, order("rloo", True)),
        meets_exact("variances are those of the closed form", at.values(), along="logit"),
    ]


RESULT = Result(
    name="disarm",
    title="ARM and DisARM against p",
    source="Yin & Zhou 2019 (1807.11143); Dong et al. 2020 (2006.10680)",
    setting="One coin at logits -3 to 3, f = (b - 0.45)^2, two evaluations a draw.",
    printed="DisARM's abstract guarantees a lower variance than ARM, and reports one below an independent-sample "
    "baseline on generative models; the numbers of its toy could not be read.",
    caption="Variance against the logit of the coin; at an even coin DisARM's is zero (arrow).",
    panels=_panels,
    claims=_claims,
)
