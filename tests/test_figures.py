"""Figures against samples and dimension, of cost, heat map and draws: artists stand where hand-made records say."""

import math

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from varbench.analysis import captions, cost, figures, heatmap, kinds, sizes, sweep
from varbench.analysis.budget import BACKWARD, cost_of, crossings_of, curves_of
from varbench.analysis.draws import chosen_cells, distribution_of_draws, spread_of
from varbench.analysis.frame import Frame
from varbench.analysis.sentences import (
    cost_caption,
    dimension_caption,
    draws_caption,
    heatmap_caption,
    samples_caption,
)
from varbench.analysis.series import fewest_samples
from varbench.analysis.style import FORMS, PAGE, PAPER, context, lightness

from .test_analysis import cell, drawn, missing, segments


@pytest.fixture
def ax():
    return Figure(figsize=(5, 4)).add_subplot()


def sampled(estimator="rloo", variances=(8.0, 4.0, 2.0), temperature=None, **more):
    return [cell(estimator, temperature, num_samples=2**k, variance=v, **more) for k, v in enumerate(variances)]


def sized(estimator, variances, temperature=None, **more):
    return [
        cell(estimator, temperature, problem=f"toy[dim={10**k},k=1]", variance=v, **more)
        for k, v in enumerate(variances)
    ]


BIASED = {"bias_sq": 0.4, "bias": (0.36, 0.44), "variance": 0.4}
HONEST = {"variance": 40.0, "width": 0.01}


def priced(estimator, width=0.01, **more):
    seconds = dict.fromkeys(("seconds_per_draw", "seconds_per_draw_lower", "seconds_per_draw_upper"), 1e-6)
    return cell(estimator, **({"width": width} | seconds | more))


# Against samples and dimension


def test_variance_against_samples_stands_where_the_data_say_with_intervals(ax):
    assert sweep.variance_against_samples(ax, Frame.of(sampled())) is ax
    assert drawn(ax, "estimate") == [((1.0, 2.0), (2.0, 1.0), (4.0, 0.5))], "over |gradient|^2 = 4"
    np.testing.assert_allclose(segments(ax, "interval")[1], [(2.0, 0.9), (2.0, 1.1)])
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert "samples" in ax.get_xlabel()
    assert "dimensionless" in ax.get_ylabel()
    assert drawn(ax, "independent"), "a guide of slope 1/S"
    for (x0, y0), (x1, y1) in drawn(ax, "independent"):
        assert y0 / y1 == pytest.approx(x1 / x0)


def test_an_estimator_stands_at_the_temperature_of_its_least_mse(ax):
    frame = Frame.of([*sampled("reinmax", (9.0, 9.0), 0.5), *sampled("reinmax", (8.0, 4.0), 1.0)])
    (line,) = sweep.lines_of(frame, "num_samples")
    assert (line.series.label, line.x) == ("reinmax, τ = 1", (1.0, 2.0))
    sweep.mse_against_samples(ax, frame)
    assert drawn(ax, "line") == [((1.0, 2.0), (2.0, 1.0))]


def test_dimension_is_read_from_the_problem_and_relative_to_its_own_gradient(ax):
    records = sized("rloo", (4.0, 40.0, 400.0))
    records[2] = records[2] | {"gradient_norm": 20.0}
    sweep.variance_against_dimension(ax, Frame.of(records))
    assert drawn(ax, "estimate") == [((1.0, 1.0), (10.0, 10.0), (100.0, 1.0))]
    assert "dim" in ax.get_xlabel()
    sweep.bias_against_dimension(other := Figure().add_subplot(), Frame.of(records))
    assert len(drawn(other, "limit")[0]) == 3
    assert sizes.size_of(Frame.of([cell(problem=f"vae[classes=2,latents={n}]") for n in (2, 4)])) == "latents"


@pytest.mark.parametrize(
    "draw", [sweep.mse_against_samples, sweep.variance_against_dimension, cost.mse_against_seconds]
)
@pytest.mark.parametrize(
    "records", [[], [missing()], [cell(variance=0.0, bias=(0.0, 0.0))], [cell() | {"bias_sq": None, "mse": None}]]
)
def test_figures_of_little_say_so(ax, draw, records):
    assert draw(ax, Frame.of(records)) is ax


