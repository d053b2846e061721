"""Records on a terminal: one in lines, many in tables."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..bench.records import label, literal
from .frame import Frame, Record, temperature_of
from .numbers import p_value, seconds, short, with_interval
from .statistics import estimate
from .tables import columns, legend, rows

_WIDEST = 160  # of a table that goes to a file
_LEFT_OUT = ("problem", "unbiased_p", "cosine", "snr")  # for want of room; markdown and csv have them


def as_text(record: Record) -> str:
    """Return one record in lines: what was measured, its numbers with 95 % intervals, its marks."""
    temperature = temperature_of(record)
    what = label(record) + ("" if temperature is None else f" at temperature {literal(temperature)}")
    lines = [f"{what} on {record['problem']}"]
    lines.append(
        f"{record['num_draws']:,} draws of {record['num_samples']} sample(s), seed {record['seed']}, {record['dtype']}"
    )
    if record["status"] != "ok":
        return "\n".join([*lines, f"{record['status'].replace('_', ' ')}: {record['reason']}"])
    numbers = [
        ("bias_sq", with_interval(estimate(record, "bias_sq"))),
        ("target_bias_sq", with_interval(estimate(record, "target_bias_sq"))),
        ("variance", with_interval(estimate(record, "variance"))),
        ("mse", with_interval(estimate(record, "mse"))),
        ("unbiased_p", p_value(record["unbiased_p"])),
        ("|gradient|", _gradient(record)),
        ("snr", short(record["snr"])),
        ("cosine", short(record["cosine"], 5)),
        ("time a draw", seconds(estimate(record, "seconds_per_draw"))),
        ("of it the cost", "" if record["cost_seconds_per_draw"] is None else _share(record)),
        ("evaluations", f"{short(record['cost_values_per_draw'])} of f, {short(record['cost_slopes_per_draw'])} of f'"),
    ]
    lines += [f"  {name:14} {text}" for name, text in numbers if text]
    lines += [f"  mark {symbol}: {meaning}" for symbol, meaning in legend([record])]
    if record["reason"]:
        known = record["exact_method"] is not None  # then the reason is that of something else, and names it
        lines.append(f"  {'' if known else 'no exact gradient: '}{record['reason']}")
    return "\n".join(lines)


def as_table(records: Sequence[Record], colour: bool) -> str:
    """Return a table a problem, and under them what the marks mean.

    Args:
        records: to show, in this order.
        colour: whether the text goes to a terminal, whose width it then takes.
    """
    buffer = io.StringIO()
    width = Console().width if colour else _WIDEST
    console = Console(file=buffer, width=max(width, 100), force_terminal=colour and Console().is_terminal)
    for (problem,), cells in Frame.of(records).group_by("problem").items():
        shown = [c for c in columns if c.key not in _LEFT_OUT and any(row[c.key] for row in rows(cells))]
        table = Table(title=Text(str(problem)), title_justify="left", box=SIMPLE_HEAD)
        for column in shown:
            table.add_column(
                column.heading, justify="right" if column.numeric else "left", no_wrap=column.key == "estimator"
            )
        for row in rows(cells):
            table.add_row(*(Text(row[column.key]) for column in shown))
        console.print(table)
    for symbol, meaning in legend(records):
        console.print(Text(f"{symbol}  {meaning}"))
    return buffer.getvalue()


def _gradient(record: Record) -> str:
    if record["gradient_norm"] is None:
        return ""
    method = record["exact_method"] if "[" in record["exact_method"] else record["exact_method"].replace("_", " ")
    return f"{short(record['gradient_norm'], 6)}, by {method}"


def _share(record: Record) -> str:
    return f"{100 * min(1.0, record['cost_seconds_per_draw'] / record['seconds_per_draw']):.0f} %"
