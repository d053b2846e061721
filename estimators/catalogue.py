"""Every estimator, one entry each: lists, plans, tests, plots and the README's table read these."""

from .errors import unknown
from .facts import Facts

_TEMPERATURES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

_ENTRIES = (
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
        name="disarm",
        families=("bernoulli",),
        needs=("values",),
        unbiased=True,
        summary="1/2 (f(b) - f(b~)) (b - b~) sigmoid(|phi|), b and b~ antithetic",
        source="Dong et al. 2020 (2006.10680); U2G of Yin et al. 2020 is the same",
        min_samples=2,
        samples_multiple=2,
    ),
    Facts(
        name="reparameterization",
        families=("normal",),
        needs=("slopes",),
        unbiased=True,
        summary="mean_i (dx_i/dtheta)^T f'(x_i)",
        source="Kingma & Welling 2014 (1312.6114); Rezende et al. 2014 (1401.4082)",
    ),
    Facts(
        name="gumbel_softmax",
        families=("bernoulli", "categorical"),
        needs=("relaxed",),
        unbiased=False,
        summary="J(y) f'(y) / tau, y = softmax((phi + G) / tau)",
        source="Jang et al. 2017 (1611.01144); Maddison et al. 2017 (1611.00712)",
        config={"temperature": None},
        grid={"temperature": _TEMPERATURES},
        target="relaxed",
    ),
    Facts(
        name="straight_through",
        families=("bernoulli", "categorical"),
        needs=("slopes",),
        unbiased=False,
        summary="J(softmax(phi / tau)) f'(D) / tau",
        source="Bengio et al. 2013 (1308.3432)",
        config={"temperature": 1.0, "identity": False},
        grid={"temperature": _TEMPERATURES},
    ),
    Facts(
        name="st_gumbel_softmax",
        families=("bernoulli", "categorical"),
        needs=("slopes",),
        unbiased=False,
        summary="J(y) f'(D) / tau, y = softmax((phi + G) / tau), D = argmax(phi + G)",
        source="Jang et al. 2017 (1611.01144), section 2.2",
        config={"temperature": None},
        grid={"temperature": _TEMPERATURES},
    ),
    Facts(
        name="gumbel_rao",
        families=("bernoulli", "categorical"),
        needs=("slopes",),
        unbiased=False,
        summary="mean_k J(y_k) f'(D) / tau, y_k = softmax((phi + G_k) / tau), G_k given D",
        source="Paulus et al. 2021 (2010.04838), equation 10",
        config={"temperature": None, "conditional_samples": 10},
        grid={"temperature": _TEMPERATURES, "conditional_samples": (1, 10, 100)},
    ),
    Facts(
        name="reinmax",
        families=("bernoulli", "categorical"),
        needs=("slopes",),
        unbiased=False,
        summary="2 J((softmax(phi / tau) + D) / 2) f'(D) - 1/2 J(softmax(phi)) f'(D)",
        source="Liu et al. 2023 (2304.08612)",
        config={"temperature": 1.0},
        grid={"temperature": _TEMPERATURES},
    ),
    Facts(
        name="enumerate",
        families=("bernoulli", "categorical"),
        needs=("values",),
        unbiased=True,
        summary="sum over all outcomes of p(x) f(x) s(x)",
        source="the definition of the gradient",
        oracle=True,
        deterministic=True,
    ),
)

CATALOGUE: dict[str, Facts] = {facts.name: facts for facts in _ENTRIES}


def facts_of(name: str) -> Facts:
    """Return the facts of a catalogued estimator.

    Raises:
        InputError: for a name that is not in the catalogue; it lists the nearest ones.
    """
    if name not in CATALOGUE:
        raise unknown("estimator", name, CATALOGUE, "see 'varbench list estimators'")
    return CATALOGUE[name]
