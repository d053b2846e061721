"""Estimators of an elbo and of bounds over particles, which know that the cost holds log q."""

from ..facts import FAMILIES, Facts

_PATHWISE = ("normal", "laplace", "logistic", "multivariate_normal")

ENTRIES = (
    Facts(
        name="stl",
        families=_PATHWISE,
        needs=("slopes",),
        unbiased=True,
        summary="elbo: mean_i (dx_i/dtheta)^T f'(x_i), reparameterization without its score",
        source="Roeder et al. 2017 (1703.09194)",
        objectives=("elbo",),
    ),
    Facts(
        name="iwae_reinforce",
        families=FAMILIES,
        needs=("values",),
        unbiased=True,
        summary="iwae: sum_i (F + w~_i) s(x_i), F = -log mean_i w_i, w~_i = w_i / sum_j w_j",
        source="Mnih & Rezende 2016 (1602.06725)",
        target="bound",
        objectives=("iwae",),
    ),
    Facts(
        name="vimco",
        families=FAMILIES,
        needs=("values",),
        unbiased=True,
        summary="iwae: sum_i (F - F_{-i} + w~_i) s(x_i), w_i in F_{-i} the geometric mean of the others",
        source="Mnih & Rezende 2016 (1602.06725)",
        min_samples=2,
        target="bound",
        objectives=("iwae",),
    ),
    Facts(
        name="iwae_reparameterization",
        families=_PATHWISE,
        needs=("values", "slopes"),
        unbiased=True,
        summary="iwae: sum_i w~_i ((dx_i/dtheta)^T l'(x_i) + s(x_i)), l = -log w",
        source="Burda et al. 2016 (1509.00519)",
        target="bound",
        objectives=("iwae",),
    ),
    Facts(
        name="iwae_stl",
        families=_PATHWISE,
        needs=("values", "slopes"),
        unbiased=False,
        summary="iwae: sum_i w~_i (dx_i/dtheta)^T l'(x_i), biased",
        source="Roeder et al. 2017 (1703.09194); Tucker et al. 2019 (1810.04152)",
        target="bound",
        objectives=("iwae",),
    ),
    Facts(
        name="dreg",
        families=_PATHWISE,
        needs=("values", "slopes"),
        unbiased=True,
        summary="iwae: sum_i w~_i^2 (dx_i/dtheta)^T l'(x_i)",
        source="Tucker et al. 2019 (1810.04152)",
        target="bound",
        objectives=("iwae",),
    ),
)
