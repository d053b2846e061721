r"""Tables for papers: LaTeX with booktabs, to be read with \input, nothing left unescaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .frame import Frame, Record
from .tables import Column, columns, legend, rows

LONG = 40  # rows that a page holds; a table of more is broken over pages
FLOATS = 10  # tables in a row before they are sent to pages: LaTeX gives up at 18 that wait
_PREAMBLE = r"""% records of varbench, one table a problem, to be read with \input from an article whose preamble has
%   \usepackage{booktabs,longtable}
%   \usepackage[a4paper,landscape,margin=1cm]{geometry}   % the columns are wide
"""
_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"$\sim$", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''",
    "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}", "-": "-{}", "τ": r"$\tau$", "→": r"$\to$", "×": r"$\times$",
    "∞": r"$\infty$", "²": "$^2$", "µ": r"$\mu$", "∇": r"$\nabla$", "′": "$'$",
}  # fmt: skip
_PHRASES = {"|∇|": r"$|\nabla|$", "|∇|²": r"$|\nabla|^2$", "|draw - mean|²": r"$|\mathrm{draw} - \mathrm{mean}|^2$"}
_PHRASE = re.compile("(" + "|".join(re.escape(text) for text in sorted(_PHRASES, key=len, reverse=True)) + ")")
_SCALED = re.compile(r"([-\d.]+)e(-?\d+)( \w+)? \[([-\d.]+)e\2, ([-\d.]+)e\2\]")  # an interval with one power of ten
_REMARK = re.compile(r" (\[95 %\]|\(.*\)|per draw.*)$")
_NUMBER = re.compile(r"(?<![\w.])(<?)(-?)(\d+(?:\.\d+)?)(?:e(-?\d+))?(?![\w])")


def as_latex(records: Sequence[Record] | Frame) -> str:
    """Return a table for each problem, with the columns of the markdown ones, and what the marks mean."""
    frame = Frame.of(records)
    tables = []
    for number, ((problem,), cells) in enumerate(frame.group_by("problem").items()):
        clear = "\\clearpage\n\n" if number and number % FLOATS == 0 else ""
        tables.append(clear + _table(str(problem), rows(cells)))
    marks = [rf"\item[{symbol}] {escaped(meaning)}" for symbol, meaning in legend(frame)]
    if marks:
        head = r"\noindent Marks, where an interval cannot be trusted:"
        tables.append("\n".join([head, r"\begin{description}", *marks, r"\end{description}"]))
    return "\n\n".join([_PREAMBLE.rstrip("\n"), *(tables or ["% no records"])]) + "\n"


def escaped(text: str) -> str:
    """Return text that LaTeX sets as it stands; characters that pdflatex cannot set are named by their number."""
    parts = _PHRASE.split(text)
    return "".join(_PHRASES.get(part) or "".join(map(_character, part)) for part in parts)


def numbers(text: str) -> str:
    """Return text of numbers with its minus signs and powers of ten set as mathematics, the rest escaped."""
    scaled = _SCALED.fullmatch(text)
    if scaled:
        value, power, unit, lower, upper = scaled.groups()
        return rf"${value}\,[{lower}, {upper}] \times 10^{{{power}}}${unit or ''}"
    parts, end = [], 0
    for match in _NUMBER.finditer(text):
        less, minus, digits, exponent = match.groups()
        plain = not (less or minus or exponent)
        power = rf"10^{{{exponent}}}" if exponent else ""
        mantissa = "" if power and digits == "1" else digits + (r" \times " if power else "")
        parts += [escaped(text[end : match.start()]), digits if plain else f"${less}{minus}{mantissa}{power}$"]
        end = match.end()
    return "".join([*parts, escaped(text[end:])])


def _character(character: str) -> str:
    if character in _ESCAPED:
        return _ESCAPED[character]
    if character.isspace():
        return " "
    if " " < character < "\x7f" or ("À" <= character <= "ÿ" and character not in "×÷ÐÞðþ"):
        return character
    return f"U+{ord(character):04X}"


def _table(problem: str, body: Sequence[Mapping[str, str]]) -> str:
    shown = columns[1:]
    layout = "".join("r" if column.numeric else "l" for column in shown)
    heading = " & ".join(_heading(column.heading) for column in shown) + r" \\"
    lines = [_line(row, shown) for row in body]
    caption = rf"\caption{{{escaped(problem)}}}"
    small = r"\scriptsize\setlength{\tabcolsep}{2.5pt}"
    if len(body) <= LONG:
        top = [r"\begin{table}[htbp]", r"\centering" + small, caption, rf"\begin{{tabular}}{{{layout}}}", r"\toprule"]
        end = [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
        return "\n".join([*top, heading, r"\midrule", *lines, *end])
    top = [rf"{{{small}", rf"\begin{{longtable}}{{{layout}}}", caption + r" \\", r"\toprule", heading, r"\midrule"]
    repeated = [r"\endfirsthead", r"\toprule", heading, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot"]
    return "\n".join([*top, *repeated, *lines, r"\end{longtable}", "}"])


def _heading(text: str) -> str:
    """Return a heading in two lines where it has a unit or a remark behind it."""
    first, space, rest = _REMARK.sub(r"\n\1", text, count=1).partition("\n")
    return rf"\shortstack[b]{{{escaped(first)}\\{escaped(rest)}}}" if space else escaped(text)


def _line(row: Mapping[str, str], shown: Sequence[Column]) -> str:
    """Return a row; a cell without numbers has its reason across their columns."""
    if any(row[column.key] for column in shown[3:-1]):
        cells = [numbers(row[column.key]) if column.numeric else escaped(row[column.key]) for column in shown]
    else:
        cells = [escaped(row[shown[0].key]), *(numbers(row[column.key]) for column in shown[1:3])]
        cells.append(rf"\multicolumn{{{len(shown) - 3}}}{{p{{12cm}}}}{{{escaped(row['note'])}}}")
    return " & ".join(cells) + r" \\"
