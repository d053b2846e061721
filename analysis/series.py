"""Series: the cells of a figure that belong to one curve, with the shortest name that tells them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bench.records import literal
from .frame import Frame, Record, temperature_of
from .style import STYLES, Style, style_of

_FIELDS = ("num_samples", "num_draws", "dtype", "device", "seed")
_SHORT = {"num_samples": "S", "num_draws": "N"}


@dataclass(frozen=True)
class Series:
    """The cells of one configured estimator over its temperatures.

    Args:
        label: its name, as short as the frame allows.
        estimator: the estimator's name.
        style: how it is drawn.
        frame: its cells in rising order of temperature.
    """

    label: str
    estimator: str
    style: Style
    frame: Frame

    @property
    def has_temperature(self) -> bool:
        """Whether its cells lie along a temperature axis."""
        return any(temperature_of(record) is not None for record in self.frame)


def series_of(frame: Frame, apart: Sequence[str] = _FIELDS) -> list[Series]:
    """Return the series of a problem's measured cells: catalogued estimators first, in the table's order.

    Args:
        frame: the cells.
        apart: fields of a record whose values tell series of one estimator apart, beside its parameters.
    """
    found = []
    for (estimator,), cells in frame.ok.group_by("estimator").items():
        groups: dict[tuple[Any, ...], list[Record]] = {}
        for record in cells:
            groups.setdefault(tuple(_identity(record, apart).items()), []).append(record)
        varying = _varying([dict(key) for key in groups])
        for variant, (key, members) in enumerate(groups.items()):
            label = _label(estimator, dict(key), varying)
            ordered = Frame(tuple(members)).sort("temperature")
            found.append(Series(label, estimator, style_of(estimator, variant), ordered))
    order = list(STYLES)
    return sorted(found, key=lambda one: order.index(one.estimator) if one.estimator in order else len(order))


def cell_name(record: Record, series: Sequence[Series]) -> str:
    """Return a cell's series label with its temperature, e.g. 'reinmax τ = 0.5'."""
    label = next((one.label for one in series if any(cell is record for cell in one.frame)), record["estimator"])
    temperature = temperature_of(record)
    return label if temperature is None else f"{label} τ = {literal(temperature)}"


def fewest_samples(frame: Frame) -> Frame:
    """Return the cells with the least num_samples of each estimator on each problem; without the others."""
    least: dict[tuple[str, str], int] = {}
    for record in frame.ok:
        key = (record["problem"], record["estimator"])
        least[key] = min(int(record["num_samples"]), least.get(key, int(record["num_samples"])))
    return frame.where(
        lambda record: (
            int(record["num_samples"])
            <= least.get((record["problem"], record["estimator"]), int(record["num_samples"]))
        )
    )


def _identity(record: Mapping[str, Any], apart: Sequence[str]) -> dict[str, Any]:
    """Return what tells a record's series from another one of the same estimator."""
    config = {key: value for key, value in (record.get("config") or {}).items() if key != "temperature"}
    fields = {name: record.get(name) for name in apart}
    return {
        **{key: str(value) if isinstance(value, (list, dict)) else value for key, value in config.items()},
        **fields,
    }


def _varying(identities: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for identity in identities for name in identity)
    return [name for name in names if len({identity.get(name) for identity in identities}) > 1]


def _label(estimator: str, identity: Mapping[str, Any], varying: Sequence[str]) -> str:
    inside = [f"{name}={literal(identity[name])}" for name in varying if name not in _FIELDS and name in identity]
    outside = [f"{_SHORT.get(name, name)} = {identity[name]}" for name in varying if name in _FIELDS]
    return ", ".join([estimator + (f"[{','.join(inside)}]" if inside else ""), *outside])
