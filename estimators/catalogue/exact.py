"""Sums over all outcomes: oracle rows."""

from ..facts import Facts

ENTRIES = (
    Facts(
        name="enumerate",
        families=("bernoulli", "categorical", "subset"),
        needs=("values",),
        unbiased=True,
        summary="sum over all outcomes of p(x) f(x) s(x)",
        source="the definition of the gradient",
        oracle=True,
        deterministic=True,
    ),
)
