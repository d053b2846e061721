"""Frames, numbers, tables, styles, figures and words, on records made by hand so that the right answer is known."""

import csv
import io
import json
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from varbench.analysis import captions, numbers, plane, plots, sizes, style, tables, words
from varbench.analysis.frame import Frame, parameters_of
from varbench.analysis.statistics import Estimate, biased, holm, mse_at
from varbench.analysis.summary import summary
from varbench.bench.records import COLUMNS, Measurement
from varbench.estimators.catalogue import CATALOGUE

PROBLEM = "toy[dim=2]"


def cell(estimator="rloo", temperature=None, *, bias_sq=0.0, bias=None, variance=1.0, width=0.1, **more):
    """A record with |gradient| = 2 and intervals of relative half-width ``width``; bias None: [0, width]."""
    lower, upper = (0.0, width) if bias is None else bias
    mse = bias_sq + variance
    fields = {
        "problem": PROBLEM,
        "estimator": estimator,
        "config": {} if temperature is None else {"temperature": temperature},
        "family": "bernoulli",
        "target": "expectation",
        "num_draws": 1000,
        "num_samples": 1,
        "num_points": 1,
        "seed": 0,
        "dtype": "float64",
        "device": "cpu",
        "exact_method": "enumeration",
        "gradient_exact": [2.0, 0.0],
        "gradient_mean": [2.0, 0.0],
        "gradient_norm": 2.0,
        "bias_sq": bias_sq,
        "bias_sq_lower": lower,
        "bias_sq_upper": upper,
        "unbiased_p": 1e-4 if lower > 0 else 0.5,
        "variance": variance,
        "variance_lower": variance * (1 - width),
        "variance_upper": variance * (1 + width),
        "mse": mse,
        "mse_lower": mse * (1 - width),
        "mse_upper": mse * (1 + width),
        "snr": 1.0,
        "cosine": 1.0,
        "cost_values_per_draw": 1.0,
        "cost_slopes_per_draw": 0.0,
        "seconds_per_draw": 1e-7,
        "seconds_per_draw_lower": 0.9e-7,
        "seconds_per_draw_upper": 1.1e-7,
        "versions": {"python": "3.11"},
    }
    return Measurement(**(fields | more)).record()


def missing(status="not_applicable", reason="it has no slopes", **more):
    return cell(**more) | {"status": status, "reason": reason} | dict.fromkeys(("bias_sq", "variance", "mse"))


def text_of(records):
    return " ".join(f"{one.topic}: {one.text}" for one in words.answer(Frame.of(records)).findings)


# Frames


def test_frame_filters_by_field_and_parameter_and_reads_columns():
    frame = Frame.of([cell("a", 1.0, variance=3.0), cell("a", 0.5), cell("b"), missing(estimator="c")])
    assert len(frame.where(estimator="a")) == 2
    assert len(frame.where(temperature=0.5)) == 1
    assert len(frame.where(dim=2)) == 4
    assert len(frame.where(lambda record: record["estimator"] == "a", temperature=1.0)) == 1
    assert [record["estimator"] for record in frame.sort("temperature")] == ["b", "c", "a", "a"]
    np.testing.assert_array_equal(frame.where(estimator="a").sort("temperature").column("variance"), [1.0, 3.0])
    np.testing.assert_array_equal(frame.temperatures, [1.0, 0.5, math.nan, math.nan])
    assert list(frame.group_by("estimator")) == [("a",), ("b",), ("c",)]
    assert len(frame.ok) == 3
    assert len(frame.not_ok) == 1


def test_oracles_are_no_choice():
    assert [record["estimator"] for record in Frame.of([cell("enumerate"), cell("rloo")]).choices] == ["rloo"]


def test_parameters_of_a_problem_are_numbers_where_they_can_be():
    assert parameters_of("p[dim=3,target=0.45,kind=soft]") == {"dim": 3, "target": 0.45, "kind": "soft"}
    assert parameters_of("file.py:toy") == {}


