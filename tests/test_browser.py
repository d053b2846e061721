"""Every committed report, and small pages of this test's own, in a real browser that has no network.

Each check is also held against a page that is deliberately wrong, which it must catch.
"""

import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from varbench.analysis import rendering

from .browser import Browser, Tab, installed

REPORTS = Path(__file__).parent.parent / "reports"
PAGES = [REPORTS / "index.html", *sorted(REPORTS.glob("*/index.html"))]
STUDIES = [page for page in PAGES if page.with_name("records.csv").exists()]
DATA = Path(__file__).parent / "data"
LOOKS = (DATA / "browser_looks.js").read_text(encoding="utf-8")
SMALL = (DATA / "browser_page.html").read_text(encoding="utf-8")
REQUIRED = os.environ.get("VARBENCH_BROWSER") == "required"
A4 = (595, 842)  # points
INSIDE = round((210 - 2 * 14) / 25.4 * 96)  # pixels between its margins
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "MiB": 2.0**20, "GiB": 2.0**30}

pytestmark = [
    pytest.mark.xdist_group("browser"),  # one browser, whatever the number of processes
    pytest.mark.skipif(
        installed() is None and not REQUIRED, reason="needs Chromium: apt-get install chromium (Debian, Ubuntu)"
    ),
]

VALUES = {  # name: value, place in ascending order
    "a": ("12 us", 4), "b": ("1.2 [1.1, 1.3]", 6), "c": ("-0.003", 1), "d": ("", 10), "e": ("1,300 times", 9),
    "f": ("9 [8, 10]", 7), "g": ("3.0e-7 [1e-8, 2e-2]", 3), "h": ("-1e-9", 2), "i": ("2 ms", 5), "j": ("9 + 1", 8),
    "k": ("no difference is shown", 11),
}  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    path = installed()
    assert path is not None, "VARBENCH_BROWSER=required, and there is no Chromium: apt-get install chromium"
    running = Browser(path, tmp_path_factory.mktemp("browser"))
    yield running
    running.close()


@pytest.fixture
def tab(browser):
    opened = Tab(browser)
    yield opened
    opened.close()


def small(folder, more="", script=lambda text: text):
    """Write a page of eleven rows with the house's style and script, or with a script that is wrong."""
    css, own = rendering.asset("report.css"), "\n".join(map(rendering.asset, rendering.SCRIPTS))
    cells = "".join(f"<tr><td>{n}</td><td>{value}</td><td>{at}</td></tr>" for n, (value, at) in VALUES.items())
    path = folder / "small.html"
    path.write_text(SMALL.format(css=css, script=script(own), rows=cells, more=more), encoding="utf-8")
    return path


def look(tab, what, argument=""):
    return tab.run(f"(() => {{ {LOOKS} return looks.{what}({argument!r}); }})()")


def number(text):
    """What a cell counts as, told apart from the page's own script; None comes last."""
    found = re.match(r"[<~]?(-?\d[\d.,]*(?:e-?\d+)?)(?: \+ (\d+))?(?: ?([a-zA-Z]+))?", text.replace("−", "-"))
    if not found:
        return None
    return (float(re.sub(r",(?=\d{3})", "", found[1]).rstrip(",")) + float(found[2] or 0)) * UNITS.get(found[3], 1)


def out_of_order(column):
    """Return what is wrong with a sorted column, '' if nothing is."""
    for sign, word, done in zip((1, -1), ("ascending", "descending"), column["rounds"], strict=True):
        aria = [word if at == column["column"] else None for at in range(len(done["sorts"]))]
        if done["sorts"] != aria:
            return f"{column['name']}: aria-sort is {done['sorts']}"
        keys = [number(text) for text in done["texts"]] if column["numeric"] else [t or None for t in done["texts"]]
        known = [key for key in keys if key is not None]
        if keys[: len(known)] != known:
            return f"{column['name']}: {keys}: what has no value does not come last"
        if column["numeric"] and [sign * key for key in known] != sorted(sign * key for key in known):
            return f"{column['name']}: {known} is not {word}"
    up, down = ([text for text in done["texts"] if text] for done in column["rounds"])
    return "" if column["numeric"] or list(dict.fromkeys(up)) == list(dict.fromkeys(down))[::-1] else column["name"]


IDS = [str(page.relative_to(REPORTS)) for page in PAGES]
every_page = pytest.mark.parametrize("page", PAGES, ids=IDS)
every_report = pytest.mark.parametrize("page", PAGES[1:], ids=IDS[1:])  # not the gallery


