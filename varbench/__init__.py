"""varbench measures bias, variance and cost of gradient estimators for stochastic nodes.

The public names are loaded when they are first used, so that the command line starts without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bench.measure import measure
    from .bench.problem import Problem
    from .bench.records import Measurement
    from .estimators.errors import CostError, InputError, NotApplicable
    from .estimators.estimator import Estimator
    from .estimators.facts import Facts
    from .estimators.families.bernoulli import Bernoulli
    from .estimators.families.beta import Beta
    from .estimators.families.categorical import Categorical
    from .estimators.families.dirichlet import Dirichlet
    from .estimators.families.gamma import Gamma
    from .estimators.families.geometric import Geometric
    from .estimators.families.laplace import Laplace
    from .estimators.families.logistic import Logistic
    from .estimators.families.multivariate_normal import MultivariateNormal
    from .estimators.families.normal import Normal
    from .estimators.families.poisson import Poisson
    from .estimators.families.student_t import StudentT
    from .estimators.families.subset import Subset
    from .estimators.families.von_mises import VonMises

_HOMES = {
    "measure": "bench.measure",
    "Problem": "bench.problem",
    "Measurement": "bench.records",
    "CostError": "estimators.errors",
    "InputError": "estimators.errors",
    "NotApplicable": "estimators.errors",
    "Estimator": "estimators.estimator",
    "Facts": "estimators.facts",
    "Bernoulli": "estimators.families.bernoulli",
    "Beta": "estimators.families.beta",
    "Categorical": "estimators.families.categorical",
    "Dirichlet": "estimators.families.dirichlet",
    "Gamma": "estimators.families.gamma",
    "Geometric": "estimators.families.geometric",
    "Laplace": "estimators.families.laplace",
    "Logistic": "estimators.families.logistic",
    "MultivariateNormal": "estimators.families.multivariate_normal",
    "Normal": "estimators.families.normal",
    "Poisson": "estimators.families.poisson",
    "StudentT": "estimators.families.student_t",
    "Subset": "estimators.families.subset",
    "VonMises": "estimators.families.von_mises",
}

__all__ = [
    "Bernoulli",
    "Beta",
    "Categorical",
    "CostError",
    "Dirichlet",
    "Estimator",
    "Facts",
    "Gamma",
    "Geometric",
    "InputError",
    "Laplace",
    "Logistic",
    "Measurement",
    "MultivariateNormal",
    "Normal",
    "NotApplicable",
    "Poisson",
    "Problem",
    "StudentT",
    "Subset",
    "VonMises",
    "measure",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'varbench' has no attribute '{name}'; it has {', '.join(__all__)}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