# Statistics


def test_holm_is_the_step_down_of_the_paper():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_biased_corrects_for_the_number_of_cells():
    one = cell(bias_sq=0.2, bias=(0.1, 0.3), unbiased_p=0.03)
    assert biased([one]) == [True]
    assert biased([one, cell()]) == [False, False]
    assert biased([missing()]) == [None]
    floored = cell(bias_sq=0.2, bias=(0.1, 0.3))
    assert all(biased([floored] * 600)), "a floored p-value cannot be corrected below the floor"


def test_mse_of_an_average_keeps_the_bias_and_divides_the_variance():
    record = cell(bias_sq=0.2, bias=(0.1, 0.4), variance=50.0)
    found = mse_at(record, 100)
    assert (found.value, found.lower, found.upper) == pytest.approx((0.7, 0.55, 0.95))
    assert mse_at(record, 1).lower == record["mse_lower"]
    assert mse_at(cell() | {"bias_sq": None}) is None


# Numbers


@pytest.mark.parametrize(
    ("value", "lower", "upper", "expected"),
    [
        (0.0159384, 0.0159220, 0.0159548, "0.015938 [0.015922, 0.015955]"),
        (6.91e-7, 0.0, 2.99e-5, "1e-6 [0, 3.0e-5]"),
        (-8.34e-9, 0.0, 5.8e-7, "-1e-8 [0, 5.8e-7]"),
        (1.18, 1.05, 1.32, "1.18 [1.05, 1.32]"),
        (123456.0, 120000.0, 127000.0, "1.235e5 [1.200e5, 1.270e5]"),
        (0.0, 0.0, 0.0, "0"),
        (2.0, 2.0, 2.0, "2.00"),
    ],
)
def test_digits_follow_the_interval(value, lower, upper, expected):
    assert numbers.with_interval(Estimate(value, lower, upper)) == expected


def test_numbers_with_units():
    assert numbers.seconds(Estimate(7.26e-8, 6.88e-8, 8.5e-8)) == "72.6 ns [68.8, 85.0]"
    assert numbers.seconds(Estimate(1.5, 1.4, 1.6)) == "1.50 s [1.40, 1.60]"
    assert numbers.p_value(1e-4) == "<1e-4"
    assert numbers.p_value(0.5) == "0.50"
    assert numbers.times(1340.0) == "1,300 times"
    assert numbers.times(1.42) == "1.4 times"
    assert numbers.of_gradient(0.073) == "7.3 % of |∇|"
    assert numbers.of_gradient(4.2) == "4.2 |∇|"
    assert numbers.with_interval(None) == numbers.short(None) == ""


# Tables


def test_csv_has_the_contracts_columns_and_reads_back():
    record = cell("gumbel_softmax", 0.5, marks=["heavy_tail"])
    header, row = csv.reader(io.StringIO(tables.as_csv([record])))
    assert tuple(header) == COLUMNS
    found = dict(zip(header, row, strict=True))
    assert json.loads(found["config"]) == {"temperature": 0.5}
    assert json.loads(found["marks"]) == ["heavy_tail"]
    assert json.loads(found["gradient_exact"]) == [2.0, 0.0]
    assert float(found["variance"]) == record["variance"]
    assert found["target_bias_sq"] == ""


def test_markdown_shows_marks_reasons_and_escapes_bars():
    text = tables.as_markdown([cell(marks=["one_draw_dominates", "new"]), missing("failed", "a|b\nc", estimator="x")])
    assert "### toy[dim=2]" in text
    assert "failed: a\\|b c" in text
    assert "- O: one draw dominates" in text
    assert "- new: a mark that this version does not know" in text
    assert tables.as_markdown([]) == "No records.\n"


def test_rows_have_the_keys_of_the_columns():
    for record in (cell(), missing()):
        assert list(tables.rows([record])[0]) == [column.key for column in tables.columns]


# Style


