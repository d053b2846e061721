"""From a figure to small, scoped, self-contained SVG text."""

from __future__ import annotations

import io
import re
from collections import Counter
from html import escape
from itertools import groupby
from operator import itemgetter

from matplotlib.figure import Figure

from .hover import as_data, plain, told
from .svg_paths import in_steps, merged

_FONTS = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"  # all narrower than DejaVu Sans


def to_svg(figure: Figure, scope: str, title: str, description: str) -> str:
    """Return a figure as one <svg> element that can stand in a page beside others.

    Ids that nothing refers to are dropped and the rest are short and carry ``scope``; what neighbours share is said
    once; groups without a property and spaces without a meaning are left out; numbers keep one or two decimals; the
    element is an image with a title and a description. The same figure gives the same bytes.

    Args:
        figure: drawn inside style.context(), and saved inside it.
        scope: letters, digits and dashes; another one for each figure of a page, short since it stands at every mark.
        title: names the figure.
        description: says what it shows to those who cannot see it.
    """
    buffer = io.BytesIO()
    with told(figure):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = as_data(buffer.getvalue().decode("utf-8"))
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'\s*<g id="[^"]*"/>|\s*<g/>', "", _scoped(text, scope))
    text = re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d{3,}", _rounded, tag[0]), text)  # tags, never text
    text = re.sub(r"<style.*?</style>|<defs/>|<defs>\s*</defs>", "", text, flags=re.DOTALL)
    text = re.sub(r" font-family: 'DejaVu Sans';?| transform=\"rotate\(-0 [^\"]*\)\"", "", text)
    text = re.sub(r"font: (\d+) ([\d.]+px) 'DejaVu Sans'", r"font-weight: \1; font-size: \2", text)
    text = re.sub(r"\s*\n", " ", text.replace("xlink:href", "href"))
    text = re.sub(r">\s+<", "><", text)
    text = _shared(_once(_tight(_ungrouped(text))))
    text = re.sub(' d="([^"]*)"', lambda path: f' d="{in_steps(path[1])}"', text)
    return _named(text, scope, title, description)


def standalone(svg: str, inches: tuple[float, float] | None = None) -> str:
    """Return the text of an SVG file.

    Args:
        svg: the <svg> element.
        inches: width and height that the file states; None: it fills what shows it.
    """
    if inches is not None:
        svg = re.sub(r' style="max-width:\d+px"', f' width="{inches[0]:g}in" height="{inches[1]:.4g}in"', svg, count=1)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + plain(svg).replace(
        "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1
    )


def _scoped(text: str, scope: str) -> str:
    """Number the ids that something refers to, in the order of their first use, behind the scope; drop the others."""
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)
    names = dict.fromkeys(name for pair in used for name in pair if name)
    short = {name: f"{scope}-{number}" for number, name in enumerate(names)}
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{short[m[1]]}"' if m[1] in short else "", text)
    text = re.sub(r'href="#([^"]+)"', lambda m: f'href="#{short[m[1]]}"', text)
    return re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{short[m[1]]})", text)


def _ungrouped(text: str) -> str:
    """Drop every <g> that has no property, with the end tag that belongs to it."""
    kept: list[bool] = []

    def replaced(match: re.Match[str]) -> str:
        if match[0] != "</g>":
            kept.append(match[0] != "<g>")
            return match[0] if kept[-1] else ""
        return match[0] if kept.pop() else ""

    return re.sub(r"<g(?: [^>]*)?>|</g>", replaced, text)


def _tight(text: str) -> str:
    """Drop the spaces of path data and styles that mean nothing."""

    def path(match: re.Match[str]) -> str:
        data = re.sub(" ?([A-Za-z]) ?", r"\1", match[1]).strip()
        return f' d="{data}"'

    def style(match: re.Match[str]) -> str:
        text = match[0].replace(": ", ":").replace("; ", ";")
        return re.sub(r"(?<=[\";])(?:stroke-dashoffset:0|text-anchor:start);", "", text)  # what holds anyway

    return re.sub(' style="[^"]*"', style, re.sub(' d="([^"]*)"', path, text))


def _once(text: str) -> str:
    """Drop from each use of a mark the properties that the mark has itself: its own count, not those of the use."""
    marks = re.findall(r'<path id="([^"]+)"[^>]*? style="([^"]*)"', text)
    own = {name: {part.partition(":")[0] for part in style.split(";")} for name, style in marks}

    def used(match: re.Match[str]) -> str:
        kept = [part for part in match[3].split(";") if part.partition(":")[0] not in own.get(match[1], ())]
        return f'<use href="#{match[1]}"{match[2]} style="{";".join(kept)}"/>'.replace(' style=""', "")

    return re.sub(r'<use href="#([^"]+)"([^>]*?) style="([^"]*)"/>', used, text)


def _shared(text: str) -> str:
    """Say once, on a group, what neighbours have in common: the clip path and the style."""
    one = r"<(?:use|path)(?= )[^>]*?/>"

    def grouped(run: re.Match[str]) -> str:
        parts = [(_looks(element), element) for element in re.findall(one, run[0])]
        return "".join(_group(look, [element for _, element in same]) for look, same in groupby(parts, itemgetter(0)))

    return re.sub(f"(?:{one}){{2,}}", grouped, text)


def _looks(element: str) -> str:
    return "".join(re.findall(r' clip-path="[^"]*"| style="[^"]*"', element))


def _group(look: str, elements: list[str]) -> str:
    if len(elements) == 1 or not look:
        return "".join(elements)
    bare = merged([re.sub(r' clip-path="[^"]*"| style="[^"]*"', "", element) for element in elements], look)
    return bare[0].replace("<path", f"<path{look}") if len(bare) == 1 else f"<g{look}>{''.join(bare)}</g>"


def _rounded(match: re.Match[str]) -> str:
    """Return a number with two decimals, places on the sheet with one: a twentieth of a point is not seen."""
    value = float(match[0])
    short = f"{value:.{1 if abs(value) >= 10 else 2}f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def _named(text: str, scope: str, title: str, description: str) -> str:
    """Put role, title and description on the outermost element, and leave its size to the page."""
    head, _, body = text.partition(">")
    box = re.search(r'viewBox="[^"]+"', head)
    width = re.search(r'width="([\d.]+)pt"', head)
    if box is None or width is None:
        raise ValueError("matplotlib wrote an SVG without viewBox or width; see docs of the version in use")
    pixels = round(float(width[1]) * 4 / 3)
    sizes = Counter(re.findall(r"<text[^>]*?(?<=[\";])font-size:([\d.]+px)", body))
    usual = sizes.most_common(1)[0][0] if sizes else "10px"
    body = re.sub(rf'(<text[^>]*?[";])font-size:{re.escape(usual)};?', r"\1", body)
    return (
        f'<svg {box[0]} role="img" aria-labelledby="{scope}-title {scope}-desc" '
        f'font-family="{_FONTS}" font-size="{usual}" stroke-linejoin="round" stroke-linecap="butt" '
        f'style="max-width:{pixels}px">'
        f'<title id="{scope}-title">{escape(title)}</title><desc id="{scope}-desc">{escape(description)}</desc>{body}'
    ).rstrip() + "\n"
