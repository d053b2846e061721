"""What the results on one or many coins share."""

from __future__ import annotations

from typing import Any

from ...frame import Frame, Record
from ..result import cell

QUADRATIC = "bernoulli_quadratic"
TARGET = 0.45
DELTA = 1 - 2 * TARGET  # f(1) - f(0)
LOGITS = (-3, -2, -1, 0, 1, 2, 3)


def quadratic(frame: Frame, estimator: str, logit: float, num_samples: int | None = None, **names: Any) -> Record:
    """Return the cell of one coin with f = (b - 0.45)^2."""
    return cell(frame, QUADRATIC, estimator, num_samples, dim=1, logit=logit, target=TARGET, **names)
