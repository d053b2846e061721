"""Kernels against the torch forms that define them: the same noise, the same draws; and the choice of path."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from varbench import Problem, measure
from varbench.bench.blocks import run_block
from varbench.bench.draws import Request
from varbench.bench.paths import cost_table, kernels, path_of
from varbench.bench.records import PATHS
from varbench.bench.resolve import estimator_of, problem_of
from varbench.estimators import st_gumbel_softmax as st_form
from varbench.estimators.estimator import Estimator, independent, load
from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.kernels import draw, lookup
from varbench.estimators.kernels.noise import KernelNoise
from varbench.estimators.kernels.registry import METHODS, kernels_of

ROWS = (1, 100, 4096)
DTYPES = {torch.float64: 1e-12, torch.float32: 2e-4}  # relative to the largest entry


def logits(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5)).mul(1.5).to(dtype)


def masked(dtype: torch.dtype = torch.float64) -> Tensor:
    theta = logits(3, 4, dtype=dtype)
    theta[0, 0] = theta[1, 3] = theta[2, 1] = -torch.inf
    return theta


NODES = {
    "categorical": lambda dtype: Categorical(logits(5, 4, dtype=dtype)),
    "masked": lambda dtype: Categorical(masked(dtype)),
    "two_classes": lambda dtype: Categorical(logits(3, 2, dtype=dtype)),
    "bernoulli": lambda dtype: Bernoulli(logits(6, dtype=dtype)),
}


def separable(node: Any) -> Problem:
    """A cost whose terms differ from variable to variable, cubic in each entry of x."""
    theta = node.theta
    scale = torch.linspace(0.5, 2, theta.numel(), dtype=theta.dtype).reshape(theta.shape)

    def terms(x: Tensor) -> Tensor:
        each = (scale.to(x) * x + 0.3).pow(3)
        return each if isinstance(node, Bernoulli) else each.sum(-1)

    return Problem("separable", node, lambda x: terms(x).sum(-1), terms=terms)


def requested(name: str, S: int, **config: Any) -> Request:
    estimator, full = estimator_of(name, **config)
    return Request(estimator, full, S)


def drawn(problem: Problem, one: Request, rows: int, fastest: str) -> Tensor:
    (draws,) = run_block(problem, [one], 3, 2, rows, fastest).draws
    assert isinstance(draws, Tensor)
    return draws


CONFIGS = [
    ("reinforce", 1, {}),
    ("reinforce", 3, {}),
    ("rloo", 2, {}),
    ("rloo", 5, {}),
    ("straight_through", 1, {}),
    ("straight_through", 2, {"temperature": 0.5}),
    ("straight_through", 1, {"identity": True}),
    ("reinmax", 1, {}),
    ("reinmax", 3, {"temperature": 2.0}),
    *(("st_gumbel_softmax", S, {"temperature": t}) for S, t in ((1, 1.0), (2, 0.5), (1, 0.01), (1, 30.0))),
]


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.items(), ids=lambda v: str(v).removeprefix("torch."))
@pytest.mark.parametrize("kind", NODES)
@pytest.mark.parametrize(("name", "S", "config"), CONFIGS, ids=str)
def test_paths_draw_the_same(
    name: str, S: int, config: dict[str, Any], kind: str, dtype: torch.dtype, tolerance: float
) -> None:
    """Every path gives the torch form's draws to rounding; in float32 a level may fall on the other side of a uniform.

    u and the levels are float64 in the kernel: of 4,096 draws of 5 variables at most a few differ, if any.
    """
    node = NODES[kind](dtype)
    problem, one = separable(node), requested(name, S, **config)
    for rows in ROWS:
        expected = drawn(problem, one, rows, "torch").flatten(1)
        for fastest in PATHS[1:]:
            found = drawn(problem, one, rows, fastest).flatten(1)
            assert found.shape == expected.shape
            assert found.dtype == expected.dtype
            off = ((found - expected).abs() > tolerance * (1 + expected.abs().max())).any(1)
            assert int(off.sum()) <= (0 if dtype == torch.float64 else 3)


@pytest.mark.parametrize("kind", NODES)
def test_every_listed_kernel_is_taken(kind: str) -> None:
    problem = separable(NODES[kind](torch.float64))
    for name, families in METHODS.items():
        estimator = load(name)
        found = kernels(problem, estimator)
        if problem.node.family in families:
            relaxed = name == "gumbel_softmax"  # whose points are in no table
            assert path_of(found) == ("split" if relaxed else "fused"), name
            assert path_of(kernels(problem, estimator, "torch")) == "torch"


@pytest.mark.parametrize("name", ["polynomial[dim=3,classes=3]", "bernoulli_quadratic[dim=3]"])
def test_the_record_names_the_path(name: str) -> None:
    assert measure(name, "reinforce", num_draws=50, timing=False).path == "fused"
    other = dataclasses.replace(problem_of(name), terms=None)
    assert measure(other, "reinforce", num_draws=50, timing=False).path == "split"
    assert measure("gamma_square", "reinforce", num_draws=50, timing=False).path == "torch"


def test_statistics_are_the_same_on_every_path() -> None:
    """With the same noise, not within intervals: to rounding."""
    problem = problem_of("polynomial[dim=5,classes=3,degree=3]")
    without = dataclasses.replace(problem, terms=None)
    for name in ("rloo", "reinmax"):
        fused, split = (measure(p, name, num_draws=5000, timing=False) for p in (problem, without))
        assert (fused.path, split.path) == ("fused", "split")
        for field in ("bias_sq", "bias_sq_upper", "variance", "variance_lower", "mse", "pareto_k", "cosine"):
            mine, other = getattr(fused, field), getattr(split, field)
            assert (mine is None and other is None) or mine == pytest.approx(other, rel=1e-9, abs=1e-15), field
        assert fused.cost_values_per_draw == split.cost_values_per_draw


@pytest.mark.parametrize("name", ["rloo", "st_gumbel_softmax"])
def test_bits_do_not_depend_on_threads(name: str) -> None:
    config = {"temperature": 0.5} if name.startswith("st") else {}
    one, three = (
        measure("polynomial[dim=5,classes=3]", name, num_draws=40_000, timing=False, threads=t, **config)
        for t in (1, 3)
    )
    assert dataclasses.replace(three, threads=1) == one


def test_a_table_is_the_cost() -> None:
    problem = separable(NODES["categorical"](torch.float64))
    table = cost_table(problem)
    assert table is not None
    x = independent(problem.node, KernelNoise(0, "p", 0, 200), 1)
    which = x.argmax(-1).reshape(200, 5)
    looked_up = table.values[torch.arange(5), which].sum(1)
    assert torch.allclose(looked_up, problem.cost(x)[:, 0])
    leaf = x.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(problem.cost(leaf).sum(), leaf)
    assert table.slopes is not None
    assert torch.allclose(table.slopes[torch.arange(5), which], slopes[:, 0])


def test_what_is_no_table_is_called() -> None:
    """A batch of nodes, a cost that is not finite at an outcome, one that counts its calls, one without terms."""
    node = NODES["categorical"](torch.float64)
    problem = separable(node)

    class Counting:
        must_be_called = True

        def __call__(self, x: Tensor) -> Tensor:
            return problem.cost(x)

    def poles(x: Tensor) -> Tensor:
        return (1 / (1 - x[..., 0])).unsqueeze(-1)[..., 0]

    assert cost_table(problem) is not None
    assert cost_table(dataclasses.replace(problem, cost=Counting())) is None
    assert cost_table(dataclasses.replace(problem, terms=None)) is None
    assert cost_table(Problem("poles", node, lambda x: poles(x).sum(-1), terms=poles)) is None
    batch = Categorical(logits(2, 5, 4))
    assert cost_table(Problem("batch", batch, problem.cost, terms=problem.terms)) is None


def test_another_function_of_the_same_name_has_no_kernel() -> None:
    """A user's own reinmax is measured as it is written."""

    def combine(node: Any, noise: Any, x: Tensor, values: Any, slopes: Tensor, *, temperature: float = 1.0) -> Tensor:
        return load("reinmax").combine(node, noise, x, values, slopes, temperature=temperature) * 2

    mine = Estimator(load("reinmax").facts, independent, combine)
    found = kernels_of(mine.sample, mine.combine, "categorical")
    assert found.fused is None
    assert found.combine is None
    other = kernels_of(load("reinforce").sample, load("reinforce").combine, "categorical")
    assert other.combine is not None
    moved = Estimator(load("reinforce").facts, st_form.sample, load("reinforce").combine)
    assert kernels_of(moved.sample, moved.combine, "categorical") == type(found)(), "its kernel knows its own points"
    problem = separable(NODES["categorical"](torch.float64))
    theirs = drawn(problem, requested("reinmax", 1), 100, "fused")
    assert torch.allclose(drawn(problem, Request(mine, {"temperature": 1.0}, 1), 100, "fused"), 2 * theirs)