def test_every_catalogued_estimator_has_a_style_of_its_own():
    assert set(style.STYLES) == {name for name, facts in CATALOGUE.items() if facts.alias_of is None}
    assert len({(one.marker, str(one.dash)) for one in style.STYLES.values()}) == len(style.STYLES)
    assert len({one.colour for one in style.STYLES.values()}) == len(style.STYLES)
    for name, facts in CATALOGUE.items():
        if facts.alias_of is not None:
            assert style.style_of(name) == style.style_of(facts.alias_of)


FIRST = 10  # the estimators that most figures hold


def test_styles_survive_a_greyscale_print():
    light = [style.lightness(one.colour) for one in style.STYLES.values()]
    assert min(np.diff(sorted(light[:FIRST]))) > 4
    assert max(light) < 72, "darker than the white card"
    assert style.lightness("#ffffff") == pytest.approx(100, abs=0.1)


def test_styles_of_others_are_fixed_by_their_names():
    assert style.style_of("mine") == style.style_of("mine")
    assert style.style_of("rloo", 1) != style.style_of("rloo")
    assert style.lightness(style.style_of("enumerate", 2).colour) > style.lightness("#000000")


def test_the_context_restores_the_callers_settings():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with style.context():
        assert matplotlib.rcParams["svg.hashsalt"] == "varbench"
    assert dict(matplotlib.rcParams) == before


# Figures


def drawn(ax, gid):
    return [tuple(map(tuple, line.get_xydata())) for line in ax.lines if line.get_gid() == gid]


def segments(ax, gid):
    return [seg for made in ax.collections if made.get_gid() == gid for seg in made.get_segments()]


@pytest.fixture
def ax():
    return Figure().add_subplot()


def test_variance_is_drawn_where_the_data_say_with_its_interval(ax):
    records = [cell("reinmax", 0.5, variance=8.0), cell("reinmax", 1.0, variance=4.0)]
    assert plots.variance_against_temperature(ax, Frame.of(records)) is ax
    assert drawn(ax, "estimate") == [((0.5, 2.0), (1.0, 1.0))], "over |gradient|^2 = 4"
    np.testing.assert_allclose(segments(ax, "interval"), [[(0.5, 1.8), (0.5, 2.2)], [(1.0, 0.9), (1.0, 1.1)]])
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert "dimensionless" in ax.get_ylabel()
    assert "τ" in ax.get_xlabel()


def test_a_bias_that_is_not_shown_is_an_upper_limit(ax):
    records = [cell("reinmax", 0.5, bias_sq=0.4, bias=(0.2, 0.8)), cell("reinmax", 1.0, bias_sq=-0.1, width=0.08)]
    plots.bias_against_temperature(ax, Frame.of(records))
    assert drawn(ax, "estimate") == [((0.5, 0.1),)]
    assert drawn(ax, "limit") == [((1.0, 0.02),)]
    assert drawn(ax, "arrow") == [((1.0, 0.02),)]


def test_without_temperature_an_estimator_is_a_level_with_a_band(ax):
    records = [cell("reinmax", 0.5), cell("reinmax", 1.0), cell("rloo", variance=8.0)]
    plots.variance_against_temperature(ax, Frame.of(records))
    ((start, end),) = drawn(ax, "level")
    assert start[1] == end[1] == 2.0
    assert end[0] > 1.0, "the marker stands to the right of the temperatures"
    assert [band for band in ax.collections if band.get_gid() == "band"]


def test_what_is_zero_is_noted_and_never_dropped(ax):
    zero = cell("disarm", variance=0.0, marks=["zero_variance"])
    plots.variance_against_temperature(ax, Frame.of([zero, cell("rloo"), cell("reinforce", variance=1e-20)]))
    note = " ".join(ax.get_title("left").split())
    assert "disarm (0)" in note
    assert "reinforce (2.5×10⁻²¹)" in note
    assert len(drawn(ax, "below")) == 2


