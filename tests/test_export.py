"""show and export: latex that compiles, parquet that reads back, JSON and nothing else."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from varbench.analysis import tables
from varbench.analysis.latex import FLOATS, LONG, as_latex, escaped, numbers
from varbench.analysis.parquet import as_parquet
from varbench.bench.records import COLUMNS
from varbench.bench.store import Store
from varbench.command_line import ended

CaptureFixture = pytest.CaptureFixture[str]
UGLY = "p_1 & 50 % of #3 {x} ~ ^ \\ $ |∇|² τ <é> 中"


@pytest.fixture
def records(tiny: Path) -> list[dict[str, Any]]:
    with Store.open(tiny) as store:
        return store.records()


def many(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """More problems than LaTeX lets wait, a long one, and one with an ugly name."""
    few = [{**r, "problem": f"p{n}[dim={n}]"} for n in range(2 * FLOATS + 3) for r in records[:2]]
    long = [{**records[0], "problem": "long", "num_samples": n + 1} for n in range(LONG + 1)]
    return [*few, *long, *({**r, "problem": UGLY} for r in records)]


def test_latex_has_a_table_a_problem_with_the_columns_of_markdown(records: list[dict[str, Any]]) -> None:
    text = as_latex(records)
    assert text.startswith("% ")
    assert r"\usepackage{booktabs,longtable}" in text.split("\n\n")[0]
    assert text.count(r"\begin{tabular}") == len({record["problem"] for record in records}) == 2
    width = len(tables.columns) - 1
    for table in re.findall(r"(?s)\\midrule\n(.*?)\\bottomrule", text):
        for line in table.strip().splitlines():
            spans = [int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line)]
            assert len(re.findall(r"(?<!\\)&", line)) + 1 + sum(spans) == width
            assert line.endswith(r" \\")
    body = text.split(r"\midrule")[1]
    assert len(body.split(r"\bottomrule")[0].strip().splitlines()) == sum("bern" in r["problem"] for r in records)
    assert "reinmax & 0.5 & 1 &" in text
    assert r"$\tau$" in text
    assert "bias$^2$" in text


def test_latex_breaks_long_tables_and_lets_floats_out(records: list[dict[str, Any]]) -> None:
    text = as_latex(many(records))
    assert text.count(r"\begin{longtable}") == 1
    assert text.count(r"\clearpage") == 2
    assert as_latex([]).endswith("% no records\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.25", "0.25"),
        ("-0.25", "$-0.25$"),
        ("<1e-4", "$<10^{-4}$"),
        ("1.2e-5", r"$1.2 \times 10^{-5}$"),
        ("1.20e-5 [1.10e-5, 1.30e-5]", r"$1.20\,[1.10, 1.30] \times 10^{-5}$"),
        ("-1.4e-6 [0, 1.10e-5]", r"$-1.4 \times 10^{-6}$ {[}0, $1.10 \times 10^{-5}${]}"),
        ("106 ns [103, 128]", "106 ns {[}103, 128{]}"),
        ("65536 + 0", "65536 + 0"),
        ("", ""),
    ],
)
def test_numbers_are_set_as_mathematics(text: str, expected: str) -> None:
    assert numbers(text) == expected


def test_nothing_special_is_left_unescaped() -> None:
    assert escaped("|∇|² of |∇| in τ²") == r"$|\nabla|^2$ of $|\nabla|$ in $\tau$$^2$"
    plain = escaped(UGLY)
    assert r"p\_1 \& 50 \% of \#3 \{x\}" in plain
    assert "U+4E2D" in plain
    assert plain.isascii() or plain.replace("é", "").isascii()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
def test_latex_compiles(records: list[dict[str, Any]], tmp_path: Path) -> None:
    text = as_latex(many(records))
    packages = re.findall(r"%\s+(\\usepackage.*?\})(?=\s|$)", text)
    assert len(packages) == 2
    (tmp_path / "tables.tex").write_text(text)
    head = "\n".join([r"\documentclass{article}", *packages, r"\begin{document}", r"\input{tables}", r"\end{document}"])
    (tmp_path / "paper.tex").write_text(head)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def test_parquet_reads_back_equal_with_types(tiny: Path, records: list[dict[str, Any]], tmp_path: Path) -> None:
    out = tmp_path / "tiny.parquet"
    assert ended(["export", str(tiny), "--format", "parquet", "-o", str(out)]) == 0
    table = parquet.read_table(out)
    assert tuple(table.column_names) == COLUMNS
    types = {name: str(table.schema.field(name).type) for name in COLUMNS}
    assert types["variance"] == types["seconds_per_draw"] == "double"
    assert types["num_draws"] == types["peak_bytes"] == types["schema"] == "int64"
    assert types["gradient_exact"] in ("list<element: double>", "list<item: double>")
    assert types["marks"].endswith("string>")
    assert types["config"] == types["versions"] == types["problem"] == "string"
    assert not table.schema.field("num_draws").nullable
    for row, record in zip(table.to_pylist(), records, strict=True):
        plain = {**row, "config": json.loads(row["config"]), "versions": json.loads(row["versions"])}
        assert plain == record


def test_parquet_and_csv_have_the_same_columns(records: list[dict[str, Any]]) -> None:
    head = next(csv.reader(io.StringIO(tables.as_csv(records))))
    assert parquet.read_table(io.BytesIO(as_parquet(records))).column_names == head
    assert parquet.read_table(io.BytesIO(as_parquet([]))).num_rows == 0


def test_parquet_needs_a_file_and_pyarrow(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture
) -> None:
    words = ["export", str(tiny), "--format", "parquet"]
    assert ended(words) == 2
    assert "-o FILE.parquet" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert ended([*words, "-o", str(tmp_path / "x.parquet")]) == 2
    assert capsys.readouterr().err == "varbench: --format parquet needs pyarrow: pip install 'varbench[parquet]'\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["show", "{tiny}", "--json"], set(COLUMNS)),
        (["show", "{tiny}", "--format", "json", "--filter", "estimator=rloo"], set(COLUMNS)),
        (["plan", "quick", "--json"], {"study", "store", "cells", "done", "left", "seconds", "problems"}),
        (["doctor", "--json"], {"python", "packages", "optional", "commit", "dirty", "processor", "missing", "gpu"}),
        (["compare", "{tiny}", "{tiny}", "--json"], {"schema", "comparisons", "num_matched"}),
        (["report", "{tiny}", "-o", "page", "--json"], {"study", "page", "records"}),
        (["validate", "{tiny}", "--json"], {"valid", "cells", "missing", "problems", "remeasured"}),
        (["list", "estimators", "--json"], {"name", "families"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_json_is_strict_and_alone_on_stdout(
    words: list[str],
    keys: set[str],
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ended([word.format(tiny=tiny) for word in words]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda c: pytest.fail(f"{c} in JSON"))
    first = found[0] if isinstance(found, list) else found
    assert keys <= first.keys()
