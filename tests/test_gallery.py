"""The gallery: every committed report is in it, and its pages are those that the reports' own pages make."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from varbench.analysis import gallery
from varbench.analysis.report import write

from .test_report import STUDY, parsed, records

REPORTS = Path(__file__).parent.parent / "reports"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two studies, one of them without records beside its page."""
    path = tmp_path_factory.mktemp("gallery")
    write(records(), STUDY, path / "second", "varbench run small && varbench report small.db -o out")
    write(records(), STUDY | {"question": "A | B?"}, path / "first", "make report")
    (path / "first" / "records.csv").unlink()
    (path / "figures").mkdir()  # no report
    return path


def test_committed_pages_are_in_step_with_the_reports():
    found = gallery.entries(REPORTS)
    assert (REPORTS / "index.html").read_text(encoding="utf-8") == gallery.page(found), "run 'make gallery'"
    assert (REPORTS / "README.md").read_text(encoding="utf-8") == gallery.readme(found), "run 'make gallery'"


def test_every_folder_is_linked_and_every_link_is_a_file():
    folders = {f"{path.name}/index.html" for path in REPORTS.iterdir() if path.is_dir()}
    links = {link for link in parsed(REPORTS / "index.html").links if not link.startswith(("#", "data:"))}
    listed = set(re.findall(r"\]\(([^)]+)\)", (REPORTS / "README.md").read_text(encoding="utf-8")))
    assert links == folders
    assert listed == folders | {"index.html"}
    assert all((REPORTS / link).is_file() for link in links)
    assert (REPORTS / "index.html").stat().st_size < 200_000


def test_a_card_says_what_its_page_says(folder):
    second, first = gallery.entries(folder)
    assert (second.folder, second.title, second.size) == ("second", "A small study", f"{len(records())} cells")
    assert second.description == "Which <one> is best?"
    assert second.command == "varbench run small && varbench report small.db -o out"
    assert first.folder == "first", "what has no records comes last"
    assert r"A \| B?" in gallery.readme([first])


def test_the_page_is_well_formed_and_its_figures_keep_their_names_apart(folder):
    path = gallery.write(folder)
    page = parsed(path)
    assert page.problems == []
    assert page.open == []
    assert page.counts["svg"] == 2
    assert len(page.ids) == len(set(page.ids))
    text = path.read_text(encoding="utf-8")
    used = re.findall(r'(?:href="#|url\(#)([^")]+)', text) + " ".join(re.findall(r'labelledby="([^"]+)', text)).split()
    assert set(used) <= set(page.ids)
    for figure in re.findall(r"<svg .*?</svg>", text, re.DOTALL):
        ET.fromstring(figure)
    assert path.read_bytes() == gallery.write(folder).read_bytes()


def test_what_has_no_report_says_what_to_do(tmp_path, capsys):
    assert gallery.main([str(tmp_path)]) == 2
    assert "make report" in capsys.readouterr().err
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "index.html").write_text("<title>old</title>")
    assert gallery.main([str(tmp_path)]) == 2
    assert "write it again" in capsys.readouterr().err
