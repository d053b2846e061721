"""Figures in a real browser: hover, arrow keys, the temperature slider, data as CSV; also on pages that are wrong."""

import csv
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from varbench.analysis import report

from .browser import Tab
from .test_analysis import cell
from .test_browser import browser, pytestmark  # noqa: F401  (the module's one browser, and when it is there)

TAUS = (0.1, 0.5, 1.0, 2.0)
PLANE = "figure[data-name$=-plane]"
SLIDER = f"document.querySelector('{PLANE} .slide input')"


def records():
    found = [cell("rloo", variance=3.0, bias=None, num_samples=2)]
    for at, tau in enumerate(TAUS):
        wide = {"bias_sq": 0.02 * 4**at, "bias": (0.018 * 4**at, 0.022 * 4**at), "variance": 20.0 / 3**at}
        found += [
            cell("gumbel_softmax", tau, **wide),
            cell("reinmax", tau, bias_sq=0.5, bias=(0.4, 0.6), variance=5 + at),
        ]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    report.write(records(), {"title": "Small", "question": "Which?"}, out, "varbench report")
    return out


@pytest.fixture
def tab(browser):  # noqa: F811
    opened = Tab(browser)
    yield opened
    opened.close()


def changed(folder, old, new, name="wrong.html"):
    """Write the page with a mistake in it."""
    text = (folder / "index.html").read_text("utf-8")
    assert old in text
    path = folder / name
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def places(tab, figure=PLANE):
    """Return centre, quantity and row of each marker of a figure, in the window."""
    return tab.run(f"""(() => {{
      const svg = document.querySelector('{figure} svg');
      svg.scrollIntoView({{ block: 'center', behavior: 'instant' }});
      return markersOf(svg).map(({{ use, letter, row }}) => {{
        const box = use.getBoundingClientRect();
        return {{ x: box.x + box.width / 2, y: box.y + box.height / 2, letter, name: nameOf(row) }};
      }});
    }})()""")


def told(tab, figure=PLANE):
    """Return the lines of what the pointer is told, [] for nothing."""
    tip = f"document.querySelector('{figure} .tip')"
    return tab.run(f"{tip}.hidden ? [] : [...{tip}.children].map(part => part.textContent)")


def out_of_place(tab, figure, letter):
    """Return the markers of one quantity whose told values do not fall as they stand lower."""
    read = []
    for place in places(tab, figure):
        if place["letter"].lower() == letter:
            tab.point(place["x"], place["y"])
            lines = told(tab, figure)
            word = "variance" if letter in "vp" else "mse" if letter == "m" else "bias²"
            value = next(line for line in lines if line.startswith(word))
            number, upper = re.search(r" (-?[\d.e-]+) \[.*, (.*)\]$", value).groups()
            read.append((place["y"], float(number), float(upper), lines[0]))
    assert len(read) == len(records())
    read.sort()
    return [b for a, b in pairwise(read) if b[1] > a[1] * 1.0001 and b[0] - a[0] > 1]


def test_a_marker_says_estimator_temperature_value_and_interval(tab, folder):
    tab.open(folder / "index.html")
    one = next(place for place in places(tab) if place["name"] == "gumbel_softmax, τ = 0.5")
    tab.point(one["x"], one["y"])
    lines = told(tab)
    assert lines[0] == "gumbel_softmax, τ = 0.5"
    assert lines[1] == "bias² / |∇|² 0.02 [0.018, 0.022]"  # |gradient| = 2
    assert lines[2].startswith("variance / |∇|² 1.67 [1.5, 1.83]")
    assert lines[4] == "toy[dim=2]"
    tab.point(2, 2)
    assert told(tab) == []


def test_told_values_stand_where_they_are(tab, folder):
    tab.open(folder / "index.html")
    assert out_of_place(tab, PLANE, "p") == []
    assert out_of_place(tab, "figure[data-name$=-temperature]", "v") == []
    tab.open(changed(folder, "row: ROWS[numbers[at]]", "row: ROWS[(Number(numbers[at]) + 1) % ROWS.length]"))
    assert out_of_place(tab, PLANE, "p") != []


def test_it_says_the_same_after_tables_were_sorted(tab, folder):
    tab.open(folder / "index.html")
    before = [place["name"] for place in places(tab)]
    tab.run("document.querySelectorAll('table.digits th button')[4].click()")
    assert [place["name"] for place in places(tab)] == before
    assert out_of_place(tab, PLANE, "p") == []


def test_arrow_keys_step_through_all_markers(tab, folder):
    tab.open(folder / "index.html")
    names = [place["name"] for place in places(tab)]
    for _ in range(30):
        tab.press("Tab")
        if tab.run(f"document.activeElement === document.querySelector('{PLANE} svg')"):
            break
    else:
        pytest.fail("Tab does not reach the figure")
    heard = []
    for _ in names:
        tab.press("ArrowRight")
        heard.append(told(tab)[0])
    assert heard == names
    tab.press("ArrowLeft")
    assert told(tab)[0] == names[-2]
    tab.press("Escape")
    assert told(tab) == []


