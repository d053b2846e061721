"""Every problem, one entry each: literals only, so that lists and plans need no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..estimators.errors import unknown


@dataclass(frozen=True)
class ProblemFacts:
    """What is known of a problem without building it.

    Args:
        name: its name, also the name of its module in ``bench/problems/``.
        family: the node family.
        summary: the cost in one line.
        source: where it comes from.
        parameters: its parameters with their defaults.
        minimum: smallest allowed values of single parameters.
        smooth: where the cost is differentiable.
        objective: of which the gradient is taken: mean, elbo or iwae.
        microseconds: roughly what one draw costs on one core, for plans.
    """

    name: str
    family: str
    summary: str
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)
    smooth: str = "everywhere"
    objective: str = "mean"
    microseconds: float = 1.0


_ENTRIES = (
    ProblemFacts(
        name="bernoulli_quadratic",
        family="bernoulli",
        summary="f(b) = mean over dim of (b - target)^2",
        source="Tucker et al. 2017 (1703.07370); Titsias & Shi 2022 (2111.05300) at dim=200",
        parameters={"dim": 1, "logit": 0.0, "target": 0.499},
    ),
    ProblemFacts(
        name="shared_bernoulli",
        family="bernoulli",
        summary="f(b) = sum of (b - (0.6, 0.51, 0.48))^2, three coins with one logit",
        source="Liu et al. 2019 (1810.04777); Kool et al. 2020 (2002.06043)",
        parameters={"logit": 0.0},
    ),
    ProblemFacts(
        name="polynomial",
        family="categorical",
        summary="f(z) = mean over dim of |z - 0.45|^degree, z = class / (classes - 1)",
        source="Liu et al. 2023 (2304.08612)",
        parameters={"classes": 2, "degree": 2.0, "dim": 128},
        minimum={"classes": 2, "degree": 1.0},
        microseconds=60.0,
    ),
    ProblemFacts(
        name="arsm_toy",
        family="categorical",
        summary="f(z) = 0.5 + z / (classes scale), z = 1, ..., classes, equal logits",
        source="Yin et al. 2019 (1905.01413)",
        parameters={"classes": 30, "scale": 30.0},
        minimum={"scale": 0.001},
        microseconds=5.0,
    ),
    ProblemFacts(
        name="carms_toy",
        family="categorical",
        summary="f(x) = sum of w x, w = 3 (1, ..., 9), three choices of three, p ~ Dirichlet(alpha)",
        source="Dimitriev & Zhou 2021 (2110.14002)",
        parameters={"alpha": 1.0},
        minimum={"alpha": 0.1},
        microseconds=2.0,
    ),
    ProblemFacts(
        name="normal_square",
        family="normal",
        summary="f(x) = (x - k)^2, x ~ N(1, 1)",
        source="Mohamed et al. 2020 (1906.10652), figure 2",
        parameters={"k": 0.0},
    ),
    ProblemFacts(
        name="normal_exp",
        family="normal",
        summary="f(x) = exp(-k x^2), x ~ N(1, 1)",
        source="Mohamed et al. 2020 (1906.10652), figure 3",
        parameters={"k": 1.0},
        minimum={"k": 0.0},
    ),
    ProblemFacts(
        name="normal_cos",
        family="normal",
        summary="f(x) = cos(k x), x ~ N(1, 1)",
        source="Mohamed et al. 2020 (1906.10652), figure 3",
        parameters={"k": 1.0},
    ),
    ProblemFacts(
        name="normal_part",
        family="normal",
        summary="f(x) = (x - k)^2, exp(-k x^2) or cos(k x), x ~ N(1, 1), one part of its gradient: loc or scale",
        source="Mohamed et al. 2020 (1906.10652), figures 2 and 3",
        parameters={"cost": "square", "k": 0.0, "part": "loc"},
    ),
    ProblemFacts(
        name="indecater_l1",
        family="categorical",
        summary="f(X) = sum over dim of |X - b|, X the class number, b fixed",
        source="De Smet et al. 2023 (2311.12569)",
        parameters={"classes": 3, "dim": 12},
        minimum={"classes": 2},
        microseconds=10.0,
    ),
    ProblemFacts(
        name="bayesian_logistic_regression",
        family="normal",
        summary="f(w) = -log p(y, w), 569 tumours and 31 weights; the entropy of the posterior is left out",
        source="Mohamed et al. 2020 (1906.10652), section 8; data by bench/problems/data/make_breast_cancer.py",
        microseconds=30.0,
    ),
    ProblemFacts(
        name="digits_vae",
        family="categorical",
        summary="f(z) = -log p(image | z), a categorical VAE on 64 digits of 8 x 8 pixels",
        source="scikit-learn's digits (Alpaydin & Kaynak 1998); weights by bench/problems/data/train_digits_vae.py",
        parameters={"classes": 4, "latents": 8},
        microseconds=250.0,
    ),
    ProblemFacts(
        name="poisson_square",
        family="poisson",
        summary="f(x) = mean over dim of (x - k)^2, counts of one rate",
        source="moments of the law",
        parameters={"dim": 1, "k": 3.0, "rate": 4.0},
        microseconds=3.0,
    ),
    ProblemFacts(
        name="poisson_exp",
        family="poisson",
        summary="f(x) = exp(-k x), one Poisson count",
        source="the generating function of the law",
        parameters={"k": 0.5, "rate": 4.0},
        microseconds=3.0,
    ),
    ProblemFacts(
        name="geometric_square",
        family="geometric",
        summary="f(x) = mean over dim of (x - k)^2, failures before a success",
        source="moments of the law",
        parameters={"dim": 1, "k": 3.0, "logit": -1.0},
    ),
    ProblemFacts(
        name="gamma_square",
        family="gamma",
        summary="f(x) = mean over dim of (x - k)^2, Gamma(concentration, rate)",
        source="moments of the law",
        parameters={"concentration": 2.0, "dim": 1, "k": 1.0, "rate": 1.0},
        microseconds=20.0,
    ),
    ProblemFacts(
        name="beta_square",
        family="beta",
        summary="f(x) = mean over dim of (x - k)^2, Beta(a, b)",
        source="moments of the law",
        parameters={"a": 2.0, "b": 3.0, "dim": 1, "k": 0.3},
        microseconds=20.0,
    ),
    ProblemFacts(
        name="dirichlet_square",
        family="dirichlet",
        summary="f(x) = mean over dim of |x - (1, 0, ..., 0)|^2, concentrations 1 to 2 times one",
        source="moments of the law",
        parameters={"classes": 3, "concentration": 1.0, "dim": 1},
        minimum={"classes": 2},
        microseconds=20.0,
    ),
    ProblemFacts(
        name="von_mises_cos",
        family="von_mises",
        summary="f(x) = mean over dim of cos(x - k), angles about 1",
        source="moments of the law",
        parameters={"concentration": 2.0, "dim": 1, "k": 0.0},
        microseconds=20.0,
    ),
    ProblemFacts(
        name="laplace_square",
        family="laplace",
        summary="f(x) = (x - k)^2, x ~ Laplace(1, 1)",
        source="Mohamed et al. 2020 (1906.10652), figure 2, with other tails",
        parameters={"k": 0.0},
    ),
    ProblemFacts(
        name="logistic_square",
        family="logistic",
        summary="f(x) = (x - k)^2, x ~ Logistic(1, 1)",
        source="Mohamed et al. 2020 (1906.10652), figure 2, with other tails",
        parameters={"k": 0.0},
    ),
    ProblemFacts(
        name="student_t_square",
        family="student_t",
        summary="f(x) = (x - k)^2, x ~ StudentT(1, 1, df)",
        source="Mohamed et al. 2020 (1906.10652), figure 2, with other tails",
        parameters={"df": 10.0, "k": 0.0},
        microseconds=20.0,
    ),
    ProblemFacts(
        name="multivariate_normal_square",
        family="multivariate_normal",
        summary="f(x) = (sum of x - k)^2, a Normal vector of equal correlations",
        source="moments of the law",
        parameters={"correlation": 0.5, "dim": 3, "k": 0.0},
    ),
    ProblemFacts(
        name="subset_square",
        family="subset",
        summary="f(x) = (sum of chosen levels - k / 3)^2, k of n levels between 0 and 1",
        source="a cost over subsets, by enumeration",
        parameters={"k": 3, "n": 8},
    ),
    ProblemFacts(
        name="gaussian_elbo",
        family="normal",
        summary="-ELBO of a Gaussian model with known posterior N(m, v), q = N(m + shift, stretch^2 v)",
        source="the closed form; Roeder et al. 2017 (1703.09194) for the posterior itself, shift=0,stretch=1",
        parameters={"dim": 1, "shift": 0.5, "stretch": 1.5},
        minimum={"stretch": 0.001},
        objective="elbo",
    ),
    ProblemFacts(
        name="gaussian_iwae",
        family="normal",
        summary="-IWAE bound of the model of gaussian_elbo over particles drawn from q",
        source="Burda et al. 2016 (1509.00519) for the bound; by quadrature at dim=1,particles=2",
        parameters={"dim": 1, "particles": 2, "shift": 0.5, "stretch": 1.5},
        minimum={"particles": 2, "stretch": 0.001},
        objective="iwae",
        microseconds=2.0,
    ),
    ProblemFacts(
        name="categorical_iwae",
        family="categorical",
        summary="-IWAE bound of a model of dim choices whose levels add up to what is observed",
        source="Mnih & Rezende 2016 (1602.06725) for the bound; by enumeration of all tuples",
        parameters={"classes": 3, "dim": 2, "particles": 3},
        minimum={"classes": 2, "particles": 2},
        objective="iwae",
        microseconds=3.0,
    ),
)

CATALOGUE: dict[str, ProblemFacts] = {facts.name: facts for facts in _ENTRIES}


def facts_of(name: str) -> ProblemFacts:
    """Return the facts of a catalogued problem.

    Raises:
        InputError: for a name that is not in the catalogue; it lists the nearest ones.
    """
    if name not in CATALOGUE:
        raise unknown("problem", name, CATALOGUE, "see 'varbench list problems', or give path/to/file.py:attribute")
    return CATALOGUE[name]
