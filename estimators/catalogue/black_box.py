"""Black-box estimators: the cost at points of moved or replaced laws, no score and no slope."""

from ..facts import Facts

ENTRIES = (
    Facts(
        name="spsa",
        families=("bernoulli", "categorical", "normal"),
        needs=("values",),
        unbiased=False,
        summary="(f(x+) - f(x-)) / (2 step Delta), x+- ~ p at theta +- step Delta, Delta signs",
        source="Spall 1992, IEEE Transactions on Automatic Control 37",
        config={"step": 0.1},
        grid={"step": (0.01, 0.1, 1.0)},
        min_samples=2,
        samples_multiple=2,
        target="smoothed",
    ),
    Facts(
        name="evolution_strategies",
        families=("bernoulli", "categorical", "normal"),
        needs=("values",),
        unbiased=False,
        summary="(f(x+) - f(x-)) e / (2 sigma), x+- ~ p at theta +- sigma e, e Normal",
        source="Salimans et al. 2017 (1703.03864)",
        config={"sigma": 0.1},
        grid={"sigma": (0.01, 0.1, 1.0)},
        min_samples=2,
        samples_multiple=2,
        target="smoothed",
    ),
    Facts(
        name="measure_valued",
        families=("normal",),
        needs=("values",),
        unbiased=True,
        summary="differences of f at Weibull, double-sided Maxwell and Normal points, coupled; 4 D S points",
        source="Mohamed et al. 2020 (1906.10652), section 6",
    ),
)