@pytest.mark.parametrize("kind", NODES)
@pytest.mark.parametrize("S", [1, 3])
def test_points_are_the_torch_forms(kind: str, S: int) -> None:
    node = NODES[kind](torch.float64)
    assert torch.equal(draw.sample(node, KernelNoise(0, "p", 1, 500), S), node.draw(KernelNoise(0, "p", 1, 500), S))


def test_points_of_a_batch_are_too() -> None:
    node = Categorical(logits(3, 5, 4))
    one = KernelNoise(0, "p", 1, 500)
    assert torch.equal(draw.sample(node, one, 2), node.draw(one, 2))
    found = kernels_of(st_form.sample, st_form.combine, "categorical")
    assert found.sample is not None
    assert found.combine is not None
    x = st_form.sample(node, one, 2)
    assert torch.equal(found.sample(node, one, 2), x)
    slopes = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
    expected = st_form.combine(node, one, x, None, slopes, temperature=0.7)
    assert torch.allclose(found.combine(node, one, x, None, slopes, temperature=0.7), expected, rtol=0, atol=1e-13)


def test_wrong_twins_are_caught() -> None:
    """Draws of another block, of another temperature, and without the mean over S differ visibly."""
    problem = separable(NODES["categorical"](torch.float64))
    one = requested("st_gumbel_softmax", 2, temperature=0.5)
    right = drawn(problem, one, 100, "torch")
    (block,) = run_block(problem, [one], 3, 1, 100).draws
    twins = [block, drawn(problem, requested("st_gumbel_softmax", 2, temperature=0.6), 100, "fused"), right * 2]
    assert all((twin - right).abs().max() > 1e-2 for twin in twins if isinstance(twin, Tensor))
    assert len(twins) == 3


@pytest.mark.parametrize(("name", "S"), [("reinforce", 1), ("reinforce", 2), ("rloo", 3)])
def test_each_node_of_a_batch_is_weighed_by_its_own_value(name: str, S: int) -> None:
    for node in (Categorical(logits(3, 2, 5, 4)), Bernoulli(logits(3, 2, 6))):
        axes = len(node.event_shape)
        problem = Problem("batch", node, lambda x, axes=axes: x.pow(3).flatten(-axes).cumsum(-1).sin().sum(-1))
        one = requested(name, S)
        assert path_of(kernels(problem, one.estimator)) == "split"
        expected = drawn(problem, one, 300, "torch")
        assert torch.allclose(drawn(problem, one, 300, "split"), expected, rtol=1e-12, atol=1e-12)


def test_looked_up_gradients_are_weighted_sums() -> None:
    node = NODES["bernoulli"](torch.float64)
    noise = KernelNoise(0, "p", 0, 50)
    x = node.draw(noise, 4)
    weights = torch.rand(4, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = lookup.weighted_scores(node, noise, weights.unsqueeze(1).numpy())
    assert torch.allclose(found, (weights.T.unsqueeze(-1) * node.score(x)).sum(1))
