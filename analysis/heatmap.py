"""Estimators by problems as a table of colours, with its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import Rectangle

from ..bench.records import literal
from .axes import empty, length, power
from .frame import ORACLES, Frame, Record, parameters_of, temperature_of
from .numbers import short
from .series import fewest_samples, series_of
from .statistics import Estimate, estimate, marks_of, mse_at, scale_of
from .style import INK, MUTED, small

# lightness falls steadily from 95 to 22, so that the order survives a greyscale print
COLOURS = LinearSegmentedColormap.from_list("error", ["#f1f4ea", "#c3dcc0", "#7fb5ae", "#41819b", "#234f7c", "#12294f"])


@dataclass(frozen=True)
class Square:
    """One estimator on one problem.

    Args:
        status: ok, not_applicable, failed, or missing where there is no cell.
        value: the quantity at the best temperature, relative where its problem allows; None where not ok.
        record: the cell behind it.
    """

    status: str
    value: Estimate | None = None
    record: Record | None = None


@dataclass(frozen=True)
class Grid:
    """A heat map's squares.

    Args:
        rows: labels of estimators.
        columns: labels of problems, the second line holds parameters.
        squares: [rows][columns].
        quantity: mse or variance.
        relative: whether values are over |gradient|^2.
        common: the name that all problems share and columns leave out, '' if they do not.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    squares: tuple[tuple[Square, ...], ...]
    quantity: str
    relative: bool
    common: str = ""


def heatmap(ax: Axes, frame: Frame, quantity: str = "mse") -> Axes:
    """Draw estimator by problem: colour is log10 of the mse of one draw at the best temperature, written in the square.

    Values are over |gradient|^2 where all problems have one. The temperature stands under the value where there is
    room. A cross marks cells whose interval cannot be trusted; hatched squares do not apply, squares with a dot
    pattern failed, empty ones were not asked for. Each estimator is drawn at its least number of samples.

    Args:
        ax: the axes to draw on.
        frame: records of several problems.
        quantity: mse, or variance, which is also what is drawn where no truth is known.
    """
    grid = grid_of(frame, quantity)
    values = [s.value.value for row in grid.squares for s in row if s.value is not None and s.value.value > 0]
    if not values:
        return empty(ax, "No cell was measured.")
    norm = colour_range(grid)
    ax.set(xlim=(0, len(grid.columns)), ylim=(len(grid.rows), 0))
    ax.set_xticks([i + 0.5 for i in range(len(grid.columns))], grid.columns)
    ax.set_yticks([i + 0.5 for i in range(len(grid.rows))], grid.rows)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    wide = length(ax.xaxis) / len(grid.columns)
    high = length(ax.yaxis) / len(grid.rows)
    size = min(small(), 0.94 * wide / (0.64 * max(len(written(value)) for value in values)))
    for i, row in enumerate(grid.squares):
        for j, square in enumerate(row):
            _draw(ax, i, j, square, norm, (wide, high, size))
    return ax


def colour_bar(ax: Axes, frame: Frame, quantity: str = "mse") -> Axes:
    """Draw a horizontal bar of the heat map's colours with powers of ten under it."""
    grid = grid_of(frame, quantity)
    norm = colour_range(grid)
    steps = 96
    for k in range(steps):
        ax.add_patch(
            Rectangle((k / steps, 0), min(1.6, steps - k) / steps, 1, facecolor=COLOURS(k / (steps - 1)), linewidth=0)
        )
    ax.set(xlim=(0, 1), ylim=(0, 1), yticks=[])
    vmin, vmax = float(norm.vmin or 0), float(norm.vmax or 1)
    decades = range(math.ceil(vmin - 1e-9), math.floor(vmax + 1e-9) + 1)
    stride = max(1, math.ceil(len(decades) * 3.4 * small() / length(ax.xaxis)))
    ticks = [k for k in decades if k % stride == 0]
    ax.set_xticks([(k - vmin) / (vmax - vmin) for k in ticks], [power(10.0**k) for k in ticks])
    unit = " / |∇|²" if grid.relative else " (gradient units squared)"
    ax.set_xlabel(f"{grid.quantity} of one draw{unit}, at the best τ")
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def grid_of(frame: Frame, quantity: str = "mse") -> Grid:
    """Return the squares of a heat map: series in rows in the order of the style table, problems in columns."""
    cells = fewest_samples(frame.where(lambda record: record["estimator"] not in ORACLES))
    problems = [str(name) for name in cells.values("problem")]
    if quantity == "mse" and not any(record.get("mse") is not None for record in cells.ok):
        quantity = "variance"
    measured = series_of(cells, ("dtype", "device", "seed"))
    relative = all(scale_of(record) is not None for record in cells.ok)
    labels = [one.label for one in measured]
    others = [str(name) for name in cells.values("estimator") if not any(o.estimator == name for o in measured)]
    rows = []
    for one in measured:
        rows.append(tuple(_square(one.frame, cells, one.estimator, name, quantity, relative) for name in problems))
    for estimator in others:
        rows.append(tuple(_square(Frame(()), cells, estimator, name, quantity, relative) for name in problems))
    columns = problem_labels(problems)
    names = {column.partition("\n")[0] for column in columns}
    common = names.pop() if len(columns) > 1 and len(names) == 1 else ""
    if common:
        columns = [column.partition("\n")[2] for column in columns]
    return Grid((*labels, *others), tuple(columns), tuple(rows), quantity, relative, common)


