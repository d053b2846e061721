"""measure: the exact values of the literature are covered, and the bits never move."""

import json
import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from varbench import Bernoulli, Categorical, Estimator, Facts, InputError, Measurement, Normal, Problem, measure
from varbench.bench.draws import POINT_ENTRIES, block_rows, groups, request
from varbench.bench.executors import measure_cells
from varbench.bench.resolve import estimator_of, problem_of
from varbench.bench.study import Cell
from varbench.estimators.catalogue import CATALOGUE
from varbench.estimators.estimator import independent

# closed forms; the 95 % interval of this seed holds each of them
EXACT = [
    ("bernoulli_quadratic[target=0.45,logit=2]", "reinforce", {}, 0.0048271916),
    ("bernoulli_quadratic[target=0.45]", "reinforce", {}, 0.0159390625),
    ("bernoulli_quadratic[target=0.45]", "rloo", {}, 6.25e-4),
    ("bernoulli_quadratic[target=0.499]", "reinforce", {}, 0.015625125),
    ("bernoulli_quadratic[target=0.499]", "rloo", {}, 2.5e-7),
    ("shared_bernoulli", "reinforce", {}, 0.43842),
    ("shared_bernoulli", "rloo", {}, 0.007275),
    ("normal_square", "reparameterization", {}, 16.0),
    ("normal_square[k=3]", "reparameterization", {}, 28.0),
]


@pytest.mark.parametrize(("problem", "estimator", "config", "variance"), EXACT)
def test_exact_values_are_covered(problem: str, estimator: str, config: dict[str, float], variance: float) -> None:
    found = measure(problem, estimator, num_draws=1_000_000, timing=False, **config)
    assert found.variance_lower is not None
    assert found.variance_upper is not None
    assert found.variance is not None
    se = (found.variance_upper - found.variance_lower) / (2 * 1.96)
    assert abs(found.variance - variance) <= 4.4 * se  # a false alarm in 90,000
    assert (found.variance_upper - found.variance_lower) / 2 < 0.02 * variance
    assert found.unbiased_p is not None
    assert found.unbiased_p > 1e-4  # the floor, which is reached once in 10,000


@pytest.mark.parametrize(("logit", "tau", "relaxed", "straight"), [
    (0, 0.1, 0.0248, 0.0248), (0, 0.5, 0.0215, 0.0215), (0, 1, 0.0167, 0.0167), (0, 2, 0.0107, 0.0107),
    (2, 0.1, 0.0185, 0.0216), (2, 0.5, 0.0452, 0.0601), (2, 1, 0.0535, 0.0797), (2, 2, 0.0389, 0.0730),
])  # fmt: skip
def test_relaxations_have_the_known_means(logit: float, tau: float, relaxed: float, straight: float) -> None:
    """Within 5 standard errors and the table's own rounding: false-fail rate below 1e-6 a cell."""
    for estimator, mean in [("gumbel_softmax", relaxed), ("st_gumbel_softmax", straight), ("gumbel_rao", straight)]:
        problem = f"bernoulli_quadratic[target=0.45,logit={logit}]"
        found = measure(problem, estimator, temperature=tau, num_draws=200_000, timing=False)
        assert found.gradient_mean is not None
        assert found.variance is not None
        assert abs(found.gradient_mean[0] - mean) < 5e-5 + 5 * math.sqrt(found.variance / 200_000)


def test_disarm_has_no_variance_at_one_half() -> None:
    found = measure("bernoulli_quadratic[target=0.45]", "disarm", num_draws=1000, timing=False)
    assert (found.variance, found.variance_lower, found.variance_upper) == (0, 0, 0)
    assert found.marks == ["zero_variance"]
    assert found.unbiased_p == 1
    assert found.snr is None


def test_enumerate_is_the_oracle_row() -> None:
    found = measure("shared_bernoulli", "enumerate", num_draws=500, timing=False)
    assert found.gradient_mean == pytest.approx([-0.045])
    assert found.variance == 0
    assert found.cost_values_per_draw == found.num_points == 8
    assert found.num_draws == 500


STATISTICS = [
    f.name for f in fields(Measurement) if not f.name.startswith(("seconds", "cost_seconds", "threads", "peak"))
]


def same(a: Measurement, b: Measurement) -> bool:
    return all(getattr(a, name) == getattr(b, name) for name in STATISTICS)


