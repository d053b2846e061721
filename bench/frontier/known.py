"""The straight-through forms of the catalogue that are held against the frontier, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...estimators.catalogue import facts_of
from ...estimators.catalogue._grids import TEMPERATURES
from .matrices import Config


@dataclass(frozen=True)
class Form:
    """A straight-through form and the settings at which it is drawn.

    Args:
        name: of the estimator.
        label: of the curve.
        fixed: parameters other than the catalogue's defaults.
        along: the parameter that the curve varies, '' for a single point.
        values: of that parameter.
        outside: why it lies outside the class over which the frontier is taken, '' where it lies in it.
    """

    name: str
    label: str
    fixed: Config
    along: str = "temperature"
    values: tuple[float, ...] = TEMPERATURES
    outside: str = ""

    def configs(self) -> Iterator[dict[str, object]]:
        """Yield all parameters, setting by setting."""
        for value in self.values or (None,):
            yield {**facts_of(self.name).config, **self.fixed, **({self.along: value} if self.along else {})}


COOLED = "D follows softmax(phi / forward_temperature), not p"
FORMS = (
    Form("straight_through", "straight_through", {}),
    Form("st_gumbel_softmax", "st_gumbel_softmax", {}),
    Form("gumbel_rao", "gumbel_rao", {}),
    Form("reinmax", "reinmax", {}),
    Form("zgr", "zgr", {}, along="", values=()),
    Form("reinmax_rao", "reinmax_rao", {}),
    Form("reinmax_cv", "reinmax_cv", {}),
    Form("gapped_st", "gapped_st", {}),
    Form("gapped_st", "gapped_st[adaptive=true]", {"adaptive": True}),
    Form("decoupled_st", "decoupled_st[forward_temperature=0.5]", {"forward_temperature": 0.5}, outside=COOLED),
    Form("decoupled_st", "decoupled_st[forward_temperature=2]", {"forward_temperature": 2.0}, outside=COOLED),
    Form("st_redge", "st_redge", {}, "first_time", (0.3, 0.5, 0.9), outside="D follows its relaxed point, not p"),
)
LEFT_OUT = {
    "straight_through[identity=true]": "M = I: along (1, ..., 1) it passes on what the cost's author chose, and its "
    "draws leave the plane of the logits' gradients",
    "decoupled_st[forward_temperature=1]": "the same matrices as straight_through at the same temperature",
    "imle": "a difference of two hard choices: not linear in the slope",
    "aimle": "as imle, and its step is fitted to the cost",
}