def measured(frame: Frame) -> bool:
    """Return whether there is any square with a value."""
    return any(record.get("variance") is not None for record in frame.choices)


def problem_labels(problems: Sequence[str]) -> list[str]:
    """Return each problem's name and, under it, the parameters in which it differs from others of that name."""
    names = [problem.partition("[")[0] for problem in problems]
    parameters = [parameters_of(problem) for problem in problems]
    found = []
    for name, mine in zip(names, parameters, strict=True):
        same = [other for other_name, other in zip(names, parameters, strict=True) if other_name == name]
        parts = [f"{k} = {literal(v)}" for k, v in mine.items() if any(other.get(k) != v for other in same)]
        found.append("\n".join([name, ", ".join(parts)]) if parts else name)
    return found


def colour_range(grid: Grid) -> Normalize:
    """Return log10 of the least and the largest positive value, at least one decade and at most ten."""
    values = [s.value.value for row in grid.squares for s in row if s.value is not None and s.value.value > 0]
    logs = [math.log10(value) for value in values] or [0.0]
    top = max(logs)
    low = max(min(logs), top - 10)
    return Normalize(low, top) if top - low >= 1 else Normalize((low + top - 1) / 2, (low + top + 1) / 2)


def written(value: float) -> str:
    """Return a value in at most five letters: 0.23, 12, 3.4e-5."""
    if value <= 0:
        return "0"
    if value >= 9999.5:
        digits, exponent = f"{value:.1e}".split("e")
        return f"{digits}e{int(exponent)}"
    if value >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.995 else short(value, 2)


def _square(mine: Frame, cells: Frame, estimator: str, problem: str, quantity: str, relative: bool) -> Square:
    found = []
    for record in mine.where(problem=problem):
        value = mse_at(record) if quantity == "mse" else estimate(record, "variance")
        if value is not None:
            found.append(Square("ok", value.over((scale_of(record) if relative else None) or 1.0), record))
    if found:
        return min(found, key=lambda square: square.value.value if square.value else math.inf)
    other = cells.not_ok.where(problem=problem, estimator=estimator)
    if len(other):
        return Square(str(other[0]["status"]), None, other[0])
    known = len(mine.where(problem=problem)) > 0
    return Square("unknown" if known else "missing")


def _draw(ax: Axes, i: int, j: int, square: Square, norm: Normalize, room: tuple[float, float, float]) -> None:
    """Draw one square; room is its width and height and the size of its letters, in points."""
    wide, high, size = room
    box = (j + 0.03, i + 0.05), 0.94, 0.90
    where = (j + 0.5, i + 0.5)
    text: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": size}
    if square.value is None or square.record is None:
        hatch = {"not_applicable": "////", "failed": "...."}.get(square.status, "")
        ax.add_patch(Rectangle(*box, facecolor="white", edgecolor="#b4bac4", lw=0.5, hatch=hatch, gid=square.status))
        if square.status in ("failed", "unknown"):
            pad = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none"}
            ax.text(*where, {"failed": "failed"}.get(square.status, "?"), color=MUTED, bbox=pad, **text)
        return
    value = square.value.value
    level = float(norm(math.log10(value))) if value > 0 else 0.0
    shade = COLOURS(min(max(level, 0.0), 1.0))
    ink = "white" if level > 0.52 else INK
    ax.add_patch(Rectangle(*box, facecolor=shade, linewidth=0, gid="ok"))
    temperature = temperature_of(square.record)
    both = temperature is not None and high > 2.7 * small() and wide > 3.6 * size
    ax.text(where[0], i + (0.40 if both else 0.5), written(value), color=ink, gid="value", **text)
    if both and temperature is not None:
        under: dict[str, Any] = {**text, "fontsize": size - 1.5}
        ax.text(where[0], i + 0.75, f"τ {literal(temperature)}", color=ink, alpha=0.85, gid="temperature", **under)
    if marks_of(square.record):
        at = ([j + 0.03 + 4 / wide], [i + 0.05 + 4 / high])
        ax.plot(*at, marker="x", color=ink, markersize=4, markeredgewidth=0.9, gid="marked")