@every_page
def test_it_asks_nothing_of_the_network_and_complains_of_nothing(tab, page):
    tab.open(page)
    look(tab, "columns")
    look(tab, "filter", "rein 1")
    assert tab.complaints() == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('<img src="https://example.org/x.png" alt="">', "request: https://example.org/x.png"),
        ('<link rel="stylesheet" href="x.css">', "/x.css"),
        ("<script>fetch('http://example.org/').catch(() => 0)</script>", "request: http://example.org/"),
        ("<script>console.error('wrong')</script>", "console.error: wrong"),
        ("<script>nowhere.at.all()</script>", "exception: "),
    ],
)
def test_a_page_that_asks_or_complains_is_caught(tab, tmp_path, more, said):
    tab.open(small(tmp_path, more))
    assert any(said in complaint for complaint in tab.complaints())


@every_report
def test_tables_sort_by_value_in_both_directions(tab, page):
    tab.open(page)
    columns = look(tab, "columns")
    assert [wrong for column in columns if (wrong := out_of_order(column))] == []
    assert any(column["numeric"] for column in columns)


def test_what_looks_like_a_number_sorts_as_one(tab, tmp_path):
    tab.open(small(tmp_path))
    name, value, place = look(tab, "columns")
    assert [out_of_order(column) for column in (name, value, place)] == ["", "", ""]
    tab.run("document.querySelectorAll('th button')[1].click()")
    places = "[...document.querySelectorAll('table.data tbody tr')].map(row => Number(row.cells[2].textContent))"
    assert tab.run(places)[:9] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert set(tab.run(places)[9:]) == {10, 11}
    tab.run("document.querySelectorAll('th button')[1].click()")
    assert tab.run(places)[:9] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert set(tab.run(places)[9:]) == {10, 11}


def test_a_table_sorted_as_text_or_once_only_is_caught(tab, tmp_path):
    tab.open(small(tmp_path, script=lambda text: text.replace('head.matches(".number, .sized")', "false")))
    assert "is not ascending" in out_of_order(look(tab, "columns")[1])
    tab.open(small(tmp_path, script=lambda text: text.replace("if (a === null || b === null)", "if (false)")))
    assert "does not come last" in out_of_order(look(tab, "columns")[1])
    tab.open(small(tmp_path, script=lambda text: text.replace("down ? -1 : 1", "1")))
    assert "not descending" in out_of_order(look(tab, "columns")[1])
    tab.open(small(tmp_path, script=lambda text: text.replace('down ? "descending"', 'down ? "ascending"')))
    assert "aria-sort" in out_of_order(look(tab, "columns")[1])


def test_equal_rows_keep_their_order(tab, tmp_path):
    tab.open(small(tmp_path))
    tab.run("document.querySelectorAll('table.data tbody tr').forEach(row => { row.cells[1].textContent = '1'; })")
    names = "[...document.querySelectorAll('table.data tbody tr')].map(row => row.cells[0].textContent).join('')"
    before = tab.run(names)
    for _ in range(2):
        tab.run("document.querySelectorAll('th button')[1].click()")
        assert tab.run(names) == before


def test_the_keyboard_sorts_and_filters(tab, tmp_path):
    tab.open(small(tmp_path))
    tab.press("Tab")
    assert tab.run("document.activeElement.labels[0].textContent.trim()") == "Filter the rows:"
    tab.call("Input.insertText", text="TIMES e")
    assert tab.run("document.querySelector('output').textContent") == "1 of 11 rows"
    tab.press("Tab")
    tab.press("Tab")
    for key, text, word in (("Enter", "\r", "ascending"), (" ", " ", "descending")):
        tab.press(key, text)
        assert tab.run("document.activeElement.closest('th').getAttribute('aria-sort')") == word
        assert tab.run("document.activeElement.textContent") == "value"


@every_report
def test_words_filter_all_tables_and_the_count_is_true(tab, page):
    tab.open(page)
    region = "[data-filter]:has(> .filter)"
    what = tab.run(f"document.querySelector('{region}').dataset.filter")
    every = look(tab, "rows", region)
    assert len(every) > 8
    opened = tab.run(f"[...document.querySelectorAll('{region} details')].map(fold => fold.open)")
    tab.run(f"document.querySelector('{region} input').focus()")
    word = every[-1]["text"].split()[-3].partition("[")[0][:12]
    for words in (f"Rein {word}", "nothing has this"):
        tab.run("document.activeElement.select()")
        tab.call("Input.insertText", text=words)
        wanted = [all(word in row["text"].lower() for word in words.lower().split()) for row in every]
        assert [row["seen"] for row in look(tab, "rows", region)] == wanted
        said = tab.run(f"document.querySelector('{region} output').textContent")
        assert said == f"{sum(wanted)} of {len(every)} {what}"
    look(tab, "filter", "")
    assert tab.run(f"document.querySelector('{region} output').textContent") == f"{len(every)} {what}"
    assert tab.run(f"[...document.querySelectorAll('{region} details')].map(fold => fold.open)") == opened
    assert tab.run(f"document.querySelectorAll('{region} .out').length") == 0


