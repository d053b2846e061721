"""Mohamed et al. 2020, figure 3: a Gaussian and the cost cos(k x)."""

from ...frame import Frame
from ..result import Panel, Result, meets_exact
from ..verdict import Claim
from ._mohamed import PARTS, PRINTED, curves, panels

KS = (0.5, 1, 2, 3, 4, 5)


def _panels(frame: Frame) -> list[Panel]:
    return panels(frame, "cos", KS, logarithmic=False)


def _claims(frame: Frame) -> list[Claim]:
    return [
        meets_exact(
            f"the variance of all three in the {name} is the exact one at every k", curves(frame, "cos", KS, part)
        )
        for part, name in PARTS.items()
    ]


RESULT = Result(
    name="mohamed-cos",
    title="A Gaussian and a wave",
    source="Mohamed et al. 2020 (1906.10652), figure 3",
    setting="x ~ N(1, 1), f = cos(k x), k from 0.5 to 5; variance of one draw of one sample.",
    printed=PRINTED,
    caption="Variance against k, for the location (left) and the scale (right).",
    panels=_panels,
    claims=_claims,
)
