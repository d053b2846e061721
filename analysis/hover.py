"""Which cell a marker stands for: written into the SVG, so that the page can say it.

A group of markers carries ``data-cells``: a letter for the quantity, capital where it is relative to |gradient|^2, then
one number a marker, the row of its cell in the page's tables, which hold estimator, temperature, values and intervals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2s

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..bench.records import label
from .frame import Record, temperature_of

LETTERS = {"bias_sq": "b", "variance": "v", "mse": "m", "plane": "p"}
_ATTRIBUTE = "varbench_cells"
_PREFIX = "cells-"  # no dots: what looks like a number is rounded


def tell(markers: Iterable[Line2D], quantity: str, relative: bool, records: Sequence[Record]) -> None:
    """Keep with the markers of a line which records they stand for, in order.

    Args:
        markers: as ``ax.plot`` returns them.
        quantity: bias_sq, variance, mse, or plane for the first two at once.
        relative: whether it is divided by |gradient|^2.
        records: one for each marker.
    """
    letter = LETTERS[quantity]
    for line in markers:
        setattr(line, _ATTRIBUTE, "-".join([letter.upper() if relative else letter, *map(key, records)]))


def key(record: Record) -> str:
    """Return a name of a record's cell, letters and digits alone."""
    fields = ("problem", "num_samples", "num_draws", "seed", "dtype", "device")
    told = [*(str(record.get(name)) for name in fields), label(record), str(temperature_of(record))]
    return blake2s("|".join(told).encode(), digest_size=6).hexdigest()


@contextmanager
def told(figure: Figure) -> Iterator[None]:
    """Give the markers that tell of cells ids that say so, while the figure is saved."""
    lines = [line for line in figure.findobj(Line2D) if hasattr(line, _ATTRIBUTE)]
    before = [line.get_gid() for line in lines]
    for line in lines:
        line.set_gid(_PREFIX + getattr(line, _ATTRIBUTE))
    try:
        yield
    finally:
        for line, gid in zip(lines, before, strict=True):
            line.set_gid(gid)


def as_data(svg: str) -> str:
    """Return SVG text in which those ids are attributes."""
    return re.sub(rf' id="{re.escape(_PREFIX)}([^"]*)"', r' data-cells="\1"', svg)


def numbered(svg: str, rows: Mapping[str, int]) -> str:
    """Return SVG text whose cells are numbers of rows; a cell without a row is left empty."""

    def replaced(match: re.Match[str]) -> str:
        letter, *keys = match[1].split("-")
        return f' data-cells="{letter} {" ".join(str(rows.get(one, "")) for one in keys)}"'

    return re.sub(r' data-cells="([^"]*)"', replaced, svg)


def plain(svg: str) -> str:
    """Return SVG text without cells, for files."""
    return re.sub(r' data-cells="[^"]*"', "", svg)
