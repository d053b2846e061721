"""The frontier's page: it follows from the committed numbers, these from the code, and docs/frontier.md from both."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from varbench.analysis.frontier import words
from varbench.analysis.frontier.page import main, render
from varbench.analysis.frontier.plane import draw
from varbench.analysis.frontier.standings import read
from varbench.analysis.style import style_of
from varbench.bench.frontier import study
from varbench.bench.frontier.costs import Costs
from varbench.bench.frontier.forms import Forms
from varbench.bench.frontier.known import FORMS
from varbench.bench.frontier.matrices import law
from varbench.bench.frontier.programme import Frontier
from varbench.estimators.estimator import load

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "reports" / "frontier"
FILE = REPORT / "frontier.json"
DOCS = ROOT / "docs" / "frontier.md"
CLOSE = {"rtol": 2e-5, "atol": 1e-9}  # six digits are committed


@pytest.fixture(scope="module")
def committed():
    return json.loads(FILE.read_text(encoding="utf-8"))


@pytest.fixture
def changed(tmp_path, committed):
    """Write the committed numbers after a change, and return the file."""

    def write(change):
        found = json.loads(json.dumps(committed))
        change(found)
        path = tmp_path / "numbers.json"
        path.write_text(json.dumps(found))
        return path

    return write


def test_the_committed_page_is_that_of_the_committed_numbers():
    page = (REPORT / "index.html").read_text(encoding="utf-8")
    assert render(read(FILE)) == page, "run 'make frontier'"
    assert len(page) < 2_000_000


def test_the_file_is_written_as_the_study_writes_it(committed):
    assert study.text(committed) == FILE.read_text(encoding="utf-8")
    assert committed["left_out"] == study.LEFT_OUT
    assert [(one["classes"], one["skew"]) for one in committed["choices"]] == [
        (K, skew) for K in study.CLASSES for skew in study.SKEWS
    ]


@pytest.mark.parametrize("K", study.CLASSES)
def test_exact_numbers_are_those_of_the_code(committed, K):
    for choice in committed["choices"]:
        if choice["classes"] != K:
            continue
        p = study.probabilities(K, study.SKEWS[choice["skew"]])
        laws = {form.label: _exact(form, p) for form in FORMS if form.name in ("straight_through", "reinmax")}
        for name, found in choice["costs"].items():
            forms = Forms(Costs(name, K), p)
            frontier, scale = Frontier(forms), forms.scale
            assert found["scale"] == pytest.approx(scale, rel=1e-5)
            np.testing.assert_allclose(list(found["least"].values()), np.array(frontier.point(np.inf)) / scale, **CLOSE)
            ours = [(n, *(np.array(frontier.point(n)) / scale)) for n in study.CURVE]
            np.testing.assert_allclose(found["curve"], ours, **CLOSE)
            for label, ones in laws.items():
                (form,) = (one for one in found["forms"] if one["label"] == label)
                places = [(forms.bias_sq(one) / scale, forms.variance(one) / scale) for one in ones]
                np.testing.assert_allclose([(one[1], one[3]) for one in form["settings"]], places, **CLOSE)


def _exact(form, p):
    return [law(load(form.name), study.node_of(p), config).all() for config in form.configs()]


def test_drawn_numbers_are_those_of_the_code(committed):
    """One form with noise of its own, with the study's seed and number of draws."""
    choice = committed["choices"][0]
    p = study.probabilities(choice["classes"], study.SKEWS[choice["skew"]])
    forms = Forms(Costs("cubic", len(p)), p)
    (form,) = (one for one in FORMS if one.label == "st_gumbel_softmax")
    (found,) = (one for one in choice["costs"]["cubic"]["forms"] if one["label"] == form.label)
    config = {"temperature": 1.0}
    value, error = law(load(form.name), study.node_of(p), config, rows=study.ROWS).estimate(forms.variance)
    (setting,) = (one for one in found["settings"] if one[0] == 1.0)
    np.testing.assert_allclose(setting[3:5], [value / forms.scale, error / forms.scale], rtol=1e-3)


def test_ratios_are_variances_over_the_least_at_the_same_bias(committed):
    for choice in committed["choices"]:
        p = study.probabilities(choice["classes"], study.SKEWS[choice["skew"]])
        for name, found in choice["costs"].items():
            frontier = Frontier(Forms(Costs(name, len(p)), p))
            scale = frontier.forms.scale
            for form in found["forms"]:
                for _, bias_sq, _, variance, _, above, _ in form["settings"] if form["exact"] else ():
                    if above is None:
                        assert bias_sq >= 1 - 2e-6
                    elif 0 < bias_sq < 0.99:  # six digits of a bias near 1 do not give the least variance
                        assert above == pytest.approx(
                            variance * scale / frontier.variance_at(bias_sq * scale), rel=1e-3
                        )