def saved(tab):
    """Press the first figure's button and return the path of the file."""
    tab.run("document.querySelector('button.save').focus()")
    tab.press("Enter", "\r")
    return tab.downloaded()


@every_page
def test_figures_have_text_alternatives_and_save_as_files(tab, page):
    tab.open(page)
    figures = look(tab, "figures")
    assert figures
    for figure in figures:
        assert figure["role"] == "img"
        (title, name), (desc, said) = figure["labels"]
        assert (title, desc) == ("title", "desc")
        assert name
        assert said
    if page == PAGES[0]:
        return  # previews are saved where they are shown in full
    as_svg = "[...document.querySelectorAll('button.save')].filter(one => one.textContent === 'Save as SVG').length"
    assert tab.run(as_svg) == len(figures)
    assert tab.run("document.querySelector('button.save').getAttribute('aria-label')").startswith("Save as SVG: ")
    file = saved(tab)
    assert ET.parse(file).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    beside = page.with_name("figures") / file.name
    assert beside.exists() or page.parent.name != "quick", "the README shows them"
    if page in STUDIES and beside.exists():
        assert ET.canonicalize(file.read_text("utf-8")) == ET.canonicalize(beside.read_text("utf-8"))
    assert tab.complaints() == []


def test_a_figure_without_words_and_a_file_without_namespace_are_caught(tab, tmp_path):
    tab.open(small(tmp_path, "<svg><path d='M 0 0'/></svg>"))
    assert {"role": None, "labels": [[None, None]]} in look(tab, "figures")
    assert ET.parse(saved(tab)).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    tab.open(
        small(
            tmp_path,
            script=lambda text: text.replace("new XMLSerializer().serializeToString(cleaned(svg))", "svg.outerHTML"),
        )
    )
    assert ET.parse(saved(tab)).getroot().tag == "svg"


@every_page
def test_text_is_readable_in_light_and_dark(tab, page):
    paper = {}
    for scheme in ("light", "dark"):
        tab.open(page, scheme=scheme)
        found = look(tab, "contrasts")
        assert {"h1", "muted", "p"} <= set(found["worst"])
        assert {kind: round(ratio, 2) for kind, ratio in found["worst"].items() if ratio < 4.5} == {}
        paper[scheme] = found["paper"]
    assert paper["light"] > 0.8
    assert paper["dark"] < 0.05


def test_pale_text_is_caught(tab, tmp_path):
    tab.open(small(tmp_path, '<p class="muted" style="color:#888">pale</p>'))
    assert look(tab, "contrasts")["worst"]["muted"] < 4.5


@every_page
def test_a_phone_scrolls_down_only(tab, page):
    tab.open(page, width=390)
    tab.run("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    assert look(tab, "cut") == {"names": [], "over": 0}


@every_page
def test_it_prints_on_a4_with_nothing_cut_and_nothing_folded(tab, page):
    tab.open(page, width=INSIDE, medium="print")
    look(tab, "filter", "no row has this")
    tab.run("dispatchEvent(new Event('beforeprint'))")
    assert look(tab, "cut") == {"names": [], "over": 0}
    assert look(tab, "controls") == 0
    assert look(tab, "hidden") == 0
    tab.run("dispatchEvent(new Event('afterprint'))")
    look(tab, "folds")
    sizes = tab.printed()
    assert len(sizes) > 0
    assert set(sizes) == {A4}
    assert tab.run("folds") == 0


def test_what_does_not_fit_a_page_is_caught(tab, tmp_path):
    tab.open(
        small(tmp_path, '<p style="width:900px">wide</p>', lambda text: text.replace("beforeprint", "never")), INSIDE
    )
    assert look(tab, "cut")["over"] > 0
    assert look(tab, "cut")["names"] == ["p.: wide"]
    assert look(tab, "controls") > 0
    look(tab, "folds")
    tab.printed()
    assert tab.run("folds") == 1


@every_page
def test_without_script_there_is_no_button_and_no_field(tab, page):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(page)
    assert tab.run("document.querySelectorAll('button, input').length") == 0
    assert tab.run("document.querySelectorAll('h1').length") == 1