def test_marked_cells_are_crossed(ax):
    plots.variance_against_temperature(ax, Frame.of([cell("a", marks=["heavy_tail"]), cell("b")]))
    assert len(drawn(ax, "marked")) == 1
    labels = [handle.get_label() for handle in plots.legend_handles(Frame.of([cell("a", marks=["heavy_tail"])]))]
    assert "cross: marked" in labels


def test_raw_units_where_the_gradient_is_zero(ax):
    plots.variance_against_temperature(ax, Frame.of([cell(variance=3.0, gradient_norm=0.0)]))
    assert drawn(ax, "estimate")[0][0][1] == 3.0
    assert "gradient units squared" in ax.get_ylabel()


def test_the_plane_places_cells_and_draws_equal_mse(ax):
    records = [
        cell("reinmax", 0.5, bias_sq=0.4, bias=(0.2, 0.8), variance=4.0),
        cell("reinmax", 1.0, bias_sq=4.0, bias=(3.0, 5.0), variance=0.4),
        cell("rloo", variance=40.0, width=0.1),
    ]
    plane.bias_variance_plane(ax, Frame.of(records))
    np.testing.assert_allclose(drawn(ax, "path")[0], [(0.1, 1.0), (1.0, 0.1)])
    np.testing.assert_allclose(drawn(ax, "limit"), [[(0.025, 10.0)]])
    curves = drawn(ax, "equal_mse")
    assert len(curves) >= 2
    for curve in curves:
        np.testing.assert_allclose(sum(np.array(curve).T), sum(curve[0]), rtol=1e-6)
    texts = [text.get_text() for text in ax.texts]
    assert "mse = 1: no better than returning 0" in texts
    assert {"0.5", "1"} <= set(texts), "the ends of the path carry their temperatures"


@pytest.mark.parametrize("draw", [plots.bias_against_temperature, plots.variance_against_temperature])
@pytest.mark.parametrize(
    "records", [[], [missing()], [cell(bias_sq=0.0, bias=(0.0, 0.0), variance=0.0)], [cell() | {"bias_sq": None}]]
)
def test_figures_of_little_say_so(ax, draw, records):
    draw(ax, Frame.of(records))
    plane.bias_variance_plane(Figure().add_subplot(), Frame.of(records))


def test_variants_of_an_estimator_are_told_apart(ax):
    records = [cell("rao", 1.0, config={"temperature": 1.0, "k": k}, variance=k) for k in (1, 10)]
    labels = [handle.get_label() for handle in plots.legend_handles(Frame.of(records))]
    assert labels[:2] == ["rao[k=1]", "rao[k=10]"]
    several = [cell("rloo", num_samples=S) for S in (2, 4)]
    assert [h.get_label() for h in plots.legend_handles(Frame.of(several))][:2] == ["rloo, S = 2", "rloo, S = 4"]


# Words


def test_the_better_of_two_is_named_when_intervals_are_apart():
    text = text_of([cell("a", variance=1.0), cell("b", variance=3.0)])
    assert "`a` has the least mse of one draw: 0.250 |∇|² [0.225, 0.275]. Next is `b` with 3 times as much." in text


def test_no_difference_is_claimed_where_intervals_meet():
    text = text_of([cell("a", variance=1.0, width=0.3), cell("b", variance=1.2, width=0.3)])
    assert "No difference is shown to `b`." in text
    assert "Next is" not in text


def test_averaging_turns_the_ranking_from_biased_to_unbiased():
    text = text_of(
        [cell("biased", bias_sq=1.0, bias=(0.9, 1.1), variance=0.1), cell("honest", variance=10.0, width=0.01)]
    )
    assert "`biased` has the least mse of one draw" in text
    assert "`honest` has the least mse of an average of 100 draws" in text
    assert "A bias is shown for `biased` (up to 50 % of |∇|)." in text
    assert "No bias is shown for `honest` (at most 5.0 % of |∇|)." in text
    assert "these 2 cells together (Holm)" in text


