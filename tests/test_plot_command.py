"""varbench plot: the files it writes, and what it says when it cannot."""

import json
import re
import sqlite3

import numpy as np
import pytest
from click.testing import CliRunner

from varbench.bench import store as stores
from varbench.commands import plot as command
from varbench.estimators.errors import InputError

from .test_analysis import missing
from .test_figures import RECORDS


@pytest.fixture
def records():
    return [dict(record) for record in RECORDS]


@pytest.fixture
def db(tmp_path, monkeypatch, records):
    """A store's path; its records are those of the fixture above, whatever version stores have."""
    path = tmp_path / "toy.db"
    sqlite3.connect(path).close()

    class Fake:
        description = staticmethod(lambda: {"name": "toy"})
        records = staticmethod(lambda: json.loads(json.dumps(found)))
        cells = staticmethod(lambda: {str(i): (record, {}) for i, record in enumerate(json.loads(json.dumps(found)))})

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    found = records
    monkeypatch.setattr(stores.Store, "open", lambda *_, **__: Fake())
    monkeypatch.setattr(command, "_projections", lambda record, n: np.random.default_rng(0).normal(1, 1, n))
    return path


def run(*arguments):
    return CliRunner().invoke(command.plot, [str(a) for a in arguments])


def said(result):
    """The one line that the command line would print."""
    error = result.exception
    assert isinstance(error, InputError) or result.exit_code == 2, result.output
    return str(error) if isinstance(error, InputError) else result.output


@pytest.mark.parametrize("kind", command.KINDS)
def test_every_kind_writes_a_file_and_prints_its_path(db, tmp_path, kind):
    several = ("dimension", "heatmap", "plane")
    result = run(db, "--kind", kind, "-o", tmp_path / "out", "--problem", "toy" if kind in several else "toy[dim=1]")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert result.output.split() == [str(tmp_path / "out" / name) for name in names]
    expected = {
        "dimension": ["toy-by-dim-dimension.svg"],
        "heatmap": ["bernoulli-nodes-heatmap.svg"],
        "plane": ["toy-dim-1-plane.svg", "toy-dim-10-plane.svg"],
    }
    assert names == expected.get(kind, [f"toy-dim-1-{kind}.svg"])
    text = (tmp_path / "out" / names[0]).read_text()
    assert 'width="5.6in"' in text
    assert "<title" in text
    assert "<desc" in text


@pytest.mark.parametrize("kind", ["samples", "cost", "heatmap", "draws"])
def test_two_runs_write_the_same_bytes(db, tmp_path, kind):
    for folder in "ab":
        run(db, "--kind", kind, "-o", tmp_path / folder, "--problem", "toy[dim=1]")
    for one in (tmp_path / "a").iterdir():
        assert one.read_bytes() == (tmp_path / "b" / one.name).read_bytes()


@pytest.mark.parametrize(("form", "magic"), [("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_other_formats(db, tmp_path, form, magic):
    result = run(db, "--kind", "samples", "-o", tmp_path, "--format", form, "--problem", "toy[dim=1]")
    (path,) = result.output.split()
    assert path.endswith(f"toy-dim-1-samples.{form}")
    with open(path, "rb") as file:
        assert file.read(4) == magic


def test_paper_has_the_width_of_a_column(db, tmp_path):
    run(db, "--kind", "cost", "-o", tmp_path, "--style", "paper", "--problem", "*dim=10]")
    text = (tmp_path / "toy-dim-10-cost.svg").read_text()
    assert 'width="3.25in"' in text
    assert re.search(r'viewBox="0 0 234 ', text), "72 points an inch, so that letters have their size"
    assert "toy[dim=10]</text>" not in text, "no title"
    assert set(re.findall(r"font-size: ([\d.]+)px", text)) <= {"7", "8"}


def test_problems_are_chosen_by_pattern(db, tmp_path):
    assert len(run(db, "--kind", "plane", "-o", tmp_path, "--problem", "toy").output.split()) == 2
    assert len(run(db, "--kind", "plane", "-o", tmp_path, "--problem", "toy[dim=1]").output.split()) == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--kind", "plain"], "'plain' is not one of"),
        (["--kind", "plane", "--format", "jpg"], "'jpg' is not one of"),
        (["--kind", "plane", "--style", "poster"], "'poster' is not one of"),
        (["--kind", "plane", "--problem", "digits*"], "unknown problem 'digits*'"),
        (["--kind", "draws", "--draws", "2"], "not in the range"),
        (["--kind", "dimension", "--problem", "toy[dim=1]"], "differ in dim, latents or classes only"),
    ],
)
def test_bad_input_is_one_line(db, tmp_path, arguments, expected):
    text = said(run(db, *arguments, "-o", tmp_path / "out"))
    assert expected in text
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_named(db, tmp_path):
    (tmp_path / "file").write_text("")
    assert "name a folder that you may write to" in said(run(db, "--kind", "plane", "-o", tmp_path / "file" / "x"))
    assert "name a folder that you may write to" in said(run(db, "--kind", "plane", "-o", tmp_path / "file"))


@pytest.mark.parametrize("kind", command.KINDS)
def test_nothing_to_draw_says_which_cells_are_needed(db, tmp_path, records, kind):
    records[:] = [missing()]
    text = said(run(db, "--kind", kind, "-o", tmp_path / "out"))
    assert f"nothing to draw for --kind {kind}: it needs " in text
    records.clear()
    assert "holds no records yet" in said(run(db, "--kind", kind, "-o", tmp_path / "out"))


def test_a_missing_store_is_said(tmp_path):
    assert "there is no file" in said(run(tmp_path / "no.db", "--kind", "plane", "-o", tmp_path))


def test_the_command_knows_the_kinds_of_the_figures():
    from varbench.analysis import kinds, style

    assert tuple(kinds.KINDS) == command.KINDS
    assert kinds.FORMATS == command.FORMATS
    assert tuple(style.FORMS) == command.STYLES
    assert stores.Store
