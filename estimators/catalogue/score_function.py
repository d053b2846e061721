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
    Facts(
        name="reinforce_constant",
        families=("bernoulli", "categorical", "normal"),
        needs=("values",),
        unbiased=True,
        summary="mean_i (f(x_i) - baseline) s(x_i)",
        source="Williams 1992, Machine Learning 8; Mohamed et al. 2020 (1906.10652)",
        config={"baseline": None},
    ),
    Facts(
        name="reinforce_running_mean",
        families=("bernoulli", "categorical", "normal"),
        needs=("values",),
        unbiased=True,
        summary="mean_i (f(x_i) - b) s(x_i), b an exponential moving average of f over earlier batches",
        source="Williams 1992, Machine Learning 8; Mnih & Gregor 2014 (1402.0030)",
        config={"decay": 0.9, "steps": 100},
        grid={"decay": (0.5, 0.9, 0.99)},
    ),
    Facts(
        name="reinforce_exact_mean",
        families=("bernoulli", "categorical", "normal"),
        needs=("values",),
        unbiased=True,
        summary="mean_i (f(x_i) - E f) s(x_i)",
        source="Mohamed et al. 2020 (1906.10652)",
        oracle=True,
    ),
    Facts(
        name="reinforce_optimal",
        families=("bernoulli", "categorical", "normal"),
        needs=("values",),
        unbiased=True,
        summary="mean_i (f(x_i) - b_j) s_j(x_i), b_j = E[f s_j^2] / E[s_j^2]",
        source="Mohamed et al. 2020 (1906.10652); Greensmith et al. 2004, JMLR 5",
        oracle=True,
    ),
    Facts(
        name="muprop",
        families=("bernoulli", "categorical"),
        needs=("values", "relaxed"),
        unbiased=True,
        summary="(f(x) - f(p) - f'(p) . (x - p)) s(x) + J(p) f'(p)",
        source="Gu et al. 2016 (1511.05176)",
    ),
)