def test_marks_and_oracles_are_said():
    text = text_of([cell("a", marks=["heavy_tail"]), cell("b", variance=5.0), cell("enumerate", variance=0.0)])
    assert "`a` has the least mse of one draw: 0.250 |∇|² [0.225, 0.275] (marked heavy tail)." in text
    assert "The best without a mark is `b`" in text
    assert "heavy tail: `a`" in text
    assert "`enumerate` sums over all outcomes" in text
    assert "`enumerate` has the least" not in text


def test_the_best_temperature_and_the_loss_of_a_wrong_one():
    records = [cell("reinmax", t, variance=v) for t, v in ((0.1, 50.0), (1.0, 1.0), (5.0, 1.05))]
    answer = words.answer(Frame.of(records))
    one = answer.temperatures[0]
    assert (one.draws, one.best, one.equal, one.worst, one.loss, one.edge) == (1, "1", ("5",), "0.1", 50.0, False)
    assert "`reinmax` at τ = 0.1 instead of 1 has 50 times the mse of one draw" in text_of(records)
    flat = [cell("reinmax", t) for t in (0.1, 1.0)]
    assert "No difference between temperatures is shown for `reinmax`." in text_of(flat)


def test_a_mean_that_points_backwards_or_shrinks_is_said():
    back = cell("a", 1.0, bias_sq=9.0, bias=(8.0, 10.0), cosine=-1.0, snr=2.0)
    assert "points against the exact gradient (cosine below 0) for `a` at τ = 1" in text_of([back])
    small = cell("a", bias_sq=3.0, bias=(2.9, 3.1), variance=0.01, gradient_mean=[0.2, 0.0])
    assert "It gets there by shrinking: its mean is 10 % of |∇| long." in text_of([small])


def test_what_loses_to_zero_is_said():
    assert "Not one beats the zero gradient (mse = |∇|²) with one draw" in text_of([cell(variance=100.0)])
    assert "Every estimator beats the zero gradient" in text_of([cell(variance=0.1)])


def test_costs_are_ratios():
    slow = {"seconds_per_draw": 4e-7, "cost_values_per_draw": 2.0}
    text = text_of([cell("a"), cell("b", **slow)])
    assert "Cheapest per draw: `a` (100 ns [90, 110]). `b` takes 4 times as long." in text
    assert "values plus slopes: 1 for `a`, 2 for `b`" in text


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([missing("failed", "boom")], "Nothing was measured: 1 cell failed"),
        ([missing()], "Nothing was measured: 1 cell not applicable"),
        ([cell()], "1 cell of N = 1,000 draws"),
        ([cell(seconds_per_draw=None)], "No bias is shown for `rloo`"),
        ([cell("enumerate")], "`enumerate` sums over all outcomes"),
    ],
)
def test_words_for_little(records, expected):
    assert expected in text_of(records)
    assert summary(records)
    assert captions.temperature_caption(Frame.of(records))
    assert captions.plane_caption(Frame.of(records))


def test_without_truth_only_variance_is_compared():
    nothing = {
        key: None for key in cell() if key.startswith(("bias_sq", "mse", "unbiased", "gradient", "cosine", "exact"))
    }
    records = [cell("a") | nothing | {"reason": "too many outcomes"}, cell("b", variance=9.0) | nothing]
    text = text_of(records)
    assert "The exact gradient is not known (too many outcomes)" in text
    assert "`a` has the least variance of one draw" in text
    assert "least mse" not in text
    assert "No exact gradient is known" in " ".join(one.text for one in summary(records))


