"""The proofs of the estimators, one module for each group: oracles, exact rules and wrong twins.

Importing this package enters all of them: a module adds to RULES (exact_moments), ORACLES and TRIED (surrogates) and,
by the decorator ``twin``, to TWINS.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f".{_module.name}", __name__)
