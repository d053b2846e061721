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
    from .estimators.families.categorical import Categorical
    from .estimators.families.normal import Normal

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
    "Categorical": "estimators.families.categorical",
    "Normal": "estimators.families.normal",
}

__all__ = [
    "Bernoulli",
    "Categorical",
    "CostError",
    "Estimator",
    "Facts",
    "InputError",
    "Measurement",
    "Normal",
    "NotApplicable",
    "Problem",
    "measure",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'varbench' has no attribute '{name}'; it has {', '.join(__all__)}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