def test_the_summary_counts_over_problems():
    records = [cell("a", problem=p, variance=v) for p, v in (("p", 1.0), ("q", 5.0))]
    records += [cell("b", problem=p, variance=v, bias_sq=0.5, bias=(0.4, 0.6)) for p, v in (("p", 9.0), ("q", 0.1))]
    found = {one.topic: one.text for one in summary([*records, missing("failed", problem="q", estimator="c")])}
    assert found["Measured"] == "2 problems, 3 estimators: 4 cells measured and 1 failed."
    assert "`a` on 1 and `b` on 1" in found["One draw"]
    assert "excludes 0 on 1 of them" in found["One draw"]
    assert "No bias is shown on any problem for `a`" in found["Bias"]
    assert "`b` in 2 of 2 cells" in found["Bias"]
    assert [one.text for one in summary([])] == ["There are no cells: nothing was measured."]


def test_captions_say_what_intervals_show():
    records = [cell("reinmax", t, variance=v) for t, v in ((0.1, 50.0), (5.0, 1.0))]
    caption = captions.temperature_caption(Frame.of(records))
    assert caption.startswith("From τ = 0.1 to 5, variance falls for `reinmax` (50 times)")
    records.append(cell("rloo", variance=200.0))
    text = captions.plane_caption(Frame.of(records))
    assert text.startswith("No other cell has both less bias² and less variance than `reinmax` at τ = 5.")
    assert "One of 3 cells is shown to lie below" in text


# Sweeps over sizes and samples


def told(records):
    return {one.topic: one.text for one in summary(Frame.of(records))}


def test_samples_are_compared_with_averaging():
    """Variance x S is 8 and 8 for a mean of draws, 8 and 2 for one that gains four times as much."""
    plain = [cell("reinforce", num_samples=s, variance=8.0 / s, width=0.01) for s in (1, 4)]
    better = [cell("rloo", num_samples=s, variance=v, width=0.01) for s, v in ((2, 4.0), (8, 0.25))]
    stuck = [cell("disarm", num_samples=s, variance=1.0, width=0.01) for s in (2, 4)]
    text = told([*plain, *better, *stuck])["Samples"]
    assert text.startswith("On 1 problem measured at several S")
    assert "it falls as 1/S for `reinforce` in 1 of 1" in text
    assert "it falls faster than 1/S for `rloo` in 1 of 1 (at the largest S 4.0 times what averaging gains)" in text
    assert "it does not fall for `disarm` in 1 of 1" in text
    assert "Samples" not in told(plain[:1])


def test_sizes_tell_who_leads_at_both_ends():
    def at(dim, rloo, reinmax):
        problem = f"toy[dim={dim},k=1]"
        return [cell("rloo", problem=problem, variance=rloo), cell("reinmax", 1.0, problem=problem, variance=reinmax)]

    text = told([*at(10, 2.0, 1.0), *at(1, 1.0, 9.0), *at(100, 40.0, 8.0)])["Size"]
    assert "on `toy[k=1]`, from dim = 1 to 100, it passes from `rloo` to `reinmax`" in text
    assert "moves from 0.25 |∇|² to 2.0 |∇|²" in text
    assert "it stays with `rloo`" in told([*at(1, 1.0, 9.0), *at(10, 1.0, 9.0)])["Size"]
    assert "Size" not in told(at(1, 1.0, 9.0))


def test_points_of_a_sweep_do_not_count_as_problems():
    points = [cell("reinmax", t, problem=f"toy[dim={d}]") for d in (1, 2, 3) for t in (0.5, 1.0)]
    text = told([*points, cell("rloo", problem="other")])
    assert text["Measured"].startswith("4 problems")
    assert text["One draw"].startswith("Over 1 problem,")


def test_sweeps_are_problems_that_differ_in_one_size():
    names = ("p[classes=2,dim=1]", "p[classes=2,dim=10]", "p[classes=4,dim=10]", "q[dim=3]", "r")
    found = sizes.sweeps(Frame.of([cell(problem=name) for name in names]))
    assert [(one.title, one.along, one.frame.values("problem")) for one in found] == [
        ("p[classes=2] by dim", "dim", ("p[classes=2,dim=1]", "p[classes=2,dim=10]")),
        ("p[dim=10] by classes", "classes", ("p[classes=2,dim=10]", "p[classes=4,dim=10]")),
    ]
