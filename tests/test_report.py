"""The report: complete, self-contained, well formed, and the same bytes for the same records."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from varbench.analysis.report import write
from varbench.bench.records import COLUMNS

from .test_analysis import cell, missing

STUDY = {
    "name": "small",
    "title": "A small study",
    "question": "Which <one> is best?",
    "draws": 1000,
    "seed": 0,
    "grids": [{"problems": ["toy[dim=2]"], "estimators": ["a", "b"], "temperatures": [0.5, 1.0], "num_samples": []}],
}
VOID = {"meta", "link", "br", "wbr", "img", "hr", "input"}


def records():
    found = [cell("reinmax", t, variance=4 / t, bias_sq=t, bias=(t / 2, 2 * t)) for t in (0.1, 0.5, 1.0, 5.0)]
    found += [cell("rloo"), cell("disarm", variance=0.0, marks=["zero_variance"]), cell("enumerate", variance=0.0)]
    found += [cell("mine<script>", 0.5, gradient_mean=[1.0] * 17)]
    found += [missing(estimator="reparameterization", reason="is defined on 'normal' nodes, not <bernoulli>")]
    found += [missing("failed", "7 of 1000 draws are not finite", estimator="reinforce", problem="other[k=1]")]
    found += [cell("rloo", problem="other[k=1]"), cell("rloo", problem="Other[k=1]")]
    return found


class Page(HTMLParser):
    """Collects what tests look at, and notes tags that do not close."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.problems, self.text, self.counts = [], [], [], [], [], {}

    def handle_starttag(self, tag, attrs):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        self.note(attrs)

    def handle_startendtag(self, tag, attrs):
        self.note(attrs)

    def note(self, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "srcset", "data", "action"):
                self.links.append(value)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(tag)

    def handle_data(self, data):
        self.text.append(data)


def parsed(path):
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return write(records(), STUDY, folder, "varbench report small.db -o out")


def test_the_same_records_give_the_same_bytes(written, tmp_path):
    again = write(records(), STUDY, tmp_path / "new" / "folder", "varbench report small.db -o out")
    names = sorted(str(p.relative_to(written.parent)) for p in written.parent.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(again.parent)) for p in again.parent.rglob("*") if p.is_file())
    assert {"index.html", "records.csv"} < set(names)
    for name in names:
        assert (written.parent / name).read_bytes() == (again.parent / name).read_bytes(), name


def test_the_page_is_well_formed_and_small(written):
    page = parsed(written)
    assert page.problems == []
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert written.stat().st_size < 2_000_000


def test_the_page_loads_nothing(written):
    text = written.read_text(encoding="utf-8")
    for link in parsed(written).links:
        assert link.startswith("#") or link == "data:,", link
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []
    assert "http" not in text


def test_every_figure_has_a_name_and_a_text_alternative(written):
    text = written.read_text(encoding="utf-8")
    heads = re.findall(r"<svg [^>]*>", text)
    assert len(heads) == 10, "three figures for each of three problems, and the heat map"
    ids = set(parsed(written).ids)
    for head in heads:
        assert 'role="img"' in head
        assert set(re.search(r'aria-labelledby="([^"]+)"', head)[1].split()) <= ids
    for used in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text):
        assert (used[0] or used[1]) in ids


def test_sections_come_in_order_and_every_link_of_the_contents_leads_somewhere(written):
    page = parsed(written)
    wanted = ["asked", "answer", "figures", "tables", "missing", "marks", "reproduce", "environment"]
    assert [name for name in page.ids if name in wanted] == wanted
    assert {f"#{name}" for name in wanted} <= set(page.links)


def test_everything_that_went_wrong_is_told_and_escaped(written):
    said = " ".join(parsed(written).text)
    for record in records():
        if record["status"] != "ok":
            assert record["reason"] in said
    assert "Which <one> is best?" in said
    assert "mine<script>" in said
    assert "varbench report small.db -o out" in said
    assert parsed(written).counts["script"] == 1