@pytest.mark.parametrize(("problem", "estimator"), [
    ("bernoulli_quadratic[dim=3]", "reinmax"), ("polynomial[dim=100,classes=3]", "rloo"), ("normal_cos", "reinforce"),
])  # fmt: skip
def test_the_bits_do_not_depend_on_threads(problem: str, estimator: str) -> None:
    one, again, two, five = (
        measure(problem, estimator, num_draws=20_000, timing=False, threads=t) for t in (1, 1, 2, 5)
    )
    assert same(one, again)
    assert same(one, two)
    assert same(one, five)
    other = measure(problem, estimator, num_draws=20_000, timing=False, seed=1)
    assert other.variance != one.variance


def test_a_network_as_cost_gives_the_same_bits_for_any_number_of_threads() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(12, 40), torch.nn.ReLU(), torch.nn.Linear(40, 1)).double()
    problem = Problem("net", Categorical(torch.zeros(3, 4, dtype=torch.float64)), lambda x: net(x.flatten(-2))[..., 0])
    runs = [
        measure(problem, "st_gumbel_softmax", temperature=0.7, num_draws=10_000, timing=False, threads=t)
        for t in (1, 2)
    ]
    assert same(*runs)


def test_an_estimator_measured_with_others_gets_the_numbers_that_it_gets_alone() -> None:
    name = "bernoulli_quadratic[dim=1,logit=2,target=0.45]"
    cells = [
        Cell(name, e, estimator_of(e, **c)[1], 1, 5000, 0, None)
        for e, c in [("reinforce", {}), ("straight_through", {"temperature": 0.5}), ("reinmax", {"temperature": 2.0})]
    ]
    for cell, outcome in zip(cells, measure_cells(cells), strict=True):
        alone = measure(name, cell.estimator, num_draws=5000, timing=False, **cell.config)
        assert json.loads(json.dumps(outcome.record)) == json.loads(json.dumps(alone.record()))


def test_all_temperatures_of_a_straight_through_form_share_their_points() -> None:
    problem = problem_of("polynomial[dim=4]")
    requests = [
        request(problem, *estimator_of(name, temperature=t), None)
        for name in ("straight_through", "reinmax", "st_gumbel_softmax", "gumbel_softmax")
        for t in (0.5, 1.0)
    ]
    assert groups(requests) == [[0, 1, 2, 3], [4, 5], [6], [7]]


def test_common_random_numbers_pair_estimators() -> None:
    """At tau -> 0 gumbel_rao, st_gumbel_softmax and straight_through meet the same noise but not the same formula;
    straight_through and reinmax at one temperature see the same points: their means move together over seeds."""
    pairs = []
    for seed in range(40):
        runs = [
            measure("bernoulli_quadratic[target=0.3,logit=1]", e, num_draws=200, timing=False, seed=seed)
            for e in ("straight_through", "reinmax")
        ]
        pairs.append([run.gradient_mean[0] for run in runs if run.gradient_mean])
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.9


def test_surplus_draws_are_left_out() -> None:
    """N need not be a multiple of the block; the first N draws of a longer run are those of the shorter."""
    short = measure("normal_square", "reparameterization", num_draws=100, timing=False)
    draws = torch.tensor([short.variance])
    assert short.num_draws == 100
    assert torch.isfinite(draws).all()
    assert short.variance != measure("normal_square", "reparameterization", num_draws=101, timing=False).variance


def test_blocks_are_a_function_of_the_shape() -> None:
    small, large = problem_of("bernoulli_quadratic[dim=200]"), problem_of("bernoulli_quadratic[dim=1000]")
    rloo, _ = estimator_of("rloo")
    assert block_rows(small, request(small, rloo, {}, None)) == 4096
    assert block_rows(large, request(large, rloo, {}, None)) == 1024
    many = request(small, rloo, {}, 2**14)
    assert block_rows(small, many) * 2**14 <= POINT_ENTRIES


