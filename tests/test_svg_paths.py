"""Shorter path data: they draw the same, and what would be seen is left as it is."""

import re

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from varbench.analysis import hover
from varbench.analysis.svg import to_svg
from varbench.analysis.svg_paths import in_steps, merged

from .test_analysis import cell

PATHS = [
    "M78.6 247.9L78.6 247L79.1 247L80 248.25z",
    "M0 2.5C0.66 2.5 1.3 2.24 1.77 1.77C2.24 1.3 2.5 0.66 2.5 0Q1 1 -0.5 -0.25z",
    "M1 1L2 2L3 3L-0.5 4L1 1zM5 5L5 -6L0.05 -6",
    "M0.1 0.2L0.3 0.4L0.1 0.7L0.1 0.7",
]


def places(data):
    """Read path data as a browser does: absolute places of every point."""
    at, start, found = (0.0, 0.0), (0.0, 0.0), []
    for letter, text in re.findall(r"([A-Za-z])([^A-Za-z]*)", data):
        numbers = [float(n) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", text)]
        if letter in "vh":
            pairs = [(0.0, n) if letter == "v" else (n, 0.0) for n in numbers]
        else:
            pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        size = {"c": 3, "q": 2}.get(letter.lower(), 1)
        for first in range(0, len(pairs), size):
            base = at if letter.islower() else (0.0, 0.0)
            for x, y in pairs[first : first + size]:
                found.append((round(base[0] + x, 6), round(base[1] + y, 6)))
            at = found[-1]
            start = at if letter == "M" else start
        at = start if letter == "z" else at
    return found


@pytest.mark.parametrize("data", PATHS)
def test_steps_lead_to_the_same_places(data):
    assert places(in_steps(data)) == places(data)
    assert len(in_steps(data)) < len(data)


def test_unknown_commands_are_left_alone():
    assert in_steps("M0 0A1 1 0 0 1 2 2") == "M0 0A1 1 0 0 1 2 2"


def test_only_outlines_without_a_name_are_merged():
    two = ['<path d="M0 0L1 1"/>', '<path d="M2 2L3 3"/>']
    assert merged(two, ' style="fill:none;stroke:#000"') == ['<path d="M0 0L1 1M2 2L3 3"/>']
    assert merged(two, ' style="fill:#000"') == two
    assert merged(two, ' style="fill:none;stroke-opacity:0.5"') == two
    named = [two[0], '<path id="a" d="M2 2L3 3"/>']
    assert merged(named, ' style="fill:none"') == named


def test_markers_carry_their_rows_in_the_page_and_nothing_in_a_file():
    figure = Figure()
    ax = figure.add_subplot()
    cells = [cell("rloo", num_samples=2), cell("reinmax", 0.5)]
    hover.tell(ax.plot([1, 2], [1, 2], marker="o", gid="estimate"), "variance", True, cells)
    svg = to_svg(figure, "f", "title", "words")
    rows = {hover.key(cells[1]): 7}
    assert ' data-cells="V  7"' in hover.numbered(svg, rows)
    assert "data-cells" not in hover.plain(svg)
    (line,) = [one for one in ax.lines if isinstance(one, Line2D)]
    assert line.get_gid() == "estimate"
    assert len({hover.key(c) for c in [*cells, cell("rloo"), cell("reinmax", 1.0)]}) == 4
