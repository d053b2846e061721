"""Whole figures: axes, legend and title in fixed places, so that nothing depends on a layout engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .frame import Frame
from .plane import bias_variance_plane
from .plots import bias_against_temperature, legend_handles, variance_against_temperature
from .style import LARGE, context

Panel = Callable[[Axes, Frame], Axes]
WIDTH = 5.6  # inches
_LEFT, _RIGHT, _ROW, _NOTE = 0.76, 0.16, 0.195, 0.175


def temperature_figure(frame: Frame, title: str) -> Figure:
    """Return squared bias above variance, both against temperature, for the records of one problem.

    Args:
        frame: the problem's records.
        title: stands above the axes.
    """
    return _figure(frame, title, [bias_against_temperature, variance_against_temperature], 2.35)


def plane_figure(frame: Frame, title: str) -> Figure:
    """Return the bias-variance plane of one problem's records, as tall as the temperature figure beside it."""
    return _figure(frame, title, [bias_variance_plane], 5.45)


def _figure(frame: Frame, title: str, panels: Sequence[Panel], height: float) -> Figure:
    """Stack panels of one height (inches); notes above them and the legend below get the room that they need."""
    with context():
        handles = legend_handles(frame)
        longest = max((len(str(handle.get_label())) for handle in handles), default=0)
        columns = 3 if longest <= 20 else 2 if longest <= 34 else 1
        legend = _ROW * math.ceil(len(handles) / columns)
        figure = Figure(figsize=(WIDTH, tall := 3 * height))
        every = [figure.add_axes((_LEFT / WIDTH, 0, (WIDTH - _LEFT - _RIGHT) / WIDTH, height / tall)) for _ in panels]
        for draw, ax in zip(panels, every, strict=True):
            draw(ax, frame)
        for ax in every[:-1]:
            ax.set_xlabel("")
        notes = [_NOTE * len(ax.get_title("left").splitlines()) for ax in every]
        gap, bottom, top = 0.42, legend + 0.64, 0.42
        total = bottom + sum(notes) + height * len(panels) + gap * (len(panels) - 1) + top
        figure.set_size_inches(WIDTH, total)
        y = total - top
        for ax, room in zip(every, notes, strict=True):
            y -= room + height
            ax.set_position((_LEFT / WIDTH, y / total, (WIDTH - _LEFT - _RIGHT) / WIDTH, height / total))
            y -= gap
        figure.text(0.1 / WIDTH, 1 - 0.08 / total, title, ha="left", va="top", fontsize=LARGE, fontweight="bold")
        where = (0.1 / WIDTH, 0.03 / total)
        spacing = {"borderpad": 0, "borderaxespad": 0, "labelspacing": 0.45, "columnspacing": 1.4}
        figure.legend(handles=handles, loc="lower left", bbox_to_anchor=where, ncols=columns, **spacing)
        return figure