def test_an_estimator_below_the_frontier_is_caught(changed, capsys):
    def halved(found):
        form = found["choices"][4]["costs"]["quadratic"]["forms"][3]
        assert form["label"] == "reinmax"
        form["settings"][3][5] = 0.5

    path = changed(halved)
    with pytest.raises(ValueError, match=r"`reinmax` at τ = 1 has 0.5(00)? times the least variance .* cannot be"):
        render(read(path))
    assert main([str(path), "-o", str(path.parent)]) == 2
    assert "cannot be" in capsys.readouterr().err


def test_words_follow_the_numbers(changed):
    def better(found):
        for choice in found["choices"]:
            form = choice["costs"]["quadratic"]["forms"][0]
            for n, bias_sq, variance in choice["costs"]["quadratic"]["budgets"]:
                if n == 10:
                    form["settings"][2][1:5] = [bias_sq, 0.0, 1.01 * variance, 0.0]

    before, after = (words.findings(read(path)) for path in (FILE, changed(better)))
    said = {one["topic"]: one["text"] for one in after}
    assert "(most often `straight_through` at τ = 0.5, 12 of 12)" in said["some bias"]
    assert (
        "(most often `straight_through` at τ = 0.5, 12 of 12)"
        not in {one["topic"]: one["text"] for one in before}["some bias"]
    )


def test_the_best_known_form_is_no_winner_by_chance(committed, changed):
    """A drawn form that is better by less than three standard errors is not preferred; of equals, the nearest to 1."""

    def lucky(found):
        forms = found["choices"][0]["costs"]["quadratic"]["forms"]
        for form in forms:
            for setting in form["settings"]:
                setting[1:5] = [1.0, 0.0, 1.0, 0.0]
        labels = [form["label"] for form in forms]
        drawn, exact = (forms[labels.index(label)]["settings"] for label in ("gumbel_rao", "reinmax"))
        drawn[0][1:5] = [0.01, 0.01, 1.0, 0.02]
        for setting in exact[:4]:
            setting[1:5] = [0.02, 0.0, 1.0, 0.0]

    before, after = (read(path).standings[0] for path in (FILE, changed(lucky)))
    curve, setting = words.best_known(after, 10.0)
    assert (curve.label, setting.value) == ("reinmax", 1.0)
    for n in (1.0, 1000.0):
        least = min(one.bias_sq + one.variance / n for _, one in before.inside)
        assert words.best_known(before, n)[1].mse(n) >= least


def test_figures_tell_forms_outside_the_class_apart():
    """Hollow and not joined; all others joined, with a style each."""
    one = next(one for one in read(FILE).of("quadratic") if (one.classes, one.skew) == (3, "mildly skewed"))
    ax = draw(Figure().add_subplot(), one)
    lines = [line for line in ax.lines if line.get_linestyle() != "None" and len(line.get_xdata()) > 1]
    joined = [curve for curve in one.curves if curve.along and not curve.outside]
    assert len(lines) == 1 + len(joined)  # the frontier
    looks = {(style_of(c.name, c.variant).colour, style_of(c.name, c.variant).marker) for c in one.curves}
    assert len(looks) == len(one.curves) - 1  # zgr is reinmax
    for curve in one.curves:
        style = style_of(curve.name, curve.variant)
        faces = {
            line.get_markerfacecolor()
            for line in ax.lines
            if (line.get_color(), line.get_marker()) == (style.colour, style.marker)
        }
        if curve.name not in ("reinmax", "zgr"):  # they share a style, and differ in the face
            assert faces == ({"white"} if curve.outside else {style.colour})


def test_what_cannot_be_read_says_what_to_do(tmp_path, changed, capsys):
    for path in (tmp_path / "none.json", changed(lambda found: found.pop("choices"))):
        assert main([str(path), "-o", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert str(path) in said
    (tmp_path / "text.json").write_text("{")
    assert main([str(tmp_path / "text.json"), "-o", str(tmp_path)]) == 2
    assert "make frontier" in capsys.readouterr().err


def test_the_worked_example_runs_word_for_word(tmp_path):
    blocks = re.findall(r"(?s)```(\w+)\n(.*?)```", DOCS.read_text(encoding="utf-8"))
    (script,) = (body for language, body in blocks if language == "python")
    (shown,) = (body for language, body in blocks if language == "console")
    command, _, answer = shown.partition("\n")
    assert command == "$ python example.py"
    (tmp_path / "example.py").write_text(script, encoding="utf-8")
    inherited = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "example.py")], capture_output=True, text=True, check=False, cwd=ROOT,
        env=inherited,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == answer


def test_the_page_is_linked():
    for document in ("README.md", "CHANGELOG.md"):
        assert "reports/frontier" in (ROOT / document).read_text(encoding="utf-8")
    assert "docs/frontier.md" in (ROOT / "README.md").read_text(encoding="utf-8")