def slid(tab, steps):
    """Press the slider on by so many steps; return the movers' and the markers' centres."""
    places(tab)
    tab.run(f"{SLIDER}.focus()")
    for _ in range(steps):
        tab.press("ArrowRight")
    tab.run("new Promise(done => setTimeout(done, 600))")
    moved = tab.run(f"""[...document.querySelectorAll('{PLANE} .movers use:not(.away)')].map(one => {{
      const box = one.getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    }})""")
    return sorted(moved)


def wanted(tab, tau):
    return sorted([p["x"], p["y"]] for p in places(tab) if p["name"].endswith(f"τ = {tau}"))


def near(a, b):
    return len(a) == len(b) and all(
        abs(x - y) < 1 for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True)
    )


def test_the_slider_moves_every_estimator_to_one_temperature(tab, folder):
    tab.open(folder / "index.html")
    said = f"document.querySelector('{PLANE} .slide output').textContent"
    assert tab.run(said) == "all temperatures"
    assert slid(tab, 0) == []
    for tau in ("0.1", "0.5", "1", "2"):
        assert near(slid(tab, 1), wanted(tab, tau))
        assert tab.run(f"{SLIDER}.getAttribute('aria-valuetext')") == f"temperature {tau}"
    assert tab.run(said).startswith("τ = 2, least mse / |∇|² of one draw: gumbel_softmax at 0.505 [")
    for _ in TAUS:
        tab.press("ArrowLeft")
    assert tab.run(said) == "all temperatures"
    assert tab.run(f"document.querySelector('{PLANE} svg').classList.contains('slid')") is False
    assert tab.complaints() == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('px, ${use.getAttribute("y")}px) scale(2)', "px, 0px) scale(2)"),
        ("taus[slider.value - 1]", "taus[0]"),
        ('if (!movers.has(name)) {', "if (!movers.size) {"),
    ],
)  # fmt: skip
def test_a_slider_that_moves_wrongly_is_caught(tab, folder, old, new):
    tab.open(changed(folder, old, new))
    assert not near(slid(tab, 2), wanted(tab, "0.5"))


def downloaded(tab, figure, text):
    tab.run(f"[...document.querySelectorAll('{figure} button.save')].find(one => one.textContent === '{text}').click()")
    return tab.downloaded()


def csv_is_right(file):
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    every = {(r["estimator"], str((r["config"] or {}).get("temperature", ""))): r for r in records()}
    if len(rows) != len(every):
        return False
    for row in rows:
        tau = row["temperature"] and str(float(row["temperature"]))
        record = every[row["estimator"].partition("[")[0], tau]
        for name in ("bias_sq", "variance", "mse"):
            for key in (name, f"{name}_lower", f"{name}_upper"):
                if key not in row or abs(float(row[key]) - record[key]) > 0.01 * record[f"{name}_upper"]:
                    return False
    return True


def test_data_are_saved_as_csv(tab, folder):
    tab.open(folder / "index.html")
    for kind in ("plane", "temperature", "cost"):
        if tab.run(f"document.querySelector('figure[data-name$=-{kind}]') !== null"):
            assert csv_is_right(downloaded(tab, f"figure[data-name$=-{kind}]", "Save data as CSV"))
    assert tab.complaints() == []
    tab.open(changed(folder, "[key, `${key}_lower`, `${key}_upper`]", "[key, `${key}_upper`, `${key}_lower`]"))
    assert not csv_is_right(downloaded(tab, PLANE, "Save data as CSV"))


def test_a_figure_is_saved_without_what_serves_the_page(tab, folder):
    tab.open(folder / "index.html")
    slid(tab, 2)
    file = downloaded(tab, PLANE, "Save as SVG")
    beside = folder / "figures" / file.name
    assert ET.canonicalize(file.read_text("utf-8")) == ET.canonicalize(beside.read_text("utf-8"))
    assert "data-cells" not in beside.read_text("utf-8")
    tab.open(changed(folder, "serializeToString(cleaned(svg))", "serializeToString(svg)"))
    slid(tab, 2)
    wrong = downloaded(tab, PLANE, "Save as SVG")
    assert ET.canonicalize(wrong.read_text("utf-8")) != ET.canonicalize(beside.read_text("utf-8"))


def test_on_a_phone_the_slider_fits_and_in_print_and_without_script_it_is_not_there(tab, folder):
    tab.open(folder / "index.html", width=390)
    assert tab.run("document.documentElement.scrollWidth") <= 390
    assert tab.run(f"{SLIDER}.getBoundingClientRect().right") < 390
    assert tab.run("document.querySelector('.headlines').getBoundingClientRect().top") < 844
    tab.open(folder / "index.html", medium="print")
    assert tab.run(f"{SLIDER}.getClientRects().length") == 0
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(folder / "index.html")
    assert tab.run("document.querySelectorAll('.slide, .tip, button').length") == 0
    assert tab.run("document.querySelector('.headlines').getClientRects().length") == 1
    assert tab.run("[...document.querySelectorAll('.scripted')].every(one => !one.getClientRects().length)")
