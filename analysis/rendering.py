"""Pages from templates: one environment, one style sheet, one script, and the filters that the templates use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

SCRIPTS = ("report.js", "figures.js")
_TEMPLATES = Path(__file__).with_name("templates")


def rendered(template: str, **values: Any) -> str:
    """Return the text of a self-contained page; a value that its template wants and does not get is an error.

    Args:
        template: name of a file in ``templates/``.
        values: what the template names, beside ``css`` and ``script``.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(prose=prose, breakable=breakable, dimmed=dimmed)
    css, script = Markup(asset("report.css")), Markup("\n".join(map(asset, SCRIPTS)))
    return environment.get_template(template).render(css=css, script=script, **values)


def asset(name: str) -> str:
    """Return the text of a file in ``templates/``."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def prose(text: str) -> Markup:
    """Return text with its `backticked` parts as code and |∇|² kept on one line, everything else escaped."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\|∇\|²?", r'<span class="whole">\g<0></span>', text))


def dimmed(text: str) -> Markup:
    """Return '1.2 [1.1, 1.3]' with its interval in a weaker colour."""
    return Markup(re.sub(r" (\[[^]]*\])$", r" <small>\1</small>", str(escape(text))))


def breakable(text: str) -> Markup:
    """Return a long name that a line may break after an opening bracket or a comma."""
    return Markup(re.sub(r"(?<=[\[,])(?=\S)", "<wbr>", str(escape(text))))
