"""Coupled samples: antithetic and other dependent points of one draw."""

from ..facts import Facts

ENTRIES = (
    Facts(
        name="disarm",
        families=("bernoulli",),
        needs=("values",),
        unbiased=True,
        summary="1/2 (f(b) - f(b~)) (b - b~) sigmoid(|phi|), b and b~ antithetic",
        source="Dong et al. 2020 (2006.10680); U2G of Yin et al. 2020 is the same",
        min_samples=2,
        samples_multiple=2,
    ),
)
