"""The figures of a report: which kinds, of which records, and as text for the page and for files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .frame import Frame
from .kinds import Part, Projections, drawn, parts_of
from .sizes import standing_alone
from .style import PAGE, context
from .svg import to_svg

SINGLE = ("temperature", "plane", "samples", "cost", "draws")  # kinds of figure of one problem


@dataclass(frozen=True)
class Picture:
    """A figure in the page and as a file.

    Args:
        name: of the file, without its suffix.
        kind: of figure.
        subject: the problem, or what several of them share.
        svg: the <svg> element; its ids are its own among the pictures of one page.
        caption: the sentence under it; `backticks` mark code.
        problems: whose cells it shows.
    """

    name: str
    kind: str
    subject: str
    svg: str
    caption: str
    problems: tuple[str, ...] = ()


def pictures_of(frame: Frame, projections: Projections) -> list[Picture]:
    """Return the figures of a report: those across problems first, then those of single problems.

    Problems that are only points of a sweep over sizes have no figures of their own.

    Args:
        frame: all records.
        projections: gives a cell's draws.
    """
    alone = standing_alone(frame)
    several = len(alone.ok.values("problem")) > 1
    wanted = [("heatmap", alone)] if several else []
    wanted += [("dimension", frame), *((kind, alone) for kind in SINGLE)]
    parts = [(kind, part) for kind, cells in wanted for part in parts_of(kind, cells)]
    return list(_drawn(parts, projections))


def _drawn(parts: Iterable[tuple[str, Part]], projections: Projections) -> Iterator[Picture]:
    for number, (kind, part) in enumerate(parts):
        with context():
            one = drawn(part, kind, PAGE, projections)
            if one is not None:
                svg = to_svg(one.figure, f"f{number}", one.title, one.description)
                problems = tuple(map(str, part.frame.values("problem")))
                yield Picture(part.name, kind, part.title, svg, one.caption, problems)
