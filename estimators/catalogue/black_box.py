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
        families=("normal", "poisson", "gamma"),
        needs=("values",),
        unbiased=True,
        summary="[f(x with x+_d) - f(x with x-_d)] / h, x+- of the two laws of dp/dtheta, coupled; 2 R D S points",
        source="Pflug 1989; Mohamed et al. 2020 (1906.10652), section 6",
    ),
    Facts(
        name="stochastic_smoothing",
        families=("bernoulli", "categorical", "subset"),
        needs=("values",),
        unbiased=False,
        summary="mean_i (f(x_i) - b_i) (-grad log nu(e_i)) / sigma, x = MAP(phi + sigma e), b leave-one-out",
        source="Berthet et al. 2020 (2002.08676); 2410.08125",
        config={"perturbation": "gumbel", "sigma": 1.0, "antithetic": False},
        grid={"perturbation": ("gumbel", "gaussian"), "sigma": (0.1, 1.0), "antithetic": (False, True)},
        min_samples=2,
        samples_multiple=2,
        target="smoothed",
    ),
)