def test_marked_and_zero_cells_are_shown(ax):
    records = [*sampled("a", (4.0, 2.0), marks=["heavy_tail"]), *sampled("b", (4.0, 0.0))]
    sweep.variance_against_samples(ax, Frame.of(records))
    assert len(drawn(ax, "marked")[0]) == 2
    assert "b at 2 (0)" in ax.get_title("left")


def test_the_least_number_of_samples_is_kept():
    frame = Frame.of([*sampled(), cell("disarm", num_samples=2), missing(estimator="c", num_samples=8)])
    assert [record["num_samples"] for record in fewest_samples(frame)] == [1, 2, 8]
    figure = figures.temperature_figure(frame, "toy")
    assert "least S" in figure.axes[0].get_title("left")


# Cost


def test_a_backward_pass_counts_two():
    assert BACKWARD == 2
    assert cost_of(cell(cost_values_per_draw=3.0, cost_slopes_per_draw=1.0), "evaluations").value == 5.0
    assert cost_of(cell(seconds_per_draw=None), "seconds") is None


def test_curves_are_bias_plus_variance_over_n(ax):
    frame = Frame.of([priced("reinmax", **BIASED), priced("rloo", **HONEST)])
    reinmax = {curve.label: curve for curve in curves_of(frame, "seconds")}["reinmax"]
    n = reinmax.budget / 1e-6
    np.testing.assert_allclose(reinmax.mse, 0.1 + 0.1 / n)
    np.testing.assert_allclose(reinmax.upper, 0.11 + 0.101 / n, rtol=0.02)
    assert (reinmax.lower <= reinmax.mse).all()
    assert cost.mse_against_seconds(ax, frame) is ax
    assert (1e-6, pytest.approx(0.2)) in [line[0] for line in drawn(ax, "start")]
    assert "seconds" in ax.get_xlabel()
    assert {line.get_label() for line in ax.lines if line.get_gid() == "line"} == {"reinmax", "rloo"}
    assert [band for band in ax.collections if band.get_gid() == "band"]


def test_the_crossing_is_where_the_two_lines_meet(ax):
    frame = Frame.of([priced("reinmax", **BIASED), priced("rloo", **HONEST)])
    (crossing,) = crossings_of(curves_of(frame, "seconds"))
    assert (crossing.before, crossing.after) == ("reinmax", "rloo")
    assert crossing.budget == pytest.approx(99e-6, rel=0.01), "0.1 + 0.1/n = 10/n"
    assert crossing.lower < crossing.budget < crossing.upper < 2e-4
    cost.mse_against_seconds(ax, frame)
    ((where,),) = drawn(ax, "crossing")
    assert where == pytest.approx((crossing.budget, 0.101), rel=0.02)
    caption = cost_caption(frame)
    assert "`reinmax` has the least mse of an average up to 99 us and `rloo` from there on (shown from" in caption


def test_a_bias_that_is_not_shown_widens_the_band_only():
    (curve,) = curves_of(Frame.of([priced("rloo", bias_sq=-0.2, bias=(0.0, 0.4), variance=4.0)]), "seconds")
    np.testing.assert_allclose(curve.mse, 1e-6 / curve.budget)
    assert curve.upper[-1] > 0.1


def test_at_each_budget_the_best_temperature_is_taken():
    cells = [
        priced("reinmax", temperature=t, bias_sq=b, bias=(0.9 * b, 1.1 * b), variance=v)
        for t, b, v in ((0.1, 0.04, 40.0), (5.0, 4.0, 0.4))
    ]
    (curve,) = curves_of(Frame.of(cells), "evaluations")
    assert curve.cells[0]["config"]["temperature"] == 5.0
    assert curve.cells[-1]["config"]["temperature"] == 0.1
    assert curves_of(Frame.of([cell("enumerate"), missing()]), "seconds") == []


# Heat map

