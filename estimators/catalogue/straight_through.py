"""Straight-through estimators: hard points forward, a soft derivative backward."""

from ..facts import Facts
from ._grids import TEMPERATURES

ENTRIES = (
    Facts(
        name="straight_through",
        families=("bernoulli", "categorical"),
        needs=("slopes",),
        unbiased=False,
        summary="J(softmax(phi / tau)) f'(D) / tau",
        source="Bengio et al. 2013 (1308.3432)",
        config={"temperature": 1.0, "identity": False},
        grid={"temperature": TEMPERATURES},
    ),
    Facts(
        name="st_gumbel_softmax",
        families=("bernoulli", "categorical"),
        needs=("slopes",),
        unbiased=False,
        summary="J(y) f'(D) / tau, y = softmax((phi + G) / tau), D = argmax(phi + G)",
        source="Jang et al. 2017 (1611.01144), section 2.2",
        config={"temperature": None},
        grid={"temperature": TEMPERATURES},
    ),
    Facts(
        name="gumbel_rao",
        families=("bernoulli", "categorical"),
        needs=("slopes",),
        unbiased=False,
        summary="mean_k J(y_k) f'(D) / tau, y_k = softmax((phi + G_k) / tau), G_k given D",
        source="Paulus et al. 2021 (2010.04838), equation 10",
        config={"temperature": None, "conditional_samples": 10},
        grid={"temperature": TEMPERATURES, "conditional_samples": (1, 10, 100)},
    ),
    Facts(
        name="reinmax",
        families=("bernoulli", "categorical"),
        needs=("slopes",),
        unbiased=False,
        summary="2 J((softmax(phi / tau) + D) / 2) f'(D) - 1/2 J(softmax(phi)) f'(D)",
        source="Liu et al. 2023 (2304.08612)",
        config={"temperature": 1.0},
        grid={"temperature": TEMPERATURES},
    ),
)