OWN = """
import torch
from varbench import Bernoulli, Categorical, Normal, Problem

logits = torch.tensor([[0.3, -1.0, 0.5], [0.0, 2.0, 1.0]], dtype=torch.float64)
A = torch.arange(6, dtype=torch.float64).reshape(2, 3) / 6

def cost(x):
    return ((x * A).sum((-1, -2)) - 0.4).pow(3)

categorical = Problem(name="own", node=Categorical(logits), cost=cost)
bernoulli = Problem(name="coins", node=Bernoulli(logits[0]), cost=lambda b: (b.sum(-1) - 0.7) ** 2)
bell = Normal(torch.tensor([[0.5, 1.0], [1.0, 2.0]]).double())
normal = Problem(name="bell", node=bell, cost=lambda x: x.sin().sum(-1))
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return path


@pytest.mark.parametrize("family", ["categorical", "bernoulli", "normal"])
def test_a_problem_of_ones_own_is_measured_by_every_applicable_estimator(own: Path, family: str) -> None:
    for facts in CATALOGUE.values():
        if family not in facts.families or "mean" not in facts.objectives:
            continue
        config = {key: 1.0 for key, default in facts.config.items() if default is None}
        found = measure(f"{own}:{family}", facts.name, num_draws=20_000, timing=False, **config)
        assert found.status == "ok"
        assert found.exact_method in ("enumeration", "quadrature")
        assert found.bias_sq is not None
        if facts.unbiased:
            assert found.unbiased_p is not None
            assert found.unbiased_p > 1e-3
            assert found.bias_sq_lower == 0


def test_float32_agrees_with_float64_to_rounding() -> None:
    for estimator, config in [("rloo", {}), ("gumbel_rao", {"temperature": 0.5}), ("disarm", {})]:
        runs = [
            measure("bernoulli_quadratic[dim=4,logit=1]", estimator, num_draws=4000, timing=False, dtype=d, **config)
            for d in ("float64", "float32")
        ]
        assert runs[1].dtype == "float32"
        assert runs[1].variance == pytest.approx(runs[0].variance, rel=1e-3)


CONTRACT = """
problem estimator config family target num_draws num_samples num_points seed dtype device status reason marks
exact_method gradient_exact gradient_mean gradient_norm bias_sq bias_sq_lower bias_sq_upper unbiased_p
target_bias_sq target_bias_sq_lower target_bias_sq_upper variance variance_lower variance_upper mse mse_lower mse_upper
snr cosine pareto_k num_nonfinite cost_values_per_draw cost_slopes_per_draw seconds_per_draw seconds_per_draw_lower
seconds_per_draw_upper cost_seconds_per_draw peak_bytes fit_seconds fit_values schema versions threads path points_key
commit
"""


def test_a_record_is_strict_json_with_the_fields_of_the_contract() -> None:
    contract = CONTRACT.split()
    record = measure("normal_cos", "reinforce", num_draws=100).record()
    assert list(record) == contract
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_long_vectors_are_left_out_unless_wanted() -> None:
    found = measure("bernoulli_quadratic[dim=1001]", "rloo", num_draws=100, timing=False)
    assert found.gradient_mean is not None
    assert len(found.gradient_mean) == 1001
    assert found.record()["gradient_mean"] is None
    assert len(found.record(vectors=True)["gradient_exact"]) == 1001


def test_two_draws_of_a_block_each_are_two_draws() -> None:
    """A gradient so long that a block holds one draw: its row must not be taken twice."""
    dim = 2**18
    found = measure(f"bernoulli_quadratic[dim={dim}]", "reinforce", num_draws=2, timing=False)
    assert found.variance is not None
    assert found.variance > 0


def test_costs_are_counted_as_if_measured_alone() -> None:
    for estimator, S, values, slopes in [("reinforce", 3, 3, 0), ("reinmax", 2, 2, 2), ("disarm", 4, 4, 0)]:
        found = measure("bernoulli_quadratic", estimator, num_samples=S, num_draws=100, timing=False)
        assert (found.cost_values_per_draw, found.cost_slopes_per_draw) == (values, slopes)


def test_timing_brackets_its_median_and_holds_the_cost() -> None:
    found = measure("bernoulli_quadratic[dim=20]", "disarm", num_draws=1000)
    assert found.seconds_per_draw is not None
    assert found.seconds_per_draw_lower is not None
    assert found.seconds_per_draw_upper is not None
    assert found.cost_seconds_per_draw is not None
    assert 0 < found.seconds_per_draw_lower <= found.seconds_per_draw <= found.seconds_per_draw_upper
    assert 0 < found.cost_seconds_per_draw < found.seconds_per_draw_upper
    tabulated = measure("bernoulli_quadratic[dim=20]", "reinmax", num_draws=1000)
    assert (tabulated.path, tabulated.cost_seconds_per_draw) == ("fused", 0)


def make(sample: object, combine: object, **facts: object) -> Estimator:
    base = {"name": "mine", "families": ("bernoulli",), "needs": ("values",), "unbiased": True, "source": "here"}
    return Estimator(Facts(**{**base, **facts}), sample, combine)  # type: ignore[arg-type]


def test_an_estimator_sees_of_the_cost_only_what_it_says_it_needs() -> None:
    seen = {}

    def combine(node: Bernoulli, noise: object, x: Tensor, values: Tensor, slopes: Tensor) -> Tensor:
        seen["values"], seen["slopes"] = values, slopes
        return node.score(x).mean(1)

    measure("bernoulli_quadratic", make(independent, combine), num_draws=10, timing=False)
    assert seen["slopes"] is None
    measure("bernoulli_quadratic", make(independent, combine, needs=("slopes",)), num_draws=10, timing=False)
    assert seen["values"] is None


def test_draws_that_are_not_finite_fail_and_are_counted() -> None:
    def combine(node: Bernoulli, noise: object, x: Tensor, values: Tensor, slopes: None) -> Tensor:
        return torch.where(x[:, 0] > 0, math.nan, 1.0)

    found = measure("bernoulli_quadratic", make(independent, combine), num_draws=1000, timing=False)
    assert found.status == "failed"
    assert 400 < (found.num_nonfinite or 0) < 600
    assert found.variance is None
    assert "not finite" in (found.reason or "")


def test_an_estimator_that_raises_or_returns_another_shape_is_named() -> None:
    def raises(*_: object) -> Tensor:
        raise RuntimeError("oh\nno")

    with pytest.raises(InputError, match="estimator 'mine': combine raised RuntimeError: oh no"):
        measure("bernoulli_quadratic", make(independent, raises), num_draws=10)
    with pytest.raises(InputError, match=r"combine returned shape \[4096\]"):
        measure("bernoulli_quadratic", make(independent, lambda n, e, x, v, s: v[:, 0]), num_draws=10)


@pytest.mark.parametrize(("p", "N", "marked"), [(0.01, 200, True), (0.01, 20_000, False)])
def test_rare_outcomes_are_marked(p: float, N: int, marked: bool) -> None:
    logit = math.log(p / (1 - p))
    found = measure(f"bernoulli_quadratic[logit={logit}]", "reinforce", num_draws=N, timing=False)
    assert ("rare_outcome" in found.marks) == marked


@pytest.mark.parametrize("problem", ["bernoulli_quadratic[logit=-9]", "bernoulli_quadratic[dim=10,logit=-9]"])
def test_an_outcome_never_drawn_does_not_refute_an_unbiased_estimator(problem: str) -> None:
    found = measure(problem, "rloo", num_draws=200, timing=False)
    assert found.variance == 0
    assert found.marks == ["rare_outcome", "zero_variance"]
    assert found.unbiased_p == 1
    assert (found.bias_sq_lower, found.bias_sq_upper, found.variance_upper) == (0, None, None)


def test_a_cost_may_write_into_its_points() -> None:
    def cost(b: Tensor) -> Tensor:
        b -= 0.3
        return b.square().sum(-1)

    node = Bernoulli(torch.tensor([0.0, 1.0], dtype=torch.float64))
    writing = Problem("p", node, cost)
    clean = Problem("p", node, lambda b: (b - 0.3).square().sum(-1))
    one, other = (measure(problem, "rloo", num_draws=500, timing=False) for problem in (writing, clean))
    assert same(one, other)


def test_a_random_cost_is_refused() -> None:
    node = Bernoulli(torch.zeros(2, dtype=torch.float64))
    noisy = Problem("noisy", node, lambda b: torch.nn.functional.dropout(b, 0.5).sum(-1))
    with pytest.raises(InputError, match="is random"):
        measure(noisy, "rloo", num_draws=100)


def test_a_large_constant_does_not_hide_the_bias_of_slopes() -> None:
    node = Bernoulli(torch.tensor([0.0, 1.0]))
    problem = Problem("offset", node, lambda b: 1e8 + 10 * b.sum(-1), exact_grad=torch.tensor([2.0, 1.5]))
    found = measure(problem, "straight_through", num_draws=5000, timing=False)
    assert found.unbiased_p == 1e-4


def test_draws_too_large_for_their_fourth_powers_fail_with_a_reason() -> None:
    node = Bernoulli(torch.zeros(1, dtype=torch.float64))
    found = measure(Problem("huge", node, lambda b: 1e200 * b.sum(-1)), "reinforce", num_draws=100, timing=False)
    assert found.status == "failed"
    assert "scale the cost" in (found.reason or "")


def test_heavy_tails_are_marked() -> None:
    assert "heavy_tail" in measure("normal_square", "reinforce", num_draws=1000, timing=False).marks


def test_a_problem_without_exact_gradient_is_held_against_a_reference_run() -> None:
    theta = torch.ones(2, 3, dtype=torch.float64)
    problem = Problem("high", Normal(theta), lambda x: x.square().sum(-1))
    found = measure(problem, "reparameterization", num_draws=10_000, timing=False)
    assert found.exact_method is not None
    assert found.exact_method.startswith("reference[estimator=rloo,num_samples=4,num_draws=")
    assert found.bias_sq_lower == 0
    assert found.bias_sq_upper is not None
    assert 0 < found.bias_sq_upper < 0.1  # |gradient|^2 is 24
    assert found.reason is None
