"""Mohamed et al. 2020, figure 2: a Gaussian and a quadratic cost."""

from ...frame import Frame
from ..result import Panel, Result, meets_exact
from ..verdict import Below, Claim, Equals
from ._mohamed import PARTS, PRINTED, curves, panels

KS = (-3, -2, -1, 0, 1, 2, 3)


def _panels(frame: Frame) -> list[Panel]:
    return panels(frame, "square", KS)


def _claims(frame: Frame) -> list[Claim]:
    loc, scale = (curves(frame, "square", KS, part) for part in PARTS)
    pathwise = [Equals(f"k = {point.x}", point.cell, 4.0) for point in loc[1].points]
    order = [
        Below(f"{name}, k = {other.x}", path.cell, other.cell)
        for name, of in zip(PARTS.values(), (loc, scale), strict=True)
        for path, other in zip(of[1].points, of[0].points, strict=True)
    ]
    return [
        meets_exact("the variance of all three in the location is the exact one at every k", loc),
        meets_exact("the same in the scale", scale),
        Claim("in the location the pathwise variance is 4 whatever k", False, pathwise),
        Claim("the pathwise variance is below that of the score function at every k, in both parts", False, order),
    ]


RESULT = Result(
    name="mohamed-square",
    title="A Gaussian and a quadratic cost",
    source="Mohamed et al. 2020 (1906.10652), figure 2",
    setting="x ~ N(1, 1), f = (x - k)^2, k from -3 to 3; variance of one draw of one sample.",
    printed=PRINTED,
    caption="Variance against k, for the location (left) and the scale (right).",
    panels=_panels,
    claims=_claims,
)
