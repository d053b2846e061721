"""Score-function estimators: the cost as a black box, f(x) times the score."""

from ..facts import Facts

ENTRIES = (
    Facts(
        name="reinforce",
        families=("bernoulli", "categorical", "normal"),
        needs=("values",),
        unbiased=True,
        summary="mean_i f(x_i) s(x_i)",
        source="Williams 1992, Machine Learning 8; Mohamed et al. 2020 (1906.10652)",
    ),
    Facts(
        name="rloo",
        families=("bernoulli", "categorical", "normal"),
        needs=("values",),
        unbiased=True,
        summary="1/(S-1) sum_i (f_i - mean f) s(x_i)",
        source="Kool et al. 2019 (ICLR workshop); Salimans & Knowles 2014 (1401.1022)",
        min_samples=2,
    ),
)