def test_ticks_keep_their_digits(written):
    """Coordinates are rounded to two decimals, text never."""
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", written.read_text(encoding="utf-8"))
    assert "0.00" not in texts
    assert "0.1" in texts


def test_figures_are_files_that_parse(written):
    files = sorted((written.parent / "figures").glob("*.svg"))
    assert len(files) == 10, "names that differ in case only do not overwrite each other"
    for file in files:
        assert ET.parse(file).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        assert "<dc:date>" not in file.read_text(encoding="utf-8")


def test_the_csv_leaves_long_vectors_out_and_the_page_says_so(written):
    lines = (written.parent / "records.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) == 1 + len(records())
    assert ", ".join(["1.0"] * 17) not in "".join(lines)
    assert "more than 16 entries are left out" in " ".join(parsed(written).text)


@pytest.mark.parametrize(
    "some",
    [
        [],
        [cell()],
        [missing("failed", "boom")],
        [cell() | dict.fromkeys(("bias_sq", "mse", "unbiased_p", "gradient_norm", "gradient_exact"))],
        [cell("reinmax", 0.5)],
        [cell(variance=0.0, bias=(0.0, 0.0), marks=["zero_variance"])],
    ],
)
def test_little_is_enough_for_a_page(some, tmp_path):
    page = parsed(write(some, {}, tmp_path, "varbench report"))
    assert page.problems == []
    assert page.open == []


def sized(dim, temperatures=(0.5, 1.0)):
    return [cell("reinmax", t, problem=f"toy[dim={dim}]", variance=4.0 * dim) for t in temperatures]


def test_points_of_a_sweep_are_told_and_drawn_as_the_sweep(tmp_path):
    """Two temperatures are no curve: no figures and no words of its own for any of the sizes, but tables for all."""
    text = write([*sized(1), *sized(10), cell("rloo", problem="other[k=1]")], {}, tmp_path, "x").read_text()
    figures = sorted(path.stem for path in (tmp_path / "figures").iterdir())
    assert figures == ["other-k-1-cost", "other-k-1-plane", "other-k-1-temperature", "toy-by-dim-dimension"]
    assert "who leads at each size" in text
    assert 'id="other-k-1-words"' in text
    assert 'id="toy-dim-1-words"' not in text
    assert text.count('<table class="data digits" data-problem=') == 3


def test_a_point_with_enough_temperatures_stands_for_itself_too(tmp_path):
    text = write([*sized(1, (0.5, 1.0, 2.0)), *sized(10)], {}, tmp_path, "x").read_text()
    assert 'id="toy-dim-1-words"' in text
    assert 'id="toy-dim-10-words"' not in text
    assert (tmp_path / "figures" / "toy-dim-1-temperature.svg").exists()


def test_draws_are_drawn_where_they_are_to_be_had(tmp_path):
    some = [cell("rloo"), cell("rloo", problem="mine")]
    draws = np.random.default_rng(0).normal(1, 1, 200)
    write(some, {}, tmp_path, "x", lambda record: None if record["problem"] == "mine" else draws)
    assert [path.stem for path in (tmp_path / "figures").glob("*draws.svg")] == ["toy-dim-2-draws"]


def test_figures_are_left_out_as_files_on_demand(tmp_path):
    text = write([cell("rloo")], {}, tmp_path, "x", files=False).read_text()
    assert not (tmp_path / "figures").exists()
    assert "<svg" in text
    assert "<code>figures/</code>" not in text


def test_samples_are_ranked_at_the_least_and_told_apart(tmp_path):
    """At S = 64 a draw costs 64 times as much: it may not win the ranking of one draw."""
    some = [cell("rloo", num_samples=2, variance=8.0), cell("rloo", num_samples=64, variance=0.1), cell("disarm")]
    text = write(some, {}, tmp_path, "x").read_text()
    assert "<code>disarm</code> has the least mse of one draw" in text
    assert "falls faster than 1/S for <code>rloo</code> (80 times less)" in text
