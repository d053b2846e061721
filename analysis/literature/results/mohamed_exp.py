"""Mohamed et al. 2020, figure 3: a Gaussian and the cost exp(-k x^2)."""

from ...frame import Frame
from ..result import Panel, Result, meets_exact
from ..verdict import Claim
from ._mohamed import PARTS, PRINTED, curves, panels

KS = (0.1, 0.3, 1, 3, 10)


def _panels(frame: Frame) -> list[Panel]:
    return panels(frame, "exp", KS, logarithmic=True)


def _claims(frame: Frame) -> list[Claim]:
    return [
        meets_exact(
            f"the variance of all three in the {name} is the exact one at every k", curves(frame, "exp", KS, part)
        )
        for part, name in PARTS.items()
    ]


RESULT = Result(
    name="mohamed-exp",
    title="A Gaussian and a bump",
    source="Mohamed et al. 2020 (1906.10652), figure 3",
    setting="x ~ N(1, 1), f = exp(-k x^2), k from 0.1 to 10; variance of one draw of one sample.",
    printed=PRINTED,
    caption="Variance against k, for the location (left) and the scale (right).",
    panels=_panels,
    claims=_claims,
)
