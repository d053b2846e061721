"""De Smet et al. 2023: sums over each variable's classes, compared per evaluation of f."""

import numpy as np

from ...frame import Frame
from ..exact import choice, separable
from ..result import Curve, Panel, Point, Result, cell, meets_exact
from ..verdict import Below, Claim

SIZES = ((12, 3), (6, 10), (3, 100))


def _exact(dim: int, classes: int, name: str) -> float:
    if name == "indecater":
        return 0.0  # what the other variables add to f is the same for all classes, and sum_k dp_k/dphi = 0
    rng = np.random.default_rng(0)
    weight = np.exp(rng.standard_normal((dim, classes)))
    b = rng.uniform(0, classes - 1, dim)
    p = weight / weight.sum(1, keepdims=True)
    moments = separable([choice(p[d], np.abs(np.arange(classes) - b[d])) for d in range(dim)])
    return (moments.rloo if name == "rloo" else moments.reinforce)(dim * classes)


def _curves(frame: Frame) -> dict[str, Curve]:
    return {
        name: Curve(
            name,
            [
                Point(
                    n,
                    cell(
                        frame,
                        "indecater_l1",
                        name,
                        None if name == "indecater" else dim * classes,
                        dim=dim,
                        classes=classes,
                    ),
                    _exact(dim, classes, name),
                )
                for n, (dim, classes) in enumerate(SIZES, 1)
            ],
        )
        for name in ("reinforce", "rloo", "indecater")
    }


def _panels(frame: Frame) -> list[Panel]:
    return [
        Panel("equal evaluations of f", "1: (D, K) = (12, 3), 2: (6, 10), 3: (3, 100)", list(_curves(frame).values()))
    ]


def _claims(frame: Frame) -> list[Claim]:
    at = _curves(frame)
    order = [
        Below(f"(D, K) = {size}", a.cell, b.cell)
        for name in ("reinforce", "rloo")
        for size, a, b in zip(SIZES, at["indecater"].points, at[name].points, strict=True)
    ]
    return [
        Claim("a Rao-Blackwell step lowers the variance at equal evaluations of f", True, order),
        meets_exact(
            "variances are the exact ones; IndeCateR's is 0 since this cost is a sum over variables",
            at.values(),
            along="size",
        ),
    ]


RESULT = Result(
    name="indecater",
    title="IndeCateR per evaluation of f",
    source="De Smet et al. 2023 (2311.12569)",
    setting="f = |X - b| summed over D choices of K; one draw of IndeCateR takes D K evaluations, the others as "
    "many samples. Logits and b of the paper are not known; they are drawn from a fixed seed.",
    printed="The introduction says that the CatLog trick gives Rao-Blackwellised estimators; the numbers of its "
    "table could not be read.",
    caption="Variance at equal evaluations. IndeCateR's is zero (arrow): the cost is separable, so the toy "
    "cannot tell how it fares where variables interact.",
    panels=_panels,
    claims=_claims,
)
