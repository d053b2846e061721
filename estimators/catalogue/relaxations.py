"""Relaxations: points off the support, at a temperature."""

from ..facts import Facts
from ._grids import TEMPERATURES

ENTRIES = (
    Facts(
        name="gumbel_softmax",
        families=("bernoulli", "categorical"),
        needs=("relaxed",),
        unbiased=False,
        summary="J(y) f'(y) / tau, y = softmax((phi + G) / tau)",
        source="Jang et al. 2017 (1611.01144); Maddison et al. 2017 (1611.00712)",
        config={"temperature": None},
        grid={"temperature": TEMPERATURES},
        target="relaxed",
    ),
)
