"""The gradient of what an estimator's mean aims at, where that is not grad E f(x): what target_bias_sq is held against.

Nothing here uses an estimator's ``combine``: laws are differentiated, and so is the path of relaxed points.
"""

from __future__ import annotations

import torch

from ..estimators.errors import InputError
from ..estimators.target_law import Chances, Mean, Steps
from .draws import Request, blamed
from .exact import Truth
from .problem import Problem
from .relaxed_targets import relaxed_target
from .smoothed_targets import chances_target, mean_target, steps_target


def target_truth(problem: Problem, one: Request, exact: Truth, num_draws: int, seed: int) -> Truth:
    """Return the gradient of the estimator's target, or the reason why it is not known.

    Args:
        problem: as measured.
        one: the estimator as measured.
        exact: the gradient of E f(x), which is the target where the law aimed at is the node's own.
        num_draws: N, which a reference run does not exceed.
        seed: of its noise.
    """
    name = one.estimator.facts.name
    try:
        if one.estimator.facts.target == "relaxed":
            return relaxed_target(problem, one, num_draws, seed)
        declared = one.estimator.target_law
        if declared is None:
            return Truth(None, None, f"'{name}' declares no target_law")
        theta = problem.node.theta.detach().double().requires_grad_()
        node = problem.node.with_theta(theta)
        with blamed(name, "target_law"), torch.enable_grad():
            law = declared(node, **one.arguments(declared))
        if isinstance(law, Mean):
            return exact if law.value is node.probs else mean_target(problem, law, theta)  # type: ignore[attr-defined]
        if isinstance(law, Chances):
            return chances_target(problem, law, theta)
        assert isinstance(law, Steps), "target_law returns one of the laws of estimators/target_law.py"
        return steps_target(problem, law)
    except InputError as error:
        return Truth(None, None, str(error))