MAP = [
    cell("reinmax", 0.5, problem="p[dim=1]", variance=40.0),
    cell("reinmax", 1.0, problem="p[dim=1]", variance=4.0, marks=["heavy_tail"]),
    cell("rloo", problem="p[dim=1]", variance=400.0),
    cell("rloo", problem="p[dim=2]", variance=40.0),
    missing(estimator="reinmax", problem="p[dim=2]"),
    cell("enumerate", problem="p[dim=1]", variance=0.0),
]


def test_squares_hold_the_least_mse_and_its_temperature(ax):
    grid = heatmap.grid_of(Frame.of(MAP))
    assert (grid.rows, grid.columns, grid.common) == (("rloo", "reinmax"), ("dim = 1", "dim = 2"), "p")
    assert [[square.status for square in row] for row in grid.squares] == [["ok", "ok"], ["ok", "not_applicable"]]
    assert grid.squares[1][0].value.value == 1.0
    assert heatmap.heatmap(ax, Frame.of(MAP)) is ax
    assert [text.get_text() for text in ax.texts if text.get_gid() == "value"] == ["100", "10", "1.0"]
    assert [text.get_text() for text in ax.texts if text.get_gid() == "temperature"] == ["τ 1"]
    hatched = [patch for patch in ax.patches if patch.get_gid() == "not_applicable"]
    assert [patch.get_hatch() for patch in hatched] == ["////"]
    assert len(drawn(ax, "marked")) == 1
    norm = heatmap.colour_range(grid)
    assert (norm.vmin, norm.vmax) == (0.0, 2.0)


def test_colours_darken_steadily():
    shades = [lightness(matplotlib.colors.to_hex(heatmap.COLOURS(k / 20))) for k in range(21)]
    assert (np.diff(shades) < -1).all()


def test_variance_stands_in_where_no_truth_is_known():
    nothing = {key: None for key in cell() if key.startswith(("bias_sq", "mse", "gradient"))}
    grid = heatmap.grid_of(Frame.of([cell(variance=3.0) | nothing]))
    assert (grid.quantity, grid.relative, grid.squares[0][0].value.value) == ("variance", False, 3.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.0, "1.0"), (0.9999, "1.0"), (0.23, "0.23"), (12.3, "12"), (62000.0, "6.2e4"), (3.4e-5, "3.4e-5")],
)
def test_numbers_in_squares_are_short(value, text):
    assert heatmap.written(value) == text


# Draws


def test_draws_show_mean_interval_and_quantiles(ax):
    found = np.linspace(-1.0, 3.0, 401)
    assert distribution_of_draws(ax, {"rloo": found, "reinmax, τ = 1": found / 2}) is ax
    assert [line[0] for line in drawn(ax, "mean")] == [pytest.approx((1.0, 0.0)), pytest.approx((0.5, 1.0))]
    half = 1.96 * found.std(ddof=1) / math.sqrt(401)
    np.testing.assert_allclose(drawn(ax, "interval")[0], [(1 - half, 0), (1 + half, 0)])
    np.testing.assert_allclose(drawn(ax, "middle_50")[0], [(0.0, 0), (2.0, 0)])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["rloo", "reinmax, τ = 1"]
    assert drawn(ax, "truth")[0][0][0] == 1.0
    assert spread_of(found).negative == pytest.approx(100 / 401)
    assert ax.get_xscale() == "linear"


def test_far_draws_get_logarithmic_tails_and_what_is_not_finite_is_left_out(ax):
    far = np.array([-5000.0, -1.0, 0.0, 1.0, 2.0, 5000.0, math.nan])
    distribution_of_draws(ax, {"rloo": np.tile(far, 20), "none": np.array([])})
    assert ax.get_xscale() == "symlog"
    assert len(drawn(ax, "mean")) == 1
    distribution_of_draws(Figure().add_subplot(), {})


def test_the_cell_to_draw_is_the_one_of_least_mse():
    cells = chosen_cells(Frame.of([cell("reinmax", 0.5, variance=9.0), cell("reinmax", 1.0), cell(gradient_norm=0.0)]))
    assert list(cells) == ["reinmax, τ = 1"]


# Captions and whole figures


