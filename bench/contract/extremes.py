"""A property of an estimator at the edges: finite draws, or a clear refusal."""

from __future__ import annotations

from typing import Any

import torch

from ...estimators.errors import InputError
from .candidate import Candidate, toy
from .nodes import EDGES
from .verdict import Broken, Finding, Unchecked

TEMPERATURES = (1e-3, 1e3)


def extremes(candidate: Candidate) -> Finding:
    """Draws are finite where probabilities are nearly 0 or 1, classes are masked, temperatures are extreme."""
    families = [family for family in candidate.estimator.facts.families if family in EDGES]
    if not families:
        raise Unchecked(f"the edges of {' and '.join(candidate.estimator.facts.families)} nodes are not written down")
    heats = TEMPERATURES if "temperature" in candidate.config else (None,)
    refused: list[str] = []
    tried = 0
    for family in families:
        like = candidate.problem(family, "one").node
        for label, theta in EDGES[family].items():
            for dtype in (torch.float64, torch.float32):
                problem = toy(like.with_theta(theta), f"{label} {family} {dtype}", dtype, degree=2)
                for heat in heats:
                    config: dict[str, Any] = {} if heat is None else {"temperature": heat}
                    where = f"on a {family} node with {label}" + ("" if heat is None else f", temperature={heat:g}")
                    where += "" if dtype == torch.float64 else ", in float32"
                    tried += 1
                    try:
                        run = candidate.run(problem, None, None, **config)
                    except InputError as error:
                        if error.__cause__ is not None and not isinstance(error.__cause__, InputError):
                            raise Broken(f"{where}: {error}. Give finite draws, or raise an InputError") from error
                        refused.append(f"{where}: {error}")
                        continue
                    count = int((~torch.isfinite(run.draws.flatten(1)).all(1)).sum())
                    if count:
                        raise Broken(
                            f"{where} {count} of {len(run.draws)} draws are NaN or infinite: a 0 / 0, log 0 or inf - "
                            "inf; use logsigmoid, log_softmax, torch.where on the argument, never p / p or log(p)",
                            nonfinite=count,
                        )
    said = f"finite on {tried} edges" if not refused else f"{tried - len(refused)} edges; refuses {refused[0]}"
    return Finding(said, {"edges": tried, "refused": len(refused)})
