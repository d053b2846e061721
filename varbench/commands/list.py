"""varbench list: what there is to measure."""

from dataclasses import asdict
from typing import Any

import click

from ..bench.catalogue import CATALOGUE as PROBLEMS
from ..bench.records import dumps
from ..bench.specs import full_name
from ..bench.study import read_study, shipped
from ..estimators.catalogue import CATALOGUE as ESTIMATORS


@click.command("list")
@click.argument("what", type=click.Choice(["problems", "estimators", "studies"]))
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects with all that is known of each.")
@click.option("--markdown", is_flag=True, help="Print a markdown table.")
def list_(what: str, as_json: bool, markdown: bool) -> None:
    """List problems, estimators or studies."""
    facts: list[dict[str, Any]]
    if what == "problems":
        facts = [asdict(one) for one in PROBLEMS.values()]
        lines = [(full_name(one.name, one.parameters), one.family, one.summary) for one in PROBLEMS.values()]
    elif what == "estimators":
        facts = [asdict(one) for one in ESTIMATORS.values()]
        lines = [(one.name, " ".join(one.families), one.summary) for one in ESTIMATORS.values()]
    else:
        studies = [read_study(name) for name in shipped()]
        facts = [{**one.description(), "cells": len(one.cells())} for one in studies]
        lines = [(one.name, f"{len(one.cells())} cells", one.title) for one in studies]
    if as_json:
        click.echo(dumps(facts))
        return
    if markdown:
        sources = [fact.get("source", fact.get("question", "")) for fact in facts]
        click.echo(_markdown(what, lines, sources))
        return
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    for name, kind, summary in lines:
        click.echo(f"{name:{widths[0]}}  {kind:{widths[1]}}  {summary}")


def _markdown(what: str, lines: list[tuple[str, str, str]], sources: list[str]) -> str:
    kind = {"problems": "node", "estimators": "nodes", "studies": "size"}[what]
    rows = [f"| {what} | {kind} | what it is | source |", "| --- | --- | --- | --- |"]
    for (name, where, summary), source in zip(lines, sources, strict=True):
        cells = (f"`{name}`", where, summary, source)
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows)