def test_captions_say_what_intervals_show():
    frame = Frame.of([*sampled("a"), *sampled("b", (8.0, 8.0, 8.0)), *sampled("c", (8.0, 2.0, 0.1))])
    caption = samples_caption(frame)
    assert "falls as 1/S for `a`" in caption
    assert "falls faster than 1/S for `c` (80 times less)" in caption
    assert "does not fall for `b`" in caption
    stuck = sampled("a", (1.0, 0.1), bias_sq=4.0, bias=(3.9, 4.1))
    assert "bias² is most of the mse of `a`" in samples_caption(Frame.of(stuck))
    grown = dimension_caption(Frame.of(sized("a", (1.0, 100.0))))
    assert "From dim = 1 to 10, variance / |∇|² grows for `a` (100 times)" in grown
    text = heatmap_caption(Frame.of(MAP))
    assert "Over 2 problems" in text
    assert "1 pair does not apply. 1 square is marked." in text
    words = draws_caption({"a": np.linspace(-9.0, 11.0, 101), "b": np.linspace(2.0, 2.2, 99)})
    assert "for `a`" in words
    assert "The mean's interval excludes 1 for `b`." in words


RECORDS = [
    *(r for k in range(2) for r in sampled("rloo", (8.0, 4.0), problem=f"toy[dim={10**k}]")),
    *(r for k in range(2) for r in sampled("st_gumbel_softmax", (2.0, 1.5), 0.5, problem=f"toy[dim={10**k}]")),
    *(r for k in range(2) for r in sampled("st_gumbel_softmax", (3.0, 2.5), 1.0, problem=f"toy[dim={10**k}]")),
    *(r for k in range(2) for r in sampled("reparameterization", (3.0, 1.0), problem=f"toy[dim={10**k}]")),
]


def overlaps(one, other):
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1


@pytest.mark.parametrize("form", list(FORMS.values()), ids=list(FORMS))
@pytest.mark.parametrize("kind", [kind for kind in kinds.KINDS if kind != "draws"])
def test_whole_figures_fit_and_nothing_overlaps(kind, form):
    for part in kinds.parts_of(kind, Frame.of(RECORDS))[:1]:
        with context(form):
            figure = kinds.KINDS[kind].draw(part.frame, part.title, form)
            renderer = FigureCanvasAgg(figure).get_renderer()
            boxes = [ax.get_tightbbox(renderer) for ax in figure.axes]
            boxes += [legend.get_window_extent(renderer) for legend in figure.legends if legend.get_texts()]
        assert figure.get_figwidth() == form.width
        for i, box in enumerate(boxes):
            assert box.x0 >= -1
            assert box.x1 <= figure.bbox.x1 + 1
            assert box.y1 <= figure.bbox.y1 + 1
            assert not any(overlaps(box, other) for other in boxes[:i])
        if form is PAPER:
            assert not figure.texts, "the caption is the title"
            assert {text.get_fontsize() for text in figure.legends[0].get_texts()} <= {8.0}
        assert captions.description(part.frame, kind)


@pytest.mark.parametrize("form", [PAGE, PAPER])
def test_draws_figure_fits(form):
    found = {"st_gumbel_softmax, τ = 0.5": np.linspace(-1, 3, 101), "rloo": np.linspace(-30, 30, 101)}
    with context(form):
        figure = figures.draws_figure(found, {}, "toy", form)
        box = figure.axes[0].get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert "rloo" in captions.draws_description(found)


def test_curves_keep_every_corner_and_drop_what_lies_on_a_stroke():
    x = np.linspace(0, 4, 401)
    lines = np.stack([np.maximum(-x, -2.0), -x, 0.1 * np.sin(x)])
    kept = cost._corners(x, lines)
    assert kept[0] == 0
    assert kept[-1] == 400
    assert min(abs(place - 200) for place in kept) <= 1, "the corner"
    assert len(kept) < 60
    for line in lines:
        np.testing.assert_allclose(np.interp(x, x[kept], line[kept]), line, atol=1.5 * cost.FINE)
    assert cost._corners(x[:1], lines[:, :1]) == [0]
