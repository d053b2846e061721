"""Paulus et al. 2021: averaging the Gumbels that give the same sample."""

from itertools import pairwise

from ...frame import Frame
from ..exact import gumbel_rao
from ..result import Curve, Panel, Point, Result, meets_exact
from ..verdict import Below, Claim, Equals
from ._coins import TARGET, quadratic

LOGIT = 1
SIZES = (1, 2, 5, 10, 100)
TEMPERATURES = (0.1, 0.5, 1.0)


def _curves(frame: Frame) -> dict[float, Curve]:
    return {
        tau: Curve(
            f"gumbel_rao, τ = {tau:g}",
            [
                Point(
                    k,
                    quadratic(frame, "gumbel_rao", LOGIT, temperature=tau, conditional_samples=k),
                    gumbel_rao(LOGIT, TARGET, tau, k),
                )
                for k in SIZES
            ],
            variant,
        )
        for variant, tau in enumerate(TEMPERATURES)
    }


def _panels(frame: Frame) -> list[Panel]:
    return [Panel("one coin, logit 1", "conditional samples K", list(_curves(frame).values()), logarithmic=True)]


def _claims(frame: Frame) -> list[Claim]:
    at = _curves(frame)
    falls = [
        Below(f"τ = {tau:g}, K = {b.x:g} against {a.x:g}", b.cell, a.cell)
        for tau, curve in at.items()
        for a, b in pairwise(curve.points)
        if b.x <= 10
    ]
    plain = [
        Equals(
            f"st_gumbel_softmax, τ = {tau:g}",
            quadratic(frame, "st_gumbel_softmax", LOGIT, temperature=tau),
            gumbel_rao(LOGIT, TARGET, tau, 1),
        )
        for tau in TEMPERATURES
    ]
    return [
        Claim("the variance falls with K, without more evaluations of f, up to K = 10", True, falls),
        Claim("straight-through Gumbel-Softmax has the variance of K = 1", False, plain),
        meets_exact(
            "the variance is the exact one at every K, a part that stays and a part that falls as 1/K",
            at.values(),
            along="K",
        ),
    ]


RESULT = Result(
    name="gumbel-rao",
    title="Gumbel-Rao's variance against K",
    source="Paulus et al. 2021 (2010.04838)",
    setting="One coin at logit 1, f = (b - 0.45)^2, K from 1 to 100, at three temperatures.",
    printed="The abstract says that Rao-Blackwellisation reduces variance without more evaluations of f, and "
    "provably mse; the numbers of its figures could not be read. The exact variance is by quadrature over the "
    "Gumbels given the sample.",
    caption="Variance against K: it falls to the variance of the mean given the sample, and stays there.",
    panels=_panels,
    claims=_claims,
)
