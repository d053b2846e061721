"""The gallery: one page and one README that link every report of a folder: python -m varbench.analysis.gallery DIR."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from markupsafe import Markup

from .rendering import rendered

LARGEST = 45_000  # characters of a preview, so that a gallery of several reports stays small
_META = re.compile(r'<meta name="([^"]+)" content="([^"]*)">')
_FIGURE = re.compile(r'(?:<figure data-name="([^"]*)">\s*<div[^>]*>)?(<svg [^>]*role="img".*?</svg>)', re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """A report as its own page tells of it.

    Args:
        folder: its folder's name, which the links lead to.
        title: the page's title.
        description: what it shows, in a sentence or two.
        size: how much it holds, '142 cells'.
        command: what makes it.
        preview: an <svg> element with ids of its own, '' where no figure is small enough.
    """

    folder: str
    title: str
    description: str
    size: str
    command: str
    preview: str


def entries(folder: Path) -> list[Entry]:
    """Return what the reports of a folder tell of themselves: studies with their records first, then by name.

    Args:
        folder: each folder in it with an index.html is a report.

    Raises:
        ValueError: if a page lacks what the gallery says of it, or there is no report.
        OSError: if a page cannot be read.
    """
    pages = sorted(Path(folder).glob("*/index.html"), key=lambda one: (not one.with_name("records.csv").exists(), one))
    if not pages:
        raise ValueError(f"no report in {folder}: it has no folder with an index.html; 'make report' writes one")
    return [_entry(page, number) for number, page in enumerate(pages, 1)]


def write(folder: Path) -> Path:
    """Write index.html and README.md beside the reports and return the path of the page; same reports, same bytes.

    Raises:
        ValueError: as of entries.
        OSError: if a page cannot be read or written.
    """
    found = entries(folder)
    path = Path(folder) / "index.html"
    path.write_text(page(found), encoding="utf-8")
    (Path(folder) / "README.md").write_text(readme(found), encoding="utf-8")
    return path


def page(found: Sequence[Entry]) -> str:
    """Return the text of the gallery's page."""
    cards = [{"entry": entry, "preview": Markup(entry.preview)} for entry in found]
    return rendered("gallery.html.j2", cards=cards)


def readme(found: Sequence[Entry]) -> str:
    """Return the same as markdown, for those who read the repository's folders."""
    lines = [
        "# Reports",
        "",
        "Generated and committed, never edited: the commands beside them write them anew, and `make gallery` writes",
        "this file and [index.html](index.html), which shows the same with pictures and needs no network.",
        "",
        "| report | what it shows | holds | made by |",
        "| --- | --- | --- | --- |",
    ]
    for one in found:
        cells = (f"[{one.folder}]({one.folder}/index.html)", one.description, one.size, f"`{one.command}`")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _entry(path: Path, number: int) -> Entry:
    text = path.read_text(encoding="utf-8")
    said = {name: unescape(content) for name, content in _META.findall(text)}
    title = re.search(r"<title>(.*?)</title>", text)
    missing = [name for name in ("description", "varbench:size", "varbench:command") if not said.get(name)]
    if title is None or missing:
        lacking = ", ".join(missing) or "title"
        raise ValueError(f"{path} does not say its {lacking}: it was written by an older version, so write it again")
    return Entry(
        folder=path.parent.name,
        title=unescape(title[1]),
        description=" ".join(said["description"].split()),
        size=said["varbench:size"],
        command=said["varbench:command"],
        preview=_preview(text, f"r{number}"),
    )


def _preview(text: str, scope: str) -> str:
    """Return the last figure against temperature, else the last one, that is small enough, with ids of its own."""
    figures = [(name.endswith("-temperature"), _shortened(svg, scope)) for name, svg in _FIGURE.findall(text)]
    small = [(telling, svg) for telling, svg in figures if len(svg) <= LARGEST]
    return max(enumerate(small), key=lambda item: (item[1][0], item[0]))[1][1] if small else ""


def _shortened(svg: str, scope: str) -> str:
    names = list(dict.fromkeys(re.findall(r' id="([^"]+)"', svg)))
    short = {name: f"{scope}-{number}" for number, name in enumerate(names)}
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{short[m[1]]}"', svg)
    svg = re.sub(r'href="#([^"]+)"', lambda m: f'href="#{short[m[1]]}"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{short[m[1]]})", svg)
    labels = r'aria-labelledby="([^"]+)"'
    return re.sub(labels, lambda m: f'aria-labelledby="{" ".join(short[name] for name in m[1].split())}"', svg)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the gallery of a folder; 2 where there is none to write."""
    parser = argparse.ArgumentParser(prog="python -m varbench.analysis.gallery", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of the reports' folders")
    given = parser.parse_args(arguments)
    try:
        path = write(given.folder)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
