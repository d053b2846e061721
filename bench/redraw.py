"""Draws of a stored cell, drawn again: stores keep statistics, figures of distributions need draws."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..estimators.errors import InputError
from .blocks import run_block
from .draws import block_rows, request
from .fitting import fitted
from .measure import prepared
from .resolve import estimator_of
from .threads import one_thread_each


def projections(record: Mapping[str, Any], num_draws: int) -> NDArray[np.float64]:
    """Return the draws of a record's cell along the exact gradient, g . exact / |exact|^2: 1 is the truth.

    They are the first draws that the cell was measured from, to the bit.

    Args:
        record: of a measured cell on a catalogued problem, with its exact gradient.
        num_draws: how many.

    Raises:
        InputError: if the problem cannot be built from its name, or its gradient is unknown or zero.
    """
    problem = prepared(record["problem"], record["dtype"], record["device"])
    estimator, config = estimator_of(record["estimator"], **record["config"])
    one = request(problem, estimator, config, record["num_samples"])
    if not record["gradient_exact"] or not any(record["gradient_exact"]):
        raise InputError(f"the gradient of '{problem.name}' is unknown or zero; draws cannot be held against it")
    exact = torch.tensor(record["gradient_exact"], dtype=torch.float64, device=record["device"])
    with one_thread_each():
        one = fitted(problem, one, record["seed"])
        rows = block_rows(problem, one)
        parts = []
        for block in range(-(-num_draws // rows)):
            (draws,) = run_block(problem, [one], record["seed"], block, rows).draws
            if isinstance(draws, InputError):
                raise draws
            parts.append(problem.tied(draws).double() @ exact / exact.square().sum())
    return np.asarray(torch.cat(parts)[:num_draws].cpu())
