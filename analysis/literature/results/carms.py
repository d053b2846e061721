"""Dimitriev & Zhou 2021: antithetic categorical samples at probabilities between uneven and even."""

import numpy as np

from ...frame import Frame
from ..exact import Array, choice, separable
from ..result import Curve, Panel, Point, Result, cell, meets_exact
from ..verdict import Below, Claim

ALPHAS = (1, 10, 100, 1000)
NAMES = ("reinforce", "rloo", "carms", "stick_breaking_disarm")


def _curves(frame: Frame) -> dict[str, Curve]:
    curves = {}
    for name in NAMES:
        points = []
        for alpha in ALPHAS:
            p: Array = np.random.default_rng(0).dirichlet([alpha] * 3, 3).astype(np.float64)
            moments = separable([choice(p[d], 3 * np.arange(3.0 * d + 1, 3.0 * d + 4)) for d in range(3)])
            exact = {"reinforce": moments.reinforce(2), "rloo": moments.rloo(2)}.get(name)
            points.append(Point(alpha, cell(frame, "carms_toy", name, 2, alpha=alpha), exact))
        curves[name] = Curve(name, points)
    return curves


def _panels(frame: Frame) -> list[Panel]:
    shown = [curve for name, curve in _curves(frame).items() if name != "reinforce"]  # far above
    return [
        Panel(
            "three choices of three, two samples",
            "α of Dirichlet(α): larger is more even",
            shown,
            logarithmic=True,
        )
    ]


def _claims(frame: Frame) -> list[Claim]:
    at = _curves(frame)

    def order(strict: bool) -> list[Below]:
        return [
            Below(f"alpha {a.x:g}", a.cell, b.cell, strict=strict)
            for a, b in zip(at["carms"].points, at["rloo"].points, strict=True)
        ]

    return [
        Claim(
            "jointly antithetic samples give CARMS a lower variance than leave-one-out, at every α", True, order(True)
        ),
        Claim("at no α a higher one", True, order(False)),
        meets_exact("the variances of REINFORCE and leave-one-out are the exact ones", at.values(), along="α"),
    ]


RESULT = Result(
    name="carms",
    title="The toy problem of CARMS",
    source="Dimitriev & Zhou 2021 (2110.14002)",
    setting="D = K = 3, linear f, one p ~ Dirichlet(α) of a fixed seed for each α (the paper draws p anew), "
    "unclipped ratios.",
    printed="The abstract says that antithetic samples and no duplicates reduce the variance of leave-one-out "
    "REINFORCE; the numbers of its figures could not be read. Our order of the classes is random, without which some "
    "pairs never occur and nothing is unbiased unclipped; with two samples of even choices that leaves next to no "
    "gain.",
    caption="Variance of one draw of two samples against α; that of REINFORCE, far larger, is left out.",
    panels=_panels,
    claims=_claims,
)
