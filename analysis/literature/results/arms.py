"""Dimitriev & Zhou 2021: many antithetic samples of a coin."""

from ...frame import Frame
from ..exact import disarm, quadratic_coins
from ..result import Curve, Panel, Point, Result, meets_exact
from ..verdict import Below, Claim
from ._coins import DELTA, TARGET, quadratic

LOGITS = (1, -2)
SIZES = (2, 3, 4, 6, 8)


def _curves(frame: Frame, logit: int) -> dict[str, Curve]:
    moments = quadratic_coins(logit, TARGET)
    exact = {"rloo": moments.rloo, "arms": lambda S: disarm(logit, DELTA) if S == 2 else None}
    return {
        name: Curve(name, [Point(S, quadratic(frame, name, logit, S), value(S)) for S in SIZES])
        for name, value in exact.items()
    }


def _panels(frame: Frame) -> list[Panel]:
    return [Panel(f"one coin, logit {logit}", "samples n", list(_curves(frame, logit).values())) for logit in LOGITS]


def _claims(frame: Frame) -> list[Claim]:
    at = {logit: _curves(frame, logit) for logit in LOGITS}
    order = [
        Below(f"logit {logit}, n = {a.x:g}", a.cell, b.cell)
        for logit in LOGITS
        for a, b in zip(at[logit]["arms"].points, at[logit]["rloo"].points, strict=True)
    ]
    two = meets_exact("", [at[logit]["arms"] for logit in LOGITS], along="n")
    return [
        Claim("antithetic samples have a lower variance than independent ones, at every n", True, order),
        Claim("ARMS with two samples has DisARM's variance", True, two.checks),
        meets_exact(
            "leave-one-out has the exact variance at every n", [at[logit]["rloo"] for logit in LOGITS], along="n"
        ),
    ]


RESULT = Result(
    name="arms",
    title="ARMS against n",
    source="Dimitriev & Zhou 2021 (2105.14141)",
    setting="One coin at logits 1 and -2, f = (b - 0.45)^2, two to eight samples by a Dirichlet copula.",
    printed="The abstract says that DisARM is ARMS with two samples, and leave-one-out ARMS with uncorrelated "
    "ones, and that antithetic ones do better; the numbers of its figures could not be read.",
    caption="Variance against the number of samples.",
    panels=_panels,
    claims=_claims,
)
