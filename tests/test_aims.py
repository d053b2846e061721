"""Bias against an estimator's own target in figures, captions, tables and on the terminal."""

import pytest
from matplotlib.figure import Figure

from varbench.analysis import report, tables
from varbench.analysis.aims import aim_caption, aimed
from varbench.analysis.captions import temperature_caption
from varbench.analysis.figures import temperature_figure
from varbench.analysis.frame import Frame
from varbench.analysis.plots import bias_against_temperature
from varbench.analysis.terminal import as_text

from .test_analysis import cell


def relaxed(temperature, lower, upper, bias_sq=0.4):
    target = {"target": "relaxed", "target_bias_sq": lower or -0.001, "target_bias_sq_lower": lower}
    more = {"bias_sq": bias_sq, "bias": (bias_sq * 0.9, bias_sq * 1.1), "target_bias_sq_upper": upper}
    return cell("gumbel_softmax", temperature, **target, **more)


CELLS = [cell("rloo"), relaxed(0.1, 0.0, 0.08), relaxed(0.5, 0.0, 0.04), relaxed(1.0, 0.01, 0.02)]


def test_upper_ends_against_the_own_target_are_dotted():
    ax = Figure(figsize=(5, 4)).add_subplot()
    bias_against_temperature(ax, Frame.of(CELLS))
    (aim,) = [line for line in ax.lines if line.get_gid() == "aim"]
    assert list(aim.get_xdata()) == [0.1, 0.5, 1.0]
    lowest = ax.get_ylim()[0]
    assert list(aim.get_ydata()) == pytest.approx([0.02, lowest, lowest])  # in |gradient|^2 = 4
    assert 0.01 < lowest < 0.02


def test_the_caption_counts_intervals_and_names_those_off_zero():
    said = "Against the estimators' own targets 2 of 3 intervals of bias² reach 0, where without bias 1 in 40 would not"
    assert aim_caption(Frame.of(CELLS)) == f"{said}; not `gumbel_softmax` at τ = 1."
    assert temperature_caption(Frame.of(CELLS)).endswith("at τ = 1.")
    assert aim_caption(Frame.of(CELLS[:3])).endswith(
        "2 of 2 intervals of bias² reach 0, where without bias 1 in 40 would not."
    )


def test_what_has_no_other_target_is_drawn_as_before():
    plain = [cell("rloo"), cell("reinmax", 0.5), cell("reinmax", 1.0)]
    assert aimed(Frame.of(plain)) == []
    assert aim_caption(Frame.of(plain)) == ""
    labels = [[t.get_text() for t in temperature_figure(Frame.of(c), "x").legends[0].texts] for c in (plain, CELLS)]
    assert not any("own target" in label for label in labels[0])
    assert any("own target" in label for label in labels[1])


def test_tables_have_the_column_where_it_is_known():
    known, plain = Frame.of(CELLS), Frame.of(CELLS[:1])
    assert "to own target" in tables.as_markdown(known)
    assert "to own target" not in tables.as_markdown(plain)
    keys = [[column.key for column in report._columns(frame)] for frame in (known, plain)]
    assert [("target_bias_sq" in one) for one in keys] == [True, False]


def test_the_terminal_says_it_with_its_interval_or_why_not():
    more = {"versions": {}, "seconds_per_draw": None, "cost_values_per_draw": 1.0, "cost_slopes_per_draw": 1.0}
    assert "target_bias_sq 0.0100 [0.0100, 0.0200]" in as_text(CELLS[3] | more)
    missing = cell("spsa") | more | {"reason": "no target_bias_sq: too many points"}
    assert "  no target_bias_sq: too many points" in as_text(missing)
    assert "no exact gradient" not in as_text(missing)
